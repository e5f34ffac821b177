"""Messages: each starts its run once, or is a dead letter, or comes again."""

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.functions import meta
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusError

from fanout.adapters import settings as settings_module
from fanout.adapters.messaging import DEAD_LETTER_QUEUE
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import ServiceBusSettings, Settings, StorageSettings
from fanout.naming import blob_paths, instance_ids
from fanout.naming import functions as names
from localhost.triggers.service_bus.trigger_settings import Limits
from starters import service_bus
from starters.service_bus import (
    LAST_DELIVERY,
    LAST_DELIVERY_IF_FAULTY,
    MAX_PAUSE_SECONDS,
    MAX_START_SECONDS,
    RequestMessage,
    UnsettledMessageError,
    blueprint,
    pause_before,
    settle_message,
)
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_bus import MemoryBus
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads import probe_workloads

ROOT = Path(__file__).parents[3]
MAX_BYTES = 2_000
CSV = {"kind": "csv", "container": "inbox", "blob": "rows.csv"}
SUM = {"workload": probe_workloads.Sum.name, "source": CSV, "parameters": {"column": "n"}}
LOCAL = Settings(storage=StorageSettings("x"), max_request_bytes=MAX_BYTES)


@pytest.fixture(autouse=True)
def _small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_bus, "settings", lambda: LOCAL)
    monkeypatch.setattr(service_bus, "MAX_PAUSE_SECONDS", 0.0)


@pytest.fixture
def files() -> RunFiles:
    store = MemoryStore()
    store.write("inbox", "rows.csv", b"n,text\n1,a\n")
    return RunFiles(store, "runs")  # type: ignore[arg-type]  # the double of it


def message(number: int, body: Any = SUM, message_id: str | None = "") -> RequestMessage:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RequestMessage(data, number, f"m-{number}" if message_id == "" else message_id)


async def start(
    requests: list[RequestMessage], client: Any, files: RunFiles, rows: Rows, bus: MemoryBus
) -> None:
    """Settle messages at once, as their calls come."""
    settled = [settle_message(one, client, files, rows, bus) for one in requests]  # type: ignore[arg-type]
    await asyncio.gather(*settled)


async def test_a_message_starts_a_run_under_its_own_id_however_often_it_comes(
    files: RunFiles, rows: Rows
):
    client, bus = Client(), MemoryBus()
    for _ in range(3):
        await start([message(1), message(2), message(1)], client, files, rows, bus)
    assert sorted(client.started) == ["m-1", "m-2"]
    assert bus.sent == {}


async def test_a_request_that_names_its_run_keeps_that_name(files: RunFiles, rows: Rows):
    client = Client()
    await start([message(1, SUM | {"run_id": "mine"})], client, files, rows, MemoryBus())
    assert client.started == ["mine"]


@pytest.mark.parametrize(
    "message_id", ["orders/7", "..", "x" * 101, "zwölf", "caf\udce9", "a\x00b"]
)
def test_a_message_id_that_is_no_run_id_is_made_one_the_same_each_time(message_id: str):
    run_id = message(1, message_id=message_id).run_id
    assert instance_ids.is_run_id(run_id)
    assert run_id == message(2, message_id=message_id).run_id
    assert run_id != message(1, message_id=message_id + "x").run_id


def test_a_message_without_an_id_goes_by_its_place_in_the_queue():
    assert message(7, message_id=None).run_id == "fanout-requests-7"
    assert instance_ids.is_run_id(message(10**19, message_id=None).run_id)


BAD = [
    (b'{"workload": ', "InvalidRequest", "line 1 column 13"),
    (b"\xff\xfe", "InvalidRequest", "it is UTF-16"),
    (json.dumps(SUM).encode("utf-16"), "InvalidRequest", "it is UTF-16"),
    (json.dumps(SUM | {"max_items": float("nan")}).encode(), "InvalidRequest", "max_items: JSON"),
    (b'{"concurrency": {"items_per_second": 1e999}}', "InvalidRequest", "items_per_second: 1e999"),
    (SUM | {"concurrency": {"items_per_second": 1e-12}}, "InvalidRequest", "items_per_second: "),
    (SUM | {"concurrency": {"items_per_second": "1e999"}}, "InvalidRequest", "a finite number"),
    (SUM | {"max_items": 2**53}, "InvalidRequest", "max_items: Input should be less"),
    (json.dumps(SUM | {"select": {"a": {"const": "\udce9"}}}).encode(), "InvalidRequest", "const:"),
    (SUM | {"workload": "nothing"}, "InvalidRequest", "workload: there is no workload 'nothing'"),
    (SUM | {"source": CSV | {"blob": "gone.csv"}}, "InvalidRequest", "source.blob"),
    (SUM | {"dry_run": True}, "InvalidRequest", "dry_run: a dry run is answered"),
    (b" " * (MAX_BYTES + 1), "RequestTooLarge", str(MAX_BYTES)),
    (SUM | {"max_items": 1, "run_id": "m-1"}, "RunConflict", "another request"),
]


