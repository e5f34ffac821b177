"""Deleting runs: everything of theirs goes, and nothing of another's."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.open_runs import open_attempts
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import RunConflictError
from fanout.messages.sagas import SagaBatch
from fanout.models.redrive import RedriveRequest
from fanout.naming import blob_paths, instance_ids, row_keys
from fanout.naming.blob_paths import BatchName
from starters.lifecycle import deletion
from starters.lifecycle.attempts import newest_attempt
from starters.lifecycle.deletion import delete_run
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.attempts import decided, shard_of
from tests.support.workloads.kept_runs import claim, let_end, let_go_on

NOW = datetime.now(UTC)


@pytest.fixture
def files(rows: Rows) -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    for run_id in ("r", "r2"):
        claim(files, rows, run_id)
        files.write(f"{run_id}/parts/a1-p00000-r0-b0000.jsonl", b"")
    return files


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "ENDING_SECONDS", 0.2)
    monkeypatch.setattr(deletion, "ENDING_PAUSE_SECONDS", 0.01)


async def delete(client: Client, files: RunFiles, rows: Rows) -> None:
    await delete_run(await newest_attempt("r", client, files, rows), client, files, rows)


def rows_of(rows: Rows, *, of_other: bool = False) -> list[tuple[str, str]]:
    """The rows of the run that is deleted, or of the other one."""
    assert isinstance(rows.tables, MemoryTables)
    places = [(partition, key) for partition, key, _ in rows.tables.rows(rows.table)]
    return [place for place in places if any("r2" in part for part in place) == of_other]


async def test_a_run_is_deleted_with_all_it_left_and_no_other(files: RunFiles, rows: Rows):
    let_end(rows, "r")
    let_go_on(rows, "r2")
    before = rows_of(rows, of_other=True)
    rows.create(
        row_keys.steps_partition("r", 1), row_keys.step_row(0, 1, 2, "do", 1), RedriveRequest()
    )
    client = Client(instances={"r2"})
    client.end("r")
    await delete(client, files, rows)
    assert [*files.names("r/")] == []
    assert len([*files.names("r2/")]) == 2
    assert client.purged == ["r:s00", "r:s01", "r:f", "r", "r:q"]
    assert (rows_of(rows), rows_of(rows, of_other=True)) == ([], before)


async def test_histories_are_purged_bottom_up_those_of_all_attempts(files: RunFiles, rows: Rows):
    let_end(rows, "r")
    let_end(rows, "r", 2)
    assert files.claim_attempt("r", 2, RedriveRequest())
    batch = SagaBatch.model_validate({"items": [{"index": 7, "item_id": "i", "take": 1}]})
    name = BatchName(0, 3)
    files.write_model(blob_paths.saga_batch_path("r", 2, name), batch)
    client = Client()
    await delete(client, files, rows)
    saga_batch = instance_ids.saga_batch_instance("r:a2", name)
    sagas = [instance_ids.saga_instance(saga_batch, 7), saga_batch]
    shards = ["r:s00", "r:s01", "r:f", "r", "r:a2:s00", "r:a2:s01", "r:a2:f", "r:a2"]
    assert client.purged == [*sagas, *shards, "r:q"]


async def test_of_sagas_those_are_purged_that_went_on_apart(files: RunFiles, rows: Rows):
    let_end(rows, "r")
    items = [{"index": n, "item_id": f"i{n}"} for n in range(3)]
    batch = SagaBatch.model_validate({"items": items, "apart": [1]})
    name = BatchName(0, 0)
    files.write_model(blob_paths.saga_batch_path("r", 1, name), batch)
    client = Client()
    await delete(client, files, rows)
    instance = instance_ids.saga_batch_instance("r", name)
    assert client.purged[:2] == [instance_ids.saga_instance(instance, 1), instance]
    assert instance_ids.saga_instance(instance, 0) not in client.purged


async def test_what_still_runs_is_ended_first_and_then_purged(files: RunFiles, rows: Rows):
    let_end(rows, "r")
    client = Client(instances={"r", "r:s01"})
    await delete(client, files, rows)
    assert client.terminated == ["r:s01", "r"]
    assert {"r:s01", "r"} <= set(client.purged)
    assert client.instances == set()


async def test_what_does_not_end_is_a_conflict_and_the_run_is_there_to_be_deleted_again(
    files: RunFiles, rows: Rows
):
    let_end(rows, "r")
    client = Client(instances={"r:s01"}, never_ends={"r:s01"})
    with pytest.raises(RunConflictError, match="has not ended yet; delete it again later"):
        await delete(client, files, rows)
    assert files.find_request("r") is not None
    client.never_ends.clear()
    await delete(client, files, rows)
    assert files.find_request("r") is None


async def test_a_run_that_was_terminated_is_ended_and_deleted(files: RunFiles, rows: Rows):
    let_go_on(rows, "r")
    client = Client(instances={"r:s00"})
    client.end("r", "Terminated", "enough")
    await delete(client, files, rows)
    assert client.terminated == ["r:s00"]
    assert (client.instances, rows_of(rows)) == (set(), [])
    assert [one.run_id for one in open_attempts(rows)] == ["r2"]


async def test_what_it_had_under_way_is_waited_for(
    files: RunFiles, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    let_go_on(rows, "r")
    state = read_attempt(rows, "r", 1).state
    work = shard_of(state, first_cut=2)
    state, order = decided(state, work)
    assert (order.action, order.cuts) == ("go", 3)
    change_attempt(rows, "r", 1, lambda _: (state, None))
    monkeypatch.setattr("tests.support.doubles.durable_client.CREATED", datetime.now(UTC))
    client = Client()
    client.end("r", "Terminated", "enough")
    with pytest.raises(RunConflictError, match="has not ended yet; delete it again later"):
        await delete(client, files, rows)
    assert files.find_request("r") is not None
    for batch in (2, 3, 4):
        files.write(blob_paths.part_path("r", blob_paths.FIRST, BatchName(0, batch)), b"")
    await delete(client, files, rows)
    assert files.find_request("r") is None


async def test_until_its_end_is_told_nothing_is_deleted_that_telling_may_write(
    files: RunFiles, rows: Rows
):
    let_end(rows, "r", is_announced=False)
    client = Client(instances={"r"})
    deleting = asyncio.create_task(delete(client, files, rows))
    await asyncio.sleep(0.05)
    assert (client.purged, client.terminated) == ([], [])
    assert files.find_request("r") is not None
    let_end(rows, "r")
    client.end("r")
    await deleting
    assert (client.terminated, files.find_request("r")) == ([], None)


async def test_an_end_that_nobody_tells_does_not_keep_a_run_from_being_deleted(
    files: RunFiles, rows: Rows
):
    let_end(rows, "r", is_announced=False)
    client = Client()
    client.end("r", "Failed", "worker died")
    await delete(client, files, rows)
    assert files.find_request("r") is None


async def test_a_refusal_of_something_that_has_ended_is_an_error(files: RunFiles, rows: Rows):
    let_end(rows, "r")

    class Refusing(Client):
        async def purge_instance_history(self, instance_id: str) -> None:
            raise Exception("500")  # noqa: TRY002 - as the SDK does

    with pytest.raises(Exception, match="500"):
        await delete(Refusing(), files, rows)
    assert files.find_request("r") is not None


class Crash(Exception):
    """The process dies here."""


@pytest.mark.parametrize("survives", range(12))
async def test_a_delete_that_was_interrupted_is_finished_by_another(
    files: RunFiles, rows: Rows, survives: int, monkeypatch: pytest.MonkeyPatch
):
    """Wherever it stopped, no row is left for the next run of that id to take for its own."""
    let_end(rows, "r")
    left = survives

    def crashing(call: Any) -> Any:
        def wrapped(*args: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash
            return call(*args)

        return wrapped

    with monkeypatch.context() as patch:
        for owner in (files.store, rows.tables):
            patch.setattr(owner, "delete", crashing(owner.delete))
        try:
            await delete(Client(), files, rows)
        except Crash:
            assert files.find_request("r") is not None or rows_of(rows) == []
    if files.find_request("r") is not None:
        await delete(Client(), files, rows)
    assert [*files.names("r/")] == []
    assert rows_of(rows) == []
