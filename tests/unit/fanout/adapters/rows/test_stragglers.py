"""What an attempt that was ended by force still has under way."""

from datetime import datetime, timedelta

import pytest

from fanout.adapters.rows.stragglers import PATIENCE, has_all_parts
from fanout.adapters.run_files.files import RunFiles
from fanout.governor import grants, run_rules
from fanout.governor.rests import share_out
from fanout.governor.run_state import GovernorState
from fanout.governor.shard_work import make_ask
from fanout.messages.run import RunEnd
from fanout.messages.shards import Rest, Retrying, ShardAsk, ShardWork, Wave
from fanout.naming import blob_paths
from fanout.naming.blob_paths import BatchName
from fanout.outcomes.rests import rest_record
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


def sharing(*, under_way: int = 1, width: int = 3) -> GovernorState:
    """An attempt whose first batch, of five cuts, gave back a rest, which others took if it could.

    It was ended by force then.
    """
    state = begun(items=100, shards=1, partitions=1, cuts=5, width=width, max_span=5)
    asked = ShardAsk(work=shard_of(state, call=1), at=at())
    state = state.with_shard(asked.work.key, grants.decide_scout(state, asked).shard)
    work = asked.work.model_copy(update={"call": 2, "wave": Wave(end=5, span=5)})
    rest = Rest(first_cut=1, end=5, item_ms=1000, under_way=under_way)
    grant = share_out(state, make_ask(work, at(), rest=rest), rest)
    return ended(state.with_shard(work.key, grant.shard))


def write_part(files: RunFiles, first: int, span: int, data: bytes = b"") -> None:
    files.write(blob_paths.part_path("r", blob_paths.FIRST, BatchName(0, first, span)), data)


def test_of_batches_that_share_a_rest_all_are_waited_for(files: RunFiles):
    state = sharing()
    write_part(files, 0, 5, rest_record(0, 2, 8))
    write_part(files, 0, 1)
    write_part(files, 1, 2)
    assert not are_done(state, files)
    write_part(files, 3, 2)
    assert are_done(state, files)


def test_so_they_are_while_a_rest_of_theirs_must_wait(files: RunFiles):
    state = sharing(under_way=3)
    assert not are_done(state, files), "the first batch is at work"
    write_part(files, 0, 5)
    assert are_done(state, files)


def test_of_one_that_gave_back_a_rest_unheard_what_it_has_kept_is_waited_for(files: RunFiles):
    state = sharing(under_way=3)
    write_part(files, 0, 5, rest_record(0, 4, 6))
    assert not are_done(state, files)
    write_part(files, 0, 2)
    assert are_done(state, files)
