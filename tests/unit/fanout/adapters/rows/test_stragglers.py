"""What an attempt that was ended by force still has under way."""

from datetime import datetime, timedelta

import pytest

from fanout.adapters.rows.stragglers import PATIENCE, has_all_parts
from fanout.adapters.run_files.files import RunFiles
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.messages.shards import Retrying, ShardWork, Wave
from fanout.naming import blob_paths
from fanout.naming.blob_paths import BatchName
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.attempts import at, begun, decided, shard_of

NOW = datetime.fromisoformat(at(60))


@pytest.fixture
def files() -> RunFiles:
    return RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it


def ended(state: GovernorState, *, is_forced: bool = True) -> GovernorState:
    end = RunEnd(outcome="failed", at=at(59), is_forced=is_forced)
    return state.model_copy(update={"run": run_rules.finish(state.run, end)})


def told(work: ShardWork | None = None) -> GovernorState:
    """An attempt whose first shard was told to begin, and that was ended by force then."""
    state = begun(items=100)
    state, order = decided(state, work or shard_of(state))
    assert order.action == "go"
    return ended(state)


def are_done(state: GovernorState, files: RunFiles, attempt: int = 1) -> bool:
    return has_all_parts("r", attempt, state, files, NOW)


def write(files: RunFiles, *batches: int, retry_round: int = 0, of: str = blob_paths.FIRST) -> None:
    for batch in batches:
        name = BatchName(0, batch, retry_round=retry_round)
        files.write(blob_paths.part_path("r", of, name), b"")


def test_every_batch_that_a_shard_was_told_to_begin_is_waited_for(files: RunFiles):
    state = told()
    write(files, 0, 1, 2, 3)
    assert not are_done(state, files)
    write(files, 4)
    assert are_done(state, files)


def test_they_are_those_of_the_attempt_and_its_stage(files: RunFiles):
    write(files, 0, 1, 2, 3, 4)
    assert not are_done(told(), files, attempt=2)
    write(files, 0, 1, 2, 3, 4, of="a2")
    assert are_done(told(), files, attempt=2)


def test_of_a_round_only_those_that_it_repeats(files: RunFiles):
    known = shard_of(begun())
    waits = Retrying(first_cuts=[1, 3], items=2, retry_round=2, since=at(0), until=at(0))
    work = known.model_copy(update={"wave": Wave(end=5), "retrying": waits})
    state = told(work)
    write(files, 1, 3)
    assert not are_done(state, files)
    write(files, 1, 3, retry_round=2)
    assert are_done(state, files)


def test_of_a_repair_those_whose_activity_had_failed_in_the_same_round(files: RunFiles):
    known = shard_of(begun())
    waits = Retrying(
        first_cuts=[1], broken=[2], items=2, retry_round=1, since=at(0), until=at(0), breakdowns=1
    )
    state = told(known.model_copy(update={"wave": Wave(end=5), "retrying": waits}))
    write(files, 2)
    assert are_done(state, files)


def test_nobody_is_waited_for_without_end(files: RunFiles):
    late = datetime.fromisoformat(at(59)) + PATIENCE + timedelta(seconds=1)
    assert has_all_parts("r", 1, told(), files, late)


def test_an_attempt_that_ended_by_itself_or_had_begun_nothing_leaves_nothing(files: RunFiles):
    state, _ = decided(begun(), shard_of(begun()))
    assert are_done(ended(state, is_forced=False), files)
    assert are_done(ended(begun()), files)
    assert are_done(GovernorState(), files)
