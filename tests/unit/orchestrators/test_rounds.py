"""What a round came to, and what its batches wait for then."""

from datetime import UTC, datetime, timedelta

from fanout.governor.shard_work import batches_of_round, begin_round
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.shards import Retrying, ShardOrder, ShardWork, Wave
from fanout.models.request import RetryPolicy
from fanout.policies import PATIENCE
from orchestrators.clock import moment
from orchestrators.rounds import FIRST_REPAIR_SECONDS, MAX_BREAKDOWNS, Round, add_round
from orchestrators.tasks import NO_WORKER, TaskResult

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AT = "2026-01-01T00:00:00.000Z"
AT_ONCE = RetryPolicy(base_seconds=10, factor=1, jitter_seconds=0)
BROKEN = TaskResult(failure="storage is away")
UNSERVED = TaskResult(failure=NO_WORKER)


def shard(**more: object) -> ShardWork:
    work = ShardWork(
        run_id="r",
        shard=0,
        shards=1,
        cuts=4,
        partitions=1,
        cuts_per_partition=4,
        retry=AT_ONCE,
        partition=0,
        wave=Wave(end=4, span=1),
    )
    return work.model_copy(update=more)


def succeed(**counts: object) -> TaskResult:
    return TaskResult(BatchResult(**counts).model_dump())


def take(work: ShardWork, *answers: TaskResult, now: datetime = NOW) -> ShardWork:
    """Where the shard is after a round whose batches came to that."""
    batches = batches_of_round(work)
    assert len(batches) == len(answers)
    is_undo = work.stage == "compensate"
    return add_round(work, Round(now, work.retrying, batches, list(answers), is_undo=is_undo))


def first_cuts(batches: list[BatchRef]) -> list[int]:
    return [batch.first_cut for batch in batches]


def test_a_wave_of_which_nothing_waits_is_over():
    work = take(shard(), *[succeed(succeeded=5)] * 4)
    assert (work.wave, work.retrying, work.sequence, work.counts.succeeded) == (None, None, 1, 20)
    assert (work.partition, work.partitions_done) == (1, 1)


def test_batches_with_items_to_try_again_wait_out_the_back_off():
    work = take(shard(), succeed(retryable=2), succeed(), succeed(retryable=1), succeed())
    assert work.retrying is not None and work.wave is not None
    assert (work.retrying.first_cuts, work.retrying.items) == ([0, 2], 3)
    assert work.retrying.retry_round == 1
    assert moment(work.retrying.until) - NOW == timedelta(seconds=10)
    assert first_cuts(batches_of_round(work)) == [0, 2]


def test_what_broke_is_repaired_in_its_own_round_and_the_others_still_wait():
    work = take(shard(), BROKEN, succeed(retryable=2), succeed(), BROKEN)
    assert work.retrying is not None
    assert (work.retrying.broken, work.retrying.first_cuts) == ([0, 3], [1])
    assert moment(work.retrying.until) - NOW == timedelta(seconds=FIRST_REPAIR_SECONDS)
    repairs = batches_of_round(work)
    assert first_cuts(repairs) == [0, 3]
    assert all(batch.is_repeated and batch.retry_round == 0 for batch in repairs)
    work = take(work, succeed(retryable=1), succeed())
    assert work.retrying is not None
    assert (work.retrying.broken, work.retrying.first_cuts, work.retrying.items) == ([], [0, 1], 3)
    assert {batch.retry_round for batch in batches_of_round(work)} == {1}


def test_what_breaks_too_often_is_lost_and_takes_no_other_with_it():
    work = take(shard(), BROKEN, *[succeed(succeeded=5)] * 3)
    for _ in range(MAX_BREAKDOWNS - 1):
        assert work.wave is not None
        work = take(work, BROKEN)
    assert (work.wave, work.counts.lost_batches, work.counts.succeeded) == (None, 1, 15)
    assert work.partitions_done == 0


def test_what_nobody_tried_is_given_up_only_when_patience_is_over():
    work = take(shard(), UNSERVED, *[succeed()] * 3)
    for _ in range(2 * MAX_BREAKDOWNS):
        work = take(work, UNSERVED, now=NOW + PATIENCE / 2)
    assert work.retrying is not None and work.retrying.breakdowns == 0
    assert take(work, UNSERVED, now=NOW + PATIENCE).counts.lost_batches == 1


def test_a_batch_that_is_to_be_undone_is_given_up_only_when_patience_is_over():
    work = shard(stage="compensate")
    for _ in range(3 * MAX_BREAKDOWNS):
        work = take(work, *[BROKEN] * len(batches_of_round(work)), now=NOW + PATIENCE / 2)
    assert work.retrying is not None and work.retrying.breakdowns == 3 * MAX_BREAKDOWNS
    assert moment(work.retrying.until) - (NOW + PATIENCE / 2) <= timedelta(seconds=30)
    answers = [BROKEN] * len(batches_of_round(work))
    assert take(work, *answers, now=NOW + 2 * PATIENCE).counts.lost_batches == 4


def test_a_probe_leaves_the_other_batches_of_its_round_as_they_are():
    waiting = Retrying(first_cuts=[0, 1, 2], items=9, retry_round=1, since=AT, until=AT)
    order = ShardOrder(action="go", is_probe=True)
    work = begin_round(shard(retrying=waiting), order, AT)
    assert first_cuts(batches_of_round(work)) == [0]
    work = take(work, succeed(succeeded=3, has_answered=True))
    assert work.retrying is not None and work.has_answered
    assert (work.retrying.first_cuts, work.retrying.items) == ([1, 2], 6)


