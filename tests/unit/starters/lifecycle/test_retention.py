"""Runs that are older than they are to be kept are deleted, a bounded number at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.open_runs import note_open
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.governor import run_rules
from fanout.messages.run import RunEnd
from fanout.models.request import RunRequest
from starters.lifecycle.retention import sweep
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.attempts import at, begun

NOW = datetime.now(UTC)


@pytest.fixture
def files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    for run_id in ("r", "r2"):
        request = {"workload": "w", "run_id": run_id, "source": {"kind": "inline", "items": []}}
        assert files.claim(run_id, RunRequest.model_validate(request))
        files.write(f"{run_id}/parts/a1-p00000-r0-b0000.jsonl", b"")
    return files


def go_on(rows: Rows, run_id: str, attempt: int = 1) -> None:
    note_open(rows, run_id, attempt)
    change_attempt(rows, run_id, attempt, lambda _: (begun(items=10), None))


def over(rows: Rows, run_id: str, attempt: int = 1, *, is_announced: bool = True) -> None:
    state = begun(items=10)
    run = run_rules.finish(state.run, RunEnd(outcome="succeeded", at=at(1)))
    state = state.model_copy(update={"run": run.model_copy(update={"is_announced": is_announced})})
    change_attempt(rows, run_id, attempt, lambda _: (state, None))


async def test_a_sweep_takes_the_old_ones_that_are_over(files: RunFiles, rows: Rows):
    over(rows, "r")
    go_on(rows, "r2")
    client = Client(instances={"r2"})
    client.end("r")
    assert await sweep(client, files, rows, NOW - timedelta(days=1)) == 0
    assert await sweep(client, files, rows, NOW + timedelta(days=1)) == 1
    assert files.find_request("r") is None
    assert files.find_request("r2") is not None


async def test_a_sweep_is_bounded_and_the_next_goes_on(files: RunFiles, rows: Rows):
    over(rows, "r")
    over(rows, "r2")
    client = Client()
    assert await sweep(client, files, rows, NOW + timedelta(days=1), limit=1) == 1
    assert await sweep(client, files, rows, NOW + timedelta(days=1), limit=1) == 1
    assert [*files.names("")] == []