@pytest.mark.parametrize(("body", "reason", "says"), BAD)
async def test_a_message_that_can_never_succeed_is_a_dead_letter_and_harms_no_other(
    files: RunFiles, rows: Rows, body: Any, reason: str, says: str
):
    client, bus = Client(), MemoryBus()
    bad = message(2, body)
    await start([message(1)], client, files, rows, bus)
    await start([message(1), bad, message(3)], client, files, rows, bus)
    assert sorted(client.started) == ["m-1", "m-3"]
    (letter,) = bus.sent[DEAD_LETTER_QUEUE]
    assert letter.body == bad.body
    assert letter.properties["DeadLetterReason"] == reason
    assert says in str(letter.properties["DeadLetterErrorDescription"])
    assert (letter.message_id, letter.correlation_id) == ("fanout-requests/2", "m-2")


async def test_a_dead_letter_delivered_again_has_the_same_id_and_its_sender_s_properties(
    files: RunFiles, rows: Rows
):
    bus = MemoryBus()
    bad = RequestMessage(b"{", 5, "m", {"tenant": "a", "DeadLetterReason": "mine"})
    for _ in range(2):
        await start([bad], Client(), files, rows, bus)
    first, again = bus.sent[DEAD_LETTER_QUEUE]
    assert first == again
    assert first.properties["tenant"] == "a"
    assert first.properties["DeadLetterReason"] == "InvalidRequest"


class FlakyStore(MemoryStore):
    """Fails once for one run."""

    fails_for = "m-2"

    def write(self, container: str, blob: str, data: bytes, **options: Any) -> str:
        if blob.startswith(f"{self.fails_for}/"):
            self.fails_for = "nobody"
            raise ServiceRequestError("no route")
        return super().write(container, blob, data, **options)


async def test_a_message_that_may_succeed_later_comes_again_alone(rows: Rows):
    store = FlakyStore()
    store.write("inbox", "rows.csv", b"n,text\n1,a\n")
    files = RunFiles(store, "runs")  # type: ignore[arg-type]  # the double of it
    client, bus = Client(), MemoryBus()
    await start([message(1), message(3, b"{"), message(4)], client, files, rows, bus)
    with pytest.raises(UnsettledMessageError, match="ServiceRequestError: no route"):
        await start([message(2)], client, files, rows, bus)
    assert sorted(client.started) == ["m-1", "m-4"]
    await start([message(2)], client, files, rows, bus)
    assert sorted(client.started) == ["m-1", "m-2", "m-4"]
    assert {letter.message_id for letter in bus.sent[DEAD_LETTER_QUEUE]} == {"fanout-requests/3"}


async def test_a_run_claimed_and_not_started_is_started_when_its_message_comes_again(
    files: RunFiles, rows: Rows
):
    client, bus = Client(is_away=True), MemoryBus()
    with pytest.raises(UnsettledMessageError):
        await start([message(1)], client, files, rows, bus)
    client.is_away = False
    await start([message(1)], client, files, rows, bus)
    assert client.started == ["m-1"]


