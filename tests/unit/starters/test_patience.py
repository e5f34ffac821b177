"""Whatever a call has done in threads gives up on storage when its own patience ends."""

import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest

from fanout.adapters.blob import BlobStore
from fanout.adapters.patience import PatienceError, current_patience, limit_patience
from fanout.adapters.rows.index import FIRST, IndexEntry
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from fanout.models.status import RunStatus
from starters.index.pages import read_statuses
from starters.index.rebuild import rebuild_part, rebuild_runs
from starters.index.search import RunFilter, find_page
from starters.lifecycle.attempts import newest_attempt
from starters.lifecycle.deletion import delete_run
from starters.lifecycle.waits import add_waits
from tests.support.doubles.durable_client import Client
from tests.support.doubles.watched_storage import WatchedStorage
from tests.support.hosts.silent import busy_port, silent_port
from tests.support.workloads.kept_runs import claim, let_end

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
OLD = [f"old-{number}" for number in range(6)]
NEW = [f"new-{number}" for number in range(6)]


async def list_runs(at: WatchedStorage) -> None:
    found = find_page(at.rows, RunFilter(), FIRST, 50)
    readings = await read_statuses(found.entries, at.files, at.rows, NOW, "http://x")
    assert len(readings.statuses) == len(OLD + NEW)


async def find_text(at: WatchedStorage) -> None:
    """The first rows, which are read together, are of runs without the text."""
    found = find_page(at.rows, RunFilter(text="old"), FIRST, len(NEW))
    assert {entry.run_id for entry in found.entries} == {*OLD}


async def rebuild(at: WatchedStorage) -> None:
    first = rebuild_part(at.files, at.rows, None, 50)
    rebuild_part(at.files, at.rows, first.position, 50)


async def rebuild_some(at: WatchedStorage) -> None:
    rebuild_runs(OLD, at.files, at.rows)


async def explain_waits(at: WatchedStorage) -> None:
    shown = {"workload": "w", "status": "Pending", "phase": "planning", "results_url": ""}
    add_waits([RunStatus(run_id=run_id, **shown) for run_id in OLD], at.rows)  # type: ignore[arg-type]


async def delete(at: WatchedStorage) -> None:
    let_end(at.rows, "old-0")
    for number in range(5):
        at.files.write(f"old-0/parts/a1-p00000-r0-b{number:04}.jsonl", b"")
    attempt = await newest_attempt("old-0", Client(), at.files, at.rows)
    await delete_run(attempt, Client(), at.files, at.rows)
    assert [*at.files.names("old-0/")] == []


@pytest.mark.parametrize(
    "act", [list_runs, find_text, rebuild, rebuild_some, explain_waits, delete]
)
async def test_every_thread_has_the_patience_of_its_own_caller(
    act: Callable[[WatchedStorage], Awaitable[None]],
):
    """A second caller, who finds threads that have worked for the first, has another."""
    for seconds in (30, 60):
        at = WatchedStorage()
        for run_id in [*OLD, *NEW]:
            claim(at.files, at.rows, run_id)
        at.ends.clear()
        with limit_patience(seconds):
            await act(at)
            end = current_patience().end
        assert set().union(*at.ends.values()) == {end}
        assert at.ends.keys() - {threading.get_ident()}, "it was done in threads"


def storage_at(port: int) -> StorageSettings:
    url = f"http://127.0.0.1:{port}/account"
    return StorageSettings(
        f"AccountName=account;AccountKey=a2V5;BlobEndpoint={url};TableEndpoint={url}"
    )


@pytest.mark.timeout(20)
@pytest.mark.parametrize("away", [silent_port, busy_port])
async def test_no_run_is_called_unreadable_when_storage_does_not_answer(
    away: Callable[[], AbstractContextManager[int]],
):
    """Its threads have ended as well: the page waits for all that are under way."""
    entries = [IndexEntry(run_id, NOW, "w") for run_id in OLD]
    with away() as port, limit_patience(0.5):
        at = storage_at(port)
        files, rows = RunFiles(BlobStore.connect(at), "runs"), Rows(TableStore.connect(at), "rows")
        with pytest.raises(PatienceError):
            await read_statuses(entries, files, rows, NOW, "http://x")
