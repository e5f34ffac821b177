"""A run as its rows and the host know it, and how it is ended by force."""

from pathlib import Path

import pytest

from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import RunConflictError, RunNotFoundError
from fanout.governor import run_rules
from fanout.governor.admission import AdmissionState
from fanout.governor.run_state import GovernorState
from fanout.messages.planning import Work
from fanout.messages.run import RunEnd
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.naming import row_keys
from starters.lifecycle.attempts import (
    Attempt,
    children_of,
    end_by_force,
    newest_attempt,
    status_of,
)
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.attempts import at, begun, shard_of

REQUEST = {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}


@pytest.fixture
def files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    assert files.claim("r", RunRequest.model_validate(REQUEST))
    return files


def write(to: Rows, state: GovernorState, attempt: int = 1) -> GovernorState:
    change_attempt(to, "r", attempt, lambda _: (state, None))
    return state


def over(state: GovernorState) -> GovernorState:
    end = RunEnd(outcome="succeeded", at=at(1))
    return state.model_copy(update={"run": run_rules.finish(state.run, end)})


async def terminated(files: RunFiles, to: Rows, client: Client) -> Attempt:
    client.end("r", "Terminated", "enough")
    return await newest_attempt("r", client, files, to)


async def test_a_run_that_there_is_not_is_not_found(files: RunFiles, to: Rows):
    with pytest.raises(RunNotFoundError):
        await newest_attempt("other", Client(), files, to)


async def test_the_newest_attempt_is_the_last_that_was_claimed(files: RunFiles, to: Rows):
    write(to, over(begun()))
    assert files.claim_attempt("r", 2, RedriveRequest())
    found = await newest_attempt("r", Client(instances={"r"}), files, to)
    assert (found.number, found.is_begun, found.is_over) == (2, False, False)
    write(to, begun(), 2)
    assert (await newest_attempt("r", Client(), files, to)).is_begun
    assert (await status_of("r", Client(), files, to, "http://x")).redrive_count == 1


async def test_durable_is_asked_only_of_a_run_that_has_not_ended(files: RunFiles, to: Rows):
    write(to, over(begun()))
    found = await newest_attempt("r", Client(is_away=True), files, to)
    assert found.is_over
    status = await status_of("r", Client(is_away=True), files, to, "http://x")
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
    files: RunFiles, to: Rows, runtime: str | None, is_begun: bool, is_over: bool
):
    client = Client()
    if runtime is not None:
        client.end("r", runtime)
    found = await newest_attempt("r", client, files, to)
    assert (found.is_begun, found.is_over) == (is_begun, is_over)
    if is_begun and not is_over:
        found.insist_on_begun()
    else:
        with pytest.raises(RunConflictError, match="is over" if is_over else "has not begun"):
            found.insist_on_begun()


async def test_to_end_by_force_is_told_once_frees_the_place_and_ends_all_children(
    files: RunFiles, to: Rows
):
    state = begun(items=10, shards=3)
    undo = Work(items=4, batches=1, partitions=1, shards=1)
    state = write(
        to,
        state.model_copy(update={"run": run_rules.note_compensation_plan(state.run, undo)}),
    )
    places = AdmissionState(running={"r": at(0), "other": at(0)}, waiting={"later": at(0)})
    to.create(row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, places)
    client = Client(instances={"r:s00", "r:s02", "r:c00", "r:f", "other:s00"})
    client.end("r:s02")
    attempt = await terminated(files, to, client)
    for _ in range(2):
        await end_by_force(attempt, client, files, to)
    assert client.terminated == ["r:s00", "r:c00", "r:f"]
    run = read_attempt(to, "r", 1).state.run
    assert run.end == RunEnd(
        outcome="failed", error="enough", at="2026-01-01T00:00:00.000Z", is_forced=True
    )
    assert run.is_told
    left = to.load(row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, AdmissionState)
    assert ([*left.running], [*left.waiting]) == (["other"], ["later"])


async def test_to_end_by_force_a_run_that_was_never_begun_gives_it_its_claim(
    files: RunFiles, to: Rows
):
    attempt = await terminated(files, to, Client())
    assert attempt.is_forced
    await end_by_force(attempt, Client(), files, to)
    run = read_attempt(to, "r", 1).state.run
    assert run.end is not None and run.claim == files.claim_of("r")
    again = await newest_attempt("r", Client(), files, to)
    assert (again.is_over, again.is_forced) == (True, False)


async def test_an_end_of_its_own_is_not_overwritten_by_force(files: RunFiles, to: Rows):
    write(to, begun())
    attempt = await terminated(files, to, Client())
    known = write(to, over(read_attempt(to, "r", 1).state))
    await end_by_force(attempt, Client(), files, to)
    assert read_attempt(to, "r", 1).state.run.end == known.run.end


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
            for call in ("get_status_by", "get_status_all", "purge_instance_history_by",
                         "signal_entity", "call_entity", "read_entity_state",
                         "entity_trigger"):  # fmt: skip
                assert call not in text, (path, call)
