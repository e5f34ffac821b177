"""What a starter's threads log goes to the host with the id of the invocation they work for."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from azure.servicebus.exceptions import MessageSizeExceededError

from fanout.adapters.messaging import OutgoingMessage
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.governor.admission import AdmissionState
from fanout.naming import row_keys
from fanout.naming.moments import moment_text
from starters import blob, service_bus, watchdog
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_bus import MemoryBus
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.worker_handler import WorkerHandler, worker_logging


class ChattyStore(MemoryStore):
    """Logs on the thread that asks it, as the libraries of Azure do."""

    def properties(self, container: str, blob: str) -> Any:
        logger("store").warning("asked on a thread")
        return super().properties(container, blob)


class NarrowBus(MemoryBus):
    """Takes only messages that are cut off."""

    def send_to_queue(self, queue: str, messages: Iterable[OutgoingMessage]) -> int:
        taken = list(messages)
        if any("BodyBytes" not in one.properties for one in taken):
            raise MessageSizeExceededError(message="too large")
        return super().send_to_queue(queue, taken)


@pytest.fixture
def worker() -> Iterator[WorkerHandler]:
    with worker_logging() as handler:
        yield handler


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, rows: Rows) -> RunFiles:
    files = RunFiles(ChattyStore(), "runs")  # type: ignore[arg-type]  # the double of it
    for module in (blob, service_bus, watchdog):
        monkeypatch.setattr(module, "run_files", lambda: files)
        monkeypatch.setattr(module, "rows", lambda: rows)
    return files


def ids_of(worker: WorkerHandler, text: str) -> set[str | None]:
    """The ids that the host was given with the lines that have a text."""
    return {invocation_id for _, invocation_id, line in worker.sent if text in line["message"]}


async def test_storage_that_logs_in_a_thread_of_the_trigger_of_blobs(
    worker: WorkerHandler, files: RunFiles
):
    given: Any = SimpleNamespace(name="inbox/w/gone.csv")
    await blob.start_run_over_blob(given, Client(), worker.context("i-1"))
    assert ids_of(worker, "asked on a thread") == {"i-1"}
    assert ids_of(worker, "is gone") == {"i-1"}


async def test_a_dead_letter_that_is_cut_off_in_a_thread(
    worker: WorkerHandler, files: RunFiles, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service_bus, "messaging", NarrowBus)
    monkeypatch.setattr(service_bus, "record_metric", lambda *_: None)
    message = service_bus.RequestMessage(b"no request", 1, "m-1")
    monkeypatch.setattr(service_bus.RequestMessage, "from_message", lambda _: message)
    given: Any = SimpleNamespace(enqueued_time_utc=None)
    await service_bus.start_run_by_message(given, Client(), worker.context("i-2"))
    assert ids_of(worker, "is cut off") == {"i-2"}


async def test_a_place_that_the_watchdog_frees_in_a_thread(
    worker: WorkerHandler, files: RunFiles, rows: Rows
):
    state = AdmissionState(running={"gone": moment_text(datetime.now(UTC))})
    rows.create(row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, state)
    with bind_invocation(worker.context("i-3")):
        look = watchdog.Inspection(Client(), files, rows, datetime.now(UTC), timedelta(minutes=2))
        await look.look_after_all()
    assert ids_of(worker, "frees the place") == {"i-3"}