RAISED = [
    RecursionError("too deep"),
    MemoryError(),
    SyntaxError("too many statically nested blocks"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    StopIteration(),
    SystemExit(3),
    KeyboardInterrupt(),
    asyncio.CancelledError(),
    GeneratorExit(),
    BaseExceptionGroup("many", [SystemExit(1)]),
    ValueError("caf\udce9"),
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)
async def test_whatever_is_raised_for_a_message_it_comes_again_and_is_a_dead_letter_at_last(
    files: RunFiles,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    raised: BaseException,
):
    # What a process of many test workers reports is UTF-8, which has no lone surrogate.
    caplog.set_level(logging.CRITICAL + 1, "fanout")
    client, bus, start_run = Client(), MemoryBus(), service_bus.start_run

    async def start_or_raise(request: Any, *given: Any) -> Any:
        if request.run_id == "m-2":
            raise raised
        return await start_run(request, *given)

    monkeypatch.setattr(service_bus, "start_run", start_or_raise)
    for delivery in range(1, LAST_DELIVERY_IF_FAULTY):
        with pytest.raises(UnsettledMessageError) as told:
            await start([replace(message(2), delivery=delivery)], client, files, rows, bus)
        assert str(told.value).encode()  # the worker can write it down
        assert told.value.__cause__ is told.value.__context__ is None
    last = replace(message(2), delivery=LAST_DELIVERY_IF_FAULTY)
    await start([message(1), last, message(3)], client, files, rows, bus)
    assert sorted(client.started) == ["m-1", "m-3"]
    (letter,) = bus.sent[DEAD_LETTER_QUEUE]
    assert letter.properties["DeadLetterReason"] == "StartFailed"
    assert type(raised).__name__ in str(letter.properties["DeadLetterErrorDescription"])


async def test_a_message_is_given_up_before_service_bus_does_so_without_a_reason(
    files: RunFiles, rows: Rows
):
    away, bus = Client(is_away=True), MemoryBus()
    for delivery in range(1, LAST_DELIVERY):
        with pytest.raises(UnsettledMessageError, match="ConnectionError"):
            await start([replace(message(1), delivery=delivery)], away, files, rows, bus)
    await start([replace(message(1), delivery=LAST_DELIVERY)], away, files, rows, bus)
    (letter,) = bus.sent[DEAD_LETTER_QUEUE]
    description = letter.properties["DeadLetterErrorDescription"]
    assert description == "ConnectionError: the host is away"


async def test_a_call_that_the_host_cancels_settles_nothing(files: RunFiles, rows: Rows):
    asked, bus = asyncio.Event(), MemoryBus()

    class Hanging(Client):
        async def start_new(self, *given: Any) -> str:
            asked.set()
            await asyncio.sleep(60)
            return ""

    call = asyncio.create_task(
        settle_message(message(1), Hanging(), files, rows, bus)  # type: ignore[arg-type]
    )
    await asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert bus.sent == {}


def test_a_message_waits_longer_each_time_and_less_than_its_lock(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    pauses = [pause_before(delivery) for delivery in range(1, LAST_DELIVERY + 1)]
    assert pauses == [0, 3, 6, 12, 24, 48, 96, 180, 180]
    assert 9 * 60 <= sum(pauses) <= 10 * 60, "as long as activities wait for storage"
    host = json.loads((ROOT / "host.json").read_text())["extensions"]["serviceBus"]
    renewed_for = Limits.from_host_json(host).max_renewal.total_seconds()
    assert max(pauses) + MAX_START_SECONDS <= renewed_for - 30, "a dead letter is handed on as well"
    assert sum(pauses[:LAST_DELIVERY_IF_FAULTY]) < 10


class RefusingStore(MemoryStore):
    """Storage whose key has been exchanged: it answers each call with 403 until that is known."""

    is_refusing = False

    def properties(self, container: str, blob: str) -> Any:
        self._answer()
        return super().properties(container, blob)

    def open(self, container: str, blob: str, **options: Any) -> Any:
        self._answer()
        return super().open(container, blob, **options)

    def write(self, container: str, blob: str, data: bytes, **options: Any) -> str:
        self._answer()
        return super().write(container, blob, data, **options)

    def _answer(self) -> None:
        if self.is_refusing:
            error = HttpResponseError("This request is not authorized")
            error.status_code = 403
            raise error


async def test_a_message_outlives_storage_that_refuses_for_nine_minutes(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service_bus, "MAX_PAUSE_SECONDS", MAX_PAUSE_SECONDS)
    store, client, bus, waited = RefusingStore(), Client(), MemoryBus(), 0.0
    store.write("inbox", "rows.csv", b"n,text\n1,a\n")
    files = RunFiles(store, "runs")  # type: ignore[arg-type]  # the double of it
    pauses = [pause_before(delivery) for delivery in range(1, LAST_DELIVERY + 1)]
    monkeypatch.setattr(service_bus, "MAX_PAUSE_SECONDS", 0.0)
    for delivery, pause in enumerate(pauses, 1):
        waited += pause
        store.is_refusing = waited < 9 * 60
        with suppress(UnsettledMessageError):
            await start([replace(message(1), delivery=delivery)], client, files, rows, bus)
    assert (client.started, bus.sent) == (["m-1"], {})


@pytest.mark.parametrize("kept", [b"{", b'{"version": 99, "workload": "w"}'])
async def test_a_message_whose_run_cannot_be_read_is_a_dead_letter_at_once(
    files: RunFiles, rows: Rows, kept: bytes
):
    files.write(blob_paths.request_path("m-1"), kept)
    client, bus = Client(), MemoryBus()
    await start([message(1)], client, files, rows, bus)
    (letter,) = bus.sent[DEAD_LETTER_QUEUE]
    assert letter.properties["DeadLetterReason"] == "UnreadableDocument"
    assert "m-1/request.json" in str(letter.properties["DeadLetterErrorDescription"])


async def test_a_dead_letter_that_cannot_be_handed_on_fails_the_batch(files: RunFiles, rows: Rows):
    with pytest.raises(ServiceBusError):
        await start([message(1), message(2, b"{")], Client(), files, rows, MemoryBus(is_away=True))


class SmallBus(MemoryBus):
    """Takes messages of so many bytes, as Service Bus does."""

    max_bytes = 100_000

    def send_to_queue(self, queue: str, messages: Any) -> int:
        kept = [*messages]
        for one in kept:
            texts = [*map(str, one.properties), *map(str, one.properties.values())]
            if len(one.body) + sum(map(len, texts)) > self.max_bytes:
                raise MessageSizeExceededError(message="too large")
        return super().send_to_queue(queue, kept)


async def test_a_message_as_large_as_any_is_a_dead_letter_with_its_reason(
    files: RunFiles, rows: Rows
):
    bus = SmallBus()
    bad = RequestMessage(b"[" * SmallBus.max_bytes, 5, "m", {"tenant": "a"})
    await start([bad], Client(), files, rows, bus)
    (letter,) = bus.sent[DEAD_LETTER_QUEUE]
    assert letter.body == bad.body[: len(letter.body)]
    assert letter.properties["DeadLetterReason"] == "RequestTooLarge"
    assert (letter.properties["tenant"], letter.properties["BodyBytes"]) == ("a", len(bad.body))


async def test_properties_that_leave_no_room_for_the_reason_are_left_out(
    files: RunFiles, rows: Rows
):
    bus = MemoryBus()
    bad = RequestMessage(b"{", 5, "m", {f"p{n}": "ä" * 500 for n in range(60)})
    await start([bad], Client(), files, rows, bus)
    (letter,) = bus.sent[DEAD_LETTER_QUEUE]
    assert letter.properties.keys() == {
        "DeadLetterReason",
        "DeadLetterErrorDescription",
        "DeadLetterSource",
    }


async def test_a_message_whose_start_never_ends_is_settled_before_the_host_ends_the_process(
    files: RunFiles, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    class Hanging(Client):
        async def start_new(self, *given: Any) -> str:
            await asyncio.sleep(60)
            return ""

    monkeypatch.setattr(service_bus, "MAX_START_SECONDS", 0.2)
    bus = MemoryBus()
    with pytest.raises(UnsettledMessageError, match="TimeoutError"):
        await start([message(1)], Hanging(), files, rows, bus)
    await start([replace(message(1), delivery=LAST_DELIVERY)], Hanging(), files, rows, bus)
    (letter,) = bus.sent[DEAD_LETTER_QUEUE]
    assert letter.properties["DeadLetterReason"] == "StartFailed"


def test_a_message_is_read_as_the_worker_delivers_it():
    described = {
        "UserProperties": {},
        "ApplicationProperties": {"tenant": "a", "n": 1, "nested": {"x": 1}},
        "MessageId": "m-1",
        "SequenceNumber": 2**40,
        "DeliveryCount": 2,
    }
    converter: Any = func.get_binding_registry().get("serviceBusTrigger")

    def read(body: bytes, told: dict[str, Any]) -> RequestMessage:
        metadata = {name: meta.Datum(json.dumps(value), "json") for name, value in told.items()}
        decoded = converter.decode(meta.Datum(body, "bytes"), trigger_metadata=metadata)
        return RequestMessage.from_message(decoded)

    expected = RequestMessage(b"\xff", 2**40, "m-1", {"tenant": "a", "n": 1}, 2)
    assert read(b"\xff", described) == expected
    nameless = read(b"{}", {"UserProperties": {}, "SequenceNumber": 7})
    assert nameless == RequestMessage(b"{}", 7, None)
    assert nameless.run_id == "fanout-requests-7"


def functions(of: Settings) -> list[Any]:
    app = func.FunctionApp()
    app.register_functions(blueprint(of))
    return list(app.get_functions())


def test_without_a_service_bus_there_is_no_trigger():
    assert functions(LOCAL) == []


@pytest.mark.parametrize(
    "service_bus_settings", [ServiceBusSettings("Endpoint=x"), ServiceBusSettings(None, "x.y")]
)
def test_with_one_the_queue_triggers_a_call_for_each_message_by_the_connection_s_name(
    service_bus_settings: ServiceBusSettings,
):
    configured = Settings(storage=StorageSettings("x"), service_bus=service_bus_settings)
    (function,) = functions(configured)
    trigger = function.get_trigger().get_dict_repr()
    assert function.get_function_name() == names.START_RUNS
    assert (trigger["queueName"], trigger["connection"]) == (
        "fanout-requests",
        settings_module.SERVICE_BUS,
    )
    assert trigger["cardinality"].value == func.Cardinality.ONE.value
