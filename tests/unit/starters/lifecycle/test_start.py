"""Starting a run that somebody else starts too, or whose start was cut short."""

from typing import Any

import pytest

from fanout.adapters.blob import BlobExistsError
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import RunConflictError
from fanout.governor.owners import owner_of
from fanout.models.request import RunRequest
from starters.lifecycle.claim import claim_run
from starters.lifecycle.start import RunStart, start_run
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads import probe_workloads

REQUEST = RunRequest.model_validate(
    {
        "workload": probe_workloads.Sum.name,
        "run_id": "r",
        "source": {"kind": "csv", "container": "inbox", "blob": "rows.csv"},
        "parameters": {"column": "n"},
    }
)

INLINE = {"kind": "inline", "items": [{"id": 1}]}


class LoudStore(MemoryStore):
    """Says what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def properties(self, container: str, blob: str) -> Any:
        self.calls.append(f"properties {blob}")
        return super().properties(container, blob)

    def write(self, container: str, blob: str, data: bytes, **options: Any) -> str:
        self.calls.append(f"write {blob}")
        return super().write(container, blob, data, **options)


class DeafStore(MemoryStore):
    """Writes, and answers as if somebody else had: the client had to send it again."""

    def write(self, container: str, blob: str, data: bytes, **options: Any) -> str:
        super().write(container, blob, data, **options)
        raise BlobExistsError(blob)


@pytest.fixture
def files() -> RunFiles:
    store = MemoryStore()
    store.write("inbox", "rows.csv", b"n,text\n1,a\n")
    return RunFiles(store, "runs")  # type: ignore[arg-type]  # the double of it


async def test_a_new_claim_is_started(files: RunFiles, rows: Rows):
    client = Client()
    assert await start_run(REQUEST, client, files, rows) == RunStart("r", is_new=True)
    assert client.started == ["r"]


async def test_a_run_is_told_whose_it_is_and_no_name_of_a_caller(files: RunFiles, rows: Rows):
    client = Client()
    await start_run(REQUEST, client, files, rows, caller="ann@example.org")
    assert client.inputs[0]["owner"] == owner_of(probe_workloads.Sum.name, "ann@example.org")
    assert "ann@" not in str(client.inputs[0])


async def test_a_run_that_comes_of_itself_is_its_workloads(files: RunFiles, rows: Rows):
    client = Client()
    await start_run(REQUEST, client, files, rows)
    assert client.inputs[0]["owner"] == probe_workloads.Sum.name


async def test_a_new_run_is_claimed_in_two_writes_and_no_read(rows: Rows):
    store = LoudStore()
    files = RunFiles(store, "runs")  # type: ignore[arg-type]  # the double of it
    request = RunRequest.model_validate(
        {"workload": probe_workloads.Probe.name, "run_id": "r", "source": INLINE}
    )
    client, writes = Client(), []
    rows.tables.before_write = lambda: writes.append("rows")
    assert await start_run(request, client, files, rows) == RunStart("r", is_new=True)
    assert client.started == ["r"]
    assert (writes, store.calls) == (["rows"], ["write r/request.json"])
    assert client.inputs[0]["claim"] == files.claim_of("r")


async def test_an_id_that_somebody_has_belongs_to_the_first(files: RunFiles, rows: Rows):
    client = Client()
    await start_run(REQUEST, client, files, rows)
    other = REQUEST.model_copy(update={"max_items": 1})
    with pytest.raises(RunConflictError):
        await start_run(other, client, files, rows)
    assert await start_run(REQUEST, client, files, rows) == RunStart("r", is_new=False)
    assert client.started == ["r"]


async def test_a_claim_whose_answer_is_lost_is_started(rows: Rows):
    client = Client()
    files = RunFiles(DeafStore(), "runs")  # type: ignore[arg-type]  # the double of it
    request = RunRequest.model_validate(
        {"workload": probe_workloads.Probe.name, "run_id": "r", "source": INLINE}
    )
    await start_run(request, client, files, rows)
    assert client.started == ["r"]


async def test_a_claim_that_nobody_started_is_started(files: RunFiles, rows: Rows):
    client = Client()
    claim_run(REQUEST, files, rows)
    await start_run(REQUEST, client, files, rows)
    assert client.started == ["r"]


async def test_who_comes_second_to_start_a_run_is_not_refused(files: RunFiles, rows: Rows):
    claim_run(REQUEST, files, rows)
    run = await start_run(REQUEST, Client(late=True), files, rows)
    assert run == RunStart("r", is_new=False)


async def test_a_run_that_cannot_be_started_is_an_error(files: RunFiles, rows: Rows):
    with pytest.raises(ConnectionError):
        await start_run(REQUEST, Client(is_away=True), files, rows)


async def test_a_run_that_was_started_is_found_though_its_source_is_gone(
    files: RunFiles, rows: Rows
):
    client = Client()
    await start_run(REQUEST, client, files, rows)
    files.store.delete("inbox", "rows.csv")
    assert await start_run(REQUEST, client, files, rows) == RunStart("r", is_new=False)
    assert client.started == ["r"]
