"""Deleting runs: everything of theirs goes, and nothing of another's."""

from datetime import UTC, datetime, timedelta

import pytest

from fanout.adapters.runs import RunFiles
from fanout.models.request import RunRequest
from starters.retention import delete_run, sweep
from tests.support.durable_client import Client
from tests.support.memory_store import MemoryStore

NOW = datetime.now(UTC)
OVER = {"phase": "done", "end": {"outcome": "succeeded"}}


@pytest.fixture
def files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    for run_id in ("r", "r2"):
        request = {"workload": "w", "run_id": run_id, "source": {"kind": "inline", "items": []}}
        assert files.claim(run_id, RunRequest.model_validate(request))
        files.write(f"{run_id}/parts/a1-p00000-r0-b0000.jsonl", b"")
    return files


async def test_a_run_is_deleted_with_all_it_left_and_no_other(files: RunFiles):
    client = Client(instances={"r", "r2"}, finished={"r"}, states={"r": OVER})
    await delete_run("r", client, files)
    assert [*files.names("r/")] == []
    assert len([*files.names("r2/")]) == 2
    assert [name.split("/")[-1] for name in files.names("~")] == ["r2", "r2"]
    assert {"r", "r:s00", "r:c03", "r:f"} <= set(client.purged)
    assert ("r", "forget", None) in client.signals


async def test_a_sweep_takes_the_old_ones_that_are_over(files: RunFiles):
    client = Client(instances={"r", "r2"}, finished={"r"}, states={"r": OVER})
    assert await sweep(client, files, NOW - timedelta(days=1)) == 0
    assert await sweep(client, files, NOW + timedelta(days=1)) == 1
    assert files.find_request("r") is None
    assert files.find_request("r2") is not None


async def test_a_sweep_is_bounded_and_the_next_goes_on(files: RunFiles):
    client = Client(instances={"r", "r2"}, states={"r": OVER, "r2": OVER})
    assert await sweep(client, files, NOW + timedelta(days=1), limit=1) == 1
    assert await sweep(client, files, NOW + timedelta(days=1), limit=1) == 1
    assert [*files.names("")] == []
