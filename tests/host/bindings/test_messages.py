"""Messages that functions send, and Storage queues that trigger functions, with real servers."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.storage.queue import QueueClient, QueueServiceClient

from tests.support.hosts.host_process import HostProcess, running

APP = Path(__file__).parents[1] / "apps" / "messages_app"
API_VERSION = "2025-11-05"
DEADLINE_SECONDS = 60


class Messages:
    """A running host, its broker and its emulator, and what its functions wrote down."""

    def __init__(self, host: HostProcess, folder: Path, storage: str | None = None) -> None:
        self.host = host
        self._folder = folder
        stack = json.loads((folder / "data" / "stack.json").read_text())
        self.bus = ServiceBusClient.from_connection_string(stack["BUS"])
        self.queues = QueueServiceClient.from_connection_string(
            storage or stack["QUEUES"], api_version=API_VERSION
        )

    def post(self, path: str, value: object, status: int = 200) -> None:
        answer = self.host.request("POST", f"/api/{path}", json.dumps(value).encode(), {})
        assert answer.status == status, self.host.log

    def received(self, queue: str = "orders", *, count: int) -> list[tuple[bytes, str | None]]:
        """The bodies and the content types of messages, which are gone then."""
        with self.bus.get_queue_receiver(queue, receive_mode="receiveanddelete") as receiver:
            return _take(receiver, count)

    def queue(self, name: str) -> QueueClient:
        return self.queues.get_queue_client(name)

    def stored(self, name: str, *, count: int) -> list[str]:
        """The contents of a queue as they are stored, which are gone then."""
        contents: list[str] = []

        def fetch() -> bool:
            try:
                for message in self.queue(name).receive_messages():
                    self.queue(name).delete_message(message)
                    contents.append(message.content)
            except ResourceNotFoundError:
                return False
            return len(contents) >= count

        self.until(fetch)
        return contents

    def seen(self, function: str) -> list[Any]:
        path = self._folder / function
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.host.log
            time.sleep(0.02)


def _take(receiver: Any, count: int) -> list[tuple[bytes, str | None]]:
    messages: list[tuple[bytes, str | None]] = []
    while len(messages) < count:
        for message in receiver.receive_messages(count, max_wait_time=DEADLINE_SECONDS):
            messages.append((b"".join(message.body), message.content_type))
    return messages


def _encoded(*bodies: str | bytes) -> list[str]:
    return [
        base64.b64encode(body.encode() if isinstance(body, str) else body).decode()
        for body in bodies
    ]


def _settings(folder: Path, **more: str) -> dict[str, str]:
    stack = {"BUS": "UseDevelopmentServiceBus=true", "QUEUES": "UseDevelopmentStorage=true"}
    return {**stack, "SEEN": str(folder), **more}


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Messages]:
    folder = tmp_path_factory.mktemp("host")
    with running(APP, folder, environment=_settings(folder)) as host:
        started = Messages(host, folder)
        with started.bus, started.queues:
            for name in ("jobs", "raw", "texts"):
                started.queue(name).create_queue()
            yield started


def test_a_text_is_sent_to_a_service_bus_queue(messages: Messages):
    messages.post("bus-queue", "hällo")
    assert messages.received(count=1) == [("hällo".encode(), "text/plain")]


def test_bytes_are_sent_to_service_bus_with_a_warning_of_what_azure_sends(messages: Messages):
    data = b"\xff\x00"
    messages.post("bus-queue", {"bytes": base64.b64encode(data).decode()})
    assert messages.received(count=1) == [(data, "application/octet-stream")]
    assert "bus_queue sends bytes to Service Bus" in messages.host.log


def test_a_json_object_is_written_anew_and_each_element_of_an_array_is_a_message(
    messages: Messages,
):
    messages.post("bus-queue", '{"a":1,"b":["ä"]}')
    assert messages.received(count=1)[0][0].decode() == '{\n  "a": 1,\n  "b": [\n    "ä"\n  ]\n}'
    messages.post("bus-queue", '["one", 2, true, null, {"c": 3}]')
    bodies = [body.decode() for body, _ in messages.received(count=5)]
    assert bodies == ["one", "2", "True", "", '{\n  "c": 3\n}']


def test_what_a_function_returns_is_sent_to_a_topic_beside_its_response(messages: Messages):
    messages.post("bus-topic", "now", status=201)
    with messages.bus.get_subscription_receiver(
        "news", "all", receive_mode="receiveanddelete"
    ) as receiver:
        assert _take(receiver, 1) == [(b'"now"', "text/plain")]


@pytest.mark.parametrize(("path", "value"), [("bus-nowhere", "x"), ("bus-queue", "{not json}")])
def test_a_message_that_cannot_be_sent_fails_the_call(messages: Messages, path: str, value: str):
    messages.post(path, value, status=500)
    assert "OutputError: the output 'sent' cannot be written" in messages.host.log


@pytest.mark.parametrize(
    ("value", "contents"),
    [
        ("text", _encoded("text")),
        ({"bytes": base64.b64encode(b"\xff\x00").decode()}, _encoded(b"\xff\x00")),
        ({"message": '["as it is"]'}, _encoded('["as it is"]')),
        ({"messages": ["one", '{"two":2}']}, _encoded("one", '{"two":2}')),
        (["three", "four"], _encoded("three", "four")),
        ('[{"five":5},"six"]', _encoded('{\n  "five": 5\n}', "six")),
    ],
)
def test_what_is_sent_to_a_storage_queue_is_stored_in_base64(
    messages: Messages, value: object, contents: list[str]
):
    messages.post("queue", value)
    assert messages.stored("made-by-output", count=len(contents)) == contents


def test_an_output_that_was_not_set_sends_nothing(messages: Messages):
    messages.post("queue", None)
    messages.post("queue", "after")
    assert messages.stored("made-by-output", count=1) == _encoded("after")


def test_a_message_is_settled_only_when_what_its_function_sends_is_stored(messages: Messages):
    with messages.bus.get_queue_sender("plain") as sender:
        sender.send_messages([ServiceBusMessage("on"), ServiceBusMessage("[broken]")])
    assert messages.stored("forwarded", count=1) == _encoded("on")
    # Its output cannot be written, so it is delivered again, and dead-lettered at last.
    messages.until(lambda: sorted(messages.seen("forward")) == [1, 1, 2])


def test_what_an_activity_sends_is_stored_when_its_orchestrator_goes_on(messages: Messages):
    messages.post("orchestrations", "from afar")
    messages.until(lambda: messages.seen("told") == ["sent from afar"])
    assert messages.stored("from-activities", count=1) == _encoded("from afar")


def test_a_queue_triggers_a_function_with_the_metadata_of_the_message(messages: Messages):
    messages.queue("jobs").send_message(_encoded("wörk")[0])
    messages.until(lambda: messages.seen("job"))
    (told,) = messages.seen("job")
    assert (told["body"], told["dequeue_count"]) == ("wörk", 1)
    assert told["id"] and told["pop_receipt"]
    for name in ("insertion_time", "expiration_time", "time_next_visible"):
        assert told[name].startswith("20") and told[name].endswith("+00:00"), name
    messages.until(
        lambda: not messages.queue("jobs").get_queue_properties()["approximate_message_count"]
    )


def test_what_a_json_message_says_of_itself_wins_over_its_metadata(messages: Messages):
    messages.queue("jobs").send_message(_encoded('{"id": 7, "other": [1]}')[0])
    messages.until(lambda: "7" in [told["id"] for told in messages.seen("job")])


def test_a_message_that_fails_too_often_goes_to_the_poison_queue(messages: Messages):
    messages.queue("jobs").send_message(_encoded("bad")[0])
    assert messages.stored("jobs-poison", count=1) == _encoded("bad")
    counts = [told["dequeue_count"] for told in messages.seen("job") if told["body"] == "bad"]
    assert counts == [1, 2, 3]
    assert "Moving it to queue 'jobs-poison'." in messages.host.log


def test_a_message_that_is_no_base64_goes_to_the_poison_queue(messages: Messages):
    messages.queue("jobs").send_message("plain text")
    assert messages.stored("jobs-poison", count=1) == ["plain text"]
    assert "'extensions.queues.messageEncoding' of host.json is base64" in messages.host.log


def test_no_more_messages_run_at_once_than_host_json_allows(messages: Messages):
    for _ in range(12):
        messages.queue("jobs").send_message(_encoded("slow")[0])
    most = 0

    def has_ended() -> bool:
        nonlocal most
        ended = [told["body"] for told in messages.seen("job")].count("slow")
        most = max(most, messages.seen("job-begun").count("slow") - ended)
        return ended == 12

    messages.until(has_ended)
    # A batch of 4 is fetched while no more than 1 runs.
    assert 2 <= most <= 5


def test_a_function_gets_bytes_or_text_as_it_asks(messages: Messages):
    messages.queue("raw").send_message(_encoded(b"\xff")[0])
    messages.queue("texts").send_message(_encoded("as it is")[0])
    messages.until(lambda: messages.seen("raw") and messages.seen("texts"))
    assert messages.seen("raw") == _encoded(b"\xff")
    assert messages.seen("texts") == ["as it is"]


def test_the_messages_of_a_session_are_handed_over_one_after_the_other_and_in_order(
    messages: Messages,
):
    bodies = {
        "a": ["first", "longer than its lock", "last"],
        "b": ["first", "fails once", "last"],
        "c": ["first", "last"],
    }
    with messages.bus.get_queue_sender("in-sessions") as sender:
        for session_id in "abc":
            for body in bodies[session_id]:
                sender.send_messages(ServiceBusMessage(body, session_id=session_id))

    def told(session_id: str) -> list[tuple[str, str]]:
        seen = messages.seen("in-session")
        return [(what, body) for what, session, body in seen if session == session_id]

    # Two sessions at once; the third waits until one of them is idle.
    messages.until(lambda: all(("ended", "last") in told(session_id) for session_id in bodies))
    for session_id in bodies:
        steps = [(what, body) for body in bodies[session_id] for what in ("begun", "ended")]
        if session_id == "b":
            steps.insert(2, ("begun", "fails once"))
        assert told(session_id) == steps


def test_a_batch_of_a_session_is_of_that_session_alone(messages: Messages):
    with messages.bus.get_topic_sender("news") as sender:
        for number in range(6):
            sender.send_messages(ServiceBusMessage(str(number), session_id=f"s{number % 2}"))

    def told() -> list[Any]:
        return [one for batch in messages.seen("session-batch") for one in batch]

    messages.until(lambda: len(told()) == 6)
    for batch in messages.seen("session-batch"):
        assert len({session_id for session_id, _ in batch}) == 1
    for session in (0, 1):
        expected = [str(number) for number in range(6) if number % 2 == session]
        assert [body for session_id, body in told() if session_id == f"s{session}"] == expected


def test_a_host_that_stops_lets_a_call_end_and_reads_texts_as_host_json_says(
    storage: str, tmp_path: Path
):
    switch = {"AzureFunctionsJobHost__extensions__queues__messageEncoding": "none"}
    settings = _settings(tmp_path, **switch) | {"QUEUES": storage}
    with QueueServiceClient.from_connection_string(storage, api_version=API_VERSION) as service:
        queue = service.get_queue_client("jobs")
        queue.create_queue()
        with running(APP, tmp_path, environment=settings) as host:
            seen = Messages(host, tmp_path, storage)
            queue.send_message("very slow")
            seen.until(lambda: seen.seen("job-begun"))
            assert host.stop() == 0
        assert [told["body"] for told in seen.seen("job")] == ["very slow"]
        assert queue.get_queue_properties()["approximate_message_count"] == 0
