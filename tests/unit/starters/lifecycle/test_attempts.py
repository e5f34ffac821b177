"""The newest attempt of a run, as its rows and Durable know it."""

from pathlib import Path

import pytest

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import RunConflictError, RunNotFoundError
from fanout.governor.run_state import GovernorState
from fanout.models.redrive import RedriveRequest
from starters.lifecycle.attempts import children_of, newest_attempt
from starters.lifecycle.status import read_status
from tests.support.doubles.durable_client import Client
from tests.support.workloads.attempts import begun, shard_of
from tests.support.workloads.kept_runs import claimed_files, over, write


@pytest.fixture
def files() -> RunFiles:
    return claimed_files()


async def test_a_run_that_there_is_not_is_not_found(files: RunFiles, rows: Rows):
    with pytest.raises(RunNotFoundError):
        await newest_attempt("other", Client(), files, rows)


async def test_the_newest_attempt_is_the_last_that_was_claimed(files: RunFiles, rows: Rows):
    write(rows, over(begun()))
    assert files.claim_attempt("r", 2, RedriveRequest())
    found = await newest_attempt("r", Client(instances={"r"}), files, rows)
    assert (found.number, found.is_started, found.is_over) == (2, False, False)
    write(rows, begun(), 2)
    assert (await newest_attempt("r", Client(), files, rows)).is_started
    assert (await read_status("r", Client(), files, rows, "http://x")).redrive_count == 1


async def test_durable_is_asked_only_of_a_run_that_has_not_ended(files: RunFiles, rows: Rows):
    write(rows, over(begun()))
    found = await newest_attempt("r", Client(is_away=True), files, rows)
    assert found.is_over
    status = await read_status("r", Client(is_away=True), files, rows, "http://x")
    assert (status.status, status.outcome) == ("Completed", "succeeded")


@pytest.mark.parametrize(
    ("runtime", "is_begun", "is_over"),
    [
        (None, False, False),
        ("Pending", True, False),
        ("Running", True, False),
        ("Failed", True, False),
        ("Terminated", True, True),
        ("Canceled", True, True),
    ],
)
async def test_what_a_run_without_rows_is_follows_from_its_orchestration(
    files: RunFiles, rows: Rows, runtime: str | None, is_begun: bool, is_over: bool
):
    client = Client()
    if runtime is not None:
        client.end("r", runtime)
    found = await newest_attempt("r", client, files, rows)
    assert (found.is_started, found.is_over) == (is_begun, is_over)
    if is_begun and not is_over:
        found.insist_on_active()
    else:
        with pytest.raises(RunConflictError, match="is over" if is_over else "has not begun"):
            found.insist_on_active()


def test_children_are_those_that_were_planned():
    assert children_of("r", 2, GovernorState()) == ["r:a2:f"]
    state = begun(shards=2)
    assert children_of("r", 1, state) == ["r:s00", "r:s01", "r:f"]
    assert shard_of(state, 1).key == "s01"


def test_nothing_of_ours_asks_durable_for_a_list_or_an_entity():
    root = Path(__file__).parents[4]
    for room in ("starters", "activities", "orchestrators", "fanout"):
        for path in (root / room).rglob("*.py"):
            text = path.read_text()
            for call in (
                "get_status_by",
                "get_status_all",
                "purge_instance_history_by",
                "signal_entity",
                "call_entity",
                "read_entity_state",
                "entity_trigger",
            ):
                assert call not in text, (path, call)
