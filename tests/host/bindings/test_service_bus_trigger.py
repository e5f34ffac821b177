"""Service Bus triggers of the embedded host, with azure-servicebus at the other end."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusSubQueue
from azure.servicebus.amqp import AmqpAnnotatedMessage, AmqpMessageProperties

from tests.support.hosts.host_process import HostProcess, launch, running

APP = Path(__file__).parents[1] / "apps" / "service_bus_app"
DEADLINE_SECONDS = 40


class Bus:
    """A running host, its broker, and what its functions wrote down."""

    def __init__(self, host: HostProcess, folder: Path) -> None:
        self.host = host
        self._folder = folder
        stack = json.loads((folder / "data" / "stack.json").read_text())
        self.client = ServiceBusClient.from_connection_string(stack["BUS"])

    def send(self, queue: str, *messages: ServiceBusMessage) -> None:
        with self.client.get_queue_sender(queue) as sender:
            sender.send_messages(list(messages))

    def seen(self, function: str) -> list[Any]:
        return seen(self._folder, function)

    def count(self, queue: str, part: ServiceBusSubQueue | None = None) -> int:
        with self.client.get_queue_receiver(queue, sub_queue=part) as receiver:
            return len(receiver.peek_messages(100))


def seen(folder: Path, function: str) -> list[Any]:
    path = folder / function
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def until(holds: Callable[[], object], host: HostProcess) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, host.log
        time.sleep(0.02)


def settings(folder: Path, **more: str) -> dict[str, str]:
    return {"BUS": "UseDevelopmentServiceBus=true", "SEEN": str(folder), **more}


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    folder = tmp_path_factory.mktemp("host")
    with running(APP, folder, environment=settings(folder)) as host:
        started = Bus(host, folder)
        with started.client:
            yield started


def test_a_message_is_given_with_its_metadata_and_completed(bus: Bus) -> None:
    bus.send(
        "singles",
        ServiceBusMessage(
            "hällo",
            message_id="m-1",
            content_type="text/plain",
            correlation_id="c-1",
            subject="greeting",
            application_properties={"region": "eu", "count": 3},
        ),
    )
    until(lambda: bus.seen("one"), bus.host)
    given = bus.seen("one")[0]
    assert given["body"] == "hällo"
    assert (given["message_id"], given["correlation_id"]) == ("m-1", "c-1")
    assert (given["content_type"], given["subject"]) == ("text/plain", "greeting")
    assert given["application_properties"] == {"region": "eu", "count": 3}
    assert given["user_properties"] == {"region": "eu", "count": 3}
    assert (given["delivery_count"], given["sequence_number"]) == (1, 1)
    assert given["lock_token"] and given["enqueued"].endswith("+00:00")
    until(lambda: bus.count("singles") == 0, bus.host)


def test_what_a_json_message_says_of_itself_wins_over_its_metadata(bus: Bus) -> None:
    body = json.dumps({"messageId": "other", "subject": "mine", "unknown": 1})
    bus.send("singles", ServiceBusMessage(body, message_id="m-2", correlation_id="c-2"))
    until(lambda: "c-2" in [one["correlation_id"] for one in bus.seen("one")], bus.host)
    (given,) = (one for one in bus.seen("one") if one["correlation_id"] == "c-2")
    assert (given["message_id"], given["subject"]) == ("other", "mine")


def test_a_batch_is_given_whole_with_the_metadata_of_each(bus: Bus) -> None:
    messages = [
        ServiceBusMessage(f"body {i}", message_id=f"b-{i}", application_properties={"i": i})
        for i in range(50)
    ]
    bus.send("batches", *messages)

    def given() -> list[dict[str, Any]]:
        # Batches run side by side, so which of two is written down first is chance.
        messages = [message for batch in bus.seen("many") for message in batch]
        return sorted(messages, key=lambda message: message["sequence_number"])

    until(lambda: len(given()) == 50, bus.host)
    assert len(bus.seen("many")) < 50
    for i, message in enumerate(given()):
        assert (message["body"], message["message_id"]) == (f"body {i}", f"b-{i}")
        assert message["application_properties"] == message["user_properties"] == {"i": i}
        assert (message["delivery_count"], message["sequence_number"]) == (1, i + 1)
        assert message["lock_token"] and message["enqueued"].endswith("+00:00")
    until(lambda: bus.count("batches") == 0, bus.host)


def test_ids_move_up_in_a_batch_in_which_a_message_has_none(bus: Bus) -> None:
    ids = [f"n-{i}" if i % 3 else None for i in range(30)]
    subjects = ["" if i % 4 == 1 else f"s-{i}" for i in range(30)]
    # Of a message of its own class the client makes an id where it has none.
    messages = [
        AmqpAnnotatedMessage(
            data_body=f"of {i}".encode(),
            properties=AmqpMessageProperties(message_id=own, subject=subject),
        )
        for i, (own, subject) in enumerate(zip(ids, subjects, strict=True))
    ]
    with bus.client.get_queue_sender("batches") as sender:
        sender.send_messages(messages)

    def batches() -> list[list[dict[str, Any]]]:
        return [batch for batch in bus.seen("many") if batch[0]["body"].startswith("of ")]

    until(lambda: sum(map(len, batches())) == len(ids), bus.host)
    for batch in batches():
        numbers = [int(message["body"].removeprefix("of ")) for message in batch]
        for name, texts in (("message_id", ids), ("subject", subjects)):
            given = [texts[number] for number in numbers if texts[number]]
            missing = len(batch) - len(given)
            assert [message[name] for message in batch] == [*given, *[None] * missing]
        assert all(message["lock_token"] and message["enqueued"] for message in batch)
    assert len(batches()) < len(ids)


def test_a_subscription_triggers_a_function(bus: Bus) -> None:
    with bus.client.get_topic_sender("news") as sender:
        sender.send_messages(ServiceBusMessage("now"))
    until(lambda: [one["body"] for one in bus.seen("heard")] == ["now"], bus.host)


def test_an_exception_has_it_delivered_again_and_at_last_dead_lettered(bus: Bus) -> None:
    bus.send("failing", ServiceBusMessage("x"))
    until(lambda: bus.count("failing", ServiceBusSubQueue.DEAD_LETTER) == 1, bus.host)
    assert bus.seen("fails") == [1, 2, 3]
    with bus.client.get_queue_receiver(
        "failing", sub_queue=ServiceBusSubQueue.DEAD_LETTER
    ) as receiver:
        assert receiver.peek_messages()[0].dead_letter_reason == "MaxDeliveryCountExceeded"
    assert "function fails failed: ValueError: never" in bus.host.log


def test_the_death_of_a_worker_has_it_delivered_again(bus: Bus) -> None:
    bus.send("deadly", ServiceBusMessage("x"))
    until(lambda: bus.seen("dies_once") == [1, 2], bus.host)
    until(lambda: bus.count("deadly") == 0, bus.host)


def test_the_lock_is_kept_while_the_function_runs(bus: Bus) -> None:
    bus.send("slow", ServiceBusMessage("8"))
    until(lambda: bus.seen("slow"), bus.host)
    until(lambda: bus.count("slow") == 0, bus.host)
    assert bus.seen("slow") == [1]


def test_without_auto_complete_what_went_well_is_delivered_again(tmp_path: Path) -> None:
    switch = {"AzureFunctionsJobHost__extensions__serviceBus__autoCompleteMessages": "false"}
    with running(APP, tmp_path, environment=settings(tmp_path, **switch)) as host:
        bus = Bus(host, tmp_path)
        with bus.client:
            bus.send("singles", ServiceBusMessage("x"))
            until(lambda: len(bus.seen("one")) >= 2, host)
            assert [one["delivery_count"] for one in bus.seen("one")][:2] == [1, 2]


def test_a_running_call_ends_and_is_completed_when_the_host_stops(tmp_path: Path) -> None:
    with running(APP, tmp_path, environment=settings(tmp_path)) as host:
        bus = Bus(host, tmp_path)
        with bus.client:
            bus.send("slow", ServiceBusMessage("3"))
            until(lambda: bus.seen("slow-begun"), host)
        assert host.stop() == 0
    with running(APP, tmp_path, environment=settings(tmp_path)) as host:
        again = Bus(host, tmp_path)
        with again.client:
            until(lambda: again.count("slow") == 0, host)
    assert seen(tmp_path, "slow") == [1]


def test_a_host_killed_while_receiving_loses_nothing(tmp_path: Path) -> None:
    ids = {f"k-{i}" for i in range(400)}
    with running(APP, tmp_path, environment=settings(tmp_path)) as host:
        bus = Bus(host, tmp_path)
        with bus.client:
            bus.send("singles", *(ServiceBusMessage("x", message_id=one) for one in sorted(ids)))
            until(lambda: len(bus.seen("one")) >= 50, host)
            assert host.stop(signal.SIGKILL) == -signal.SIGKILL
    with running(APP, tmp_path, environment=settings(tmp_path)) as host:
        bus = Bus(host, tmp_path)
        with bus.client:
            until(lambda: {one["message_id"] for one in bus.seen("one")} == ids, host)
            until(lambda: bus.count("singles") == 0, host)


def test_a_disabled_function_receives_nothing(tmp_path: Path) -> None:
    switch = {"AzureWebJobs.one.Disabled": "true"}
    with running(APP, tmp_path, environment=settings(tmp_path, **switch)) as host:
        bus = Bus(host, tmp_path)
        with bus.client:
            bus.send("singles", ServiceBusMessage("x"))
            with bus.client.get_topic_sender("news") as sender:
                sender.send_messages(ServiceBusMessage("after"))
            until(lambda: bus.seen("heard"), host)
            assert bus.count("singles") == 1
        assert "Function one is disabled." in host.banner
    assert seen(tmp_path, "one") == []


def test_a_connection_that_is_no_setting_is_refused_by_name(tmp_path: Path) -> None:
    process, log = launch(APP, tmp_path, environment={"SEEN": str(tmp_path)})
    with process:
        assert process.wait(timeout=DEADLINE_SECONDS) == 1
    assert "Function 'one': its connection names the setting 'BUS'" in log.read_text()
