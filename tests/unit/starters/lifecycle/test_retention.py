"""Runs that are older than they are to be kept are deleted, a bounded number at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.tables import Write
from fanout.naming import blob_paths, row_keys
from starters.lifecycle.retention import sweep
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.kept_runs import claim, let_end, let_go_on

NOW = datetime.now(UTC)


@pytest.fixture
def files(rows: Rows) -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    for run_id in ("r", "r2"):
        claim(files, rows, run_id)
        files.write(f"{run_id}/parts/a1-p00000-r0-b0000.jsonl", b"")
    return files


async def test_a_sweep_takes_the_old_ones_that_are_over(files: RunFiles, rows: Rows):
    let_end(rows, "r")
    let_go_on(rows, "r2")
    client = Client(instances={"r2"})
    client.end("r")
    assert await sweep(client, files, rows, NOW - timedelta(days=1)) == 0
    assert await sweep(client, files, rows, NOW + timedelta(days=1)) == 1
    assert files.find_request("r") is None
    assert files.find_request("r2") is not None


async def test_a_sweep_is_bounded_and_the_next_goes_on(files: RunFiles, rows: Rows):
    let_end(rows, "r")
    let_end(rows, "r2")
    client = Client()
    assert await sweep(client, files, rows, NOW + timedelta(days=1), limit=1) == 1
    assert await sweep(client, files, rows, NOW + timedelta(days=1), limit=1) == 1
    assert [*files.names("")] == []


@pytest.mark.parametrize("bad", ["request", "row"])
async def test_one_run_that_cannot_be_read_keeps_no_other_from_being_deleted(
    files: RunFiles, rows: Rows, bad: str
):
    let_end(rows, "r")
    let_end(rows, "r2")
    if bad == "request":
        path = blob_paths.request_path("r")
        known = files.store.properties("runs", path)
        assert known is not None
        files.store.write("runs", path, b"{", metadata=known.metadata)
    else:
        rows.submit(
            row_keys.attempt_partition("r", 1),
            [Write(row_keys.RUN_ROW, {"version": 99, "json0": "{}"}, mode="put")],
        )
    deleted = await sweep(Client(), files, rows, NOW + timedelta(days=1))
    assert files.find_claim("r2") is None
    # Nobody needs the request of a run to delete it; whether it goes on its rows alone tell.
    assert (files.find_claim("r") is None) == (bad == "request") == (deleted == 2)