def test_whoever_asked_to_be_left_alone_is_left_alone_through_the_repairs():
    work = take(shard(), BROKEN, succeed(retryable=1, retry_after=100.0), succeed(), succeed())
    assert work.retrying is not None
    assert moment(work.retrying.until) - NOW == timedelta(seconds=100)
    work = take(work, succeed(), now=NOW + timedelta(seconds=90))
    assert work.retrying is not None
    assert moment(work.retrying.until) - NOW == timedelta(seconds=100)


def test_with_the_downstream_down_there_is_no_back_off():
    down = succeed(retryable=5, untried=5, has_tripped=True)
    work = take(shard(), down, down, succeed(retryable=1), succeed(succeeded=1))
    assert work.retrying is not None and work.has_tripped
    assert moment(work.retrying.until) == NOW


def boxed(*spans: int, **more: object) -> ShardWork:
    """A shard in a wave of batches of so many cuts, all of its partition."""
    cuts = sum(spans)
    starts = [sum(spans[:number]) for number in range(len(spans))]
    wave = Wave(end=cuts, span=max(spans), starts=starts)
    return shard(cuts=cuts, cuts_per_partition=cuts, wave=wave, **more)


def names(work: ShardWork) -> list[tuple[int, int, int]]:
    return [(b.first_cut, b.span, b.retry_round) for b in batches_of_round(work)]


def test_the_rest_at_the_end_of_a_wave_is_left_to_the_next_one():
    work = take(boxed(4, 4), succeed(succeeded=4), succeed(succeeded=1, cuts=1))
    assert (work.wave, work.first_cut, work.sequence) == (None, 5, 1)
    assert (work.partition, work.partitions_done) == (0, 0)
    work = begin_round(work, ShardOrder(action="go", cuts=3, span=2), AT)
    assert names(work) == [(5, 2, 0), (7, 1, 0)]
    work = take(work, succeed(succeeded=2), succeed(succeeded=1))
    assert (work.partition, work.partitions_done, work.counts.succeeded) == (1, 1, 8)


def test_a_rest_in_the_middle_is_carried_out_at_once_in_the_same_round():
    work = take(boxed(4, 4), succeed(succeeded=2, cuts=2), succeed(succeeded=4))
    assert work.retrying is not None and moment(work.retrying.until) == NOW
    assert names(work) == [(2, 2, 0)]
    assert work.retrying.breakdowns == 0
    work = take(work, succeed(succeeded=2))
    assert (work.wave, work.partitions_done, work.counts.succeeded) == (None, 1, 8)


def test_a_rest_that_others_took_is_theirs():
    work = take(
        boxed(2, 1, 1, 4),
        succeed(succeeded=2),
        succeed(succeeded=1),
        succeed(succeeded=1),
        succeed(succeeded=4),
    )
    assert (work.wave, work.retrying) == (None, None)
    batches = [BatchRef(run_id="r", partition=0, first_cut=first, span=4) for first in (0, 2, 4)]
    answers = [succeed(succeeded=2, cuts=2), succeed(succeeded=2), succeed(succeeded=4)]
    assert Round(NOW, None, batches, answers).rests == []


def test_what_is_to_be_tried_again_waits_until_the_rests_are_done():
    quick = succeed(succeeded=1, retryable=1, cuts=2)
    work = take(boxed(4, 4, 4), quick, succeed(retryable=4), succeed(succeeded=2, cuts=2))
    assert work.retrying is not None and moment(work.retrying.until) == NOW
    assert names(work) == [(2, 2, 0)]
    work = take(work, succeed(succeeded=1, retryable=1))
    assert work.retrying is not None
    assert moment(work.retrying.until) - NOW == timedelta(seconds=10)
    assert names(work) == [(0, 2, 1), (2, 2, 1), (4, 4, 1)]
    work = take(work, *[succeed(succeeded=1)] * 3)
    assert (work.wave, work.first_cut) == (None, 10), "the end of the wave is still to be done"


def test_what_broke_and_a_rest_are_repeated_together_after_the_time_for_repairs():
    work = take(boxed(4, 4, 4), succeed(succeeded=1, cuts=1), BROKEN, succeed(succeeded=4))
    assert work.retrying is not None
    assert moment(work.retrying.until) - NOW == timedelta(seconds=FIRST_REPAIR_SECONDS)
    assert names(work) == [(1, 3, 0), (4, 4, 0)]
    assert all(batch.is_repeated for batch in batches_of_round(work))
    work = take(work, succeed(succeeded=3), succeed(succeeded=2, cuts=2))
    assert names(work) == [(6, 2, 0)], "it had given back a rest before it broke"
    work = take(work, succeed(succeeded=2))
    assert (work.wave, work.partitions_done, work.counts.succeeded) == (None, 1, 12)


def test_a_rest_waits_as_long_as_the_other_side_asked_for():
    work = take(boxed(4, 4), succeed(retryable=1, retry_after=100.0, cuts=1), succeed(succeeded=4))
    assert names(work) == [(1, 3, 0)]
    assert work.retrying is not None
    assert moment(work.retrying.until) - NOW == timedelta(seconds=100)


def test_the_rest_of_a_batch_that_was_lost_is_not_lost_with_it():
    work = take(boxed(4, 4), BROKEN, succeed(succeeded=4))
    for _ in range(MAX_BREAKDOWNS - 2):
        work = take(work, BROKEN)
    work = take(work, succeed(succeeded=1, cuts=1))
    assert names(work) == [(1, 3, 0)]
    work = take(work, succeed(succeeded=3))
    assert (work.counts.lost_batches, work.counts.succeeded) == (0, 8)
