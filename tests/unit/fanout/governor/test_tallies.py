"""The largest that a shard can come to carry still fits where it has to."""

import pytest

from activities.batches.batch import (
    MAX_EXAMPLE_BYTES,
    MAX_GROUP_MESSAGE_BYTES,
    MAX_GROUPS,
    MAX_TYPE_BYTES,
)
from fanout.governor.tallies import MAX_KINDS, add_results
from fanout.governor.wave_size import MAX_WIDTH
from fanout.messages.batches import BatchResult, WaveTally
from fanout.messages.ending import SettleAsk
from fanout.messages.payloads import MAX_ERROR_BYTES, dump
from fanout.messages.shards import Retrying, ShardAsk, ShardCounts, ShardOrder, ShardWork, Wave
from fanout.messages.tickets import call_ticket
from fanout.models.request import RetryPolicy
from fanout.models.status import ErrorGroup
from fanout.naming.instance_ids import attempt_instance
from fanout.splitting.sizing import MAX_ADAPTIVE_CUTS_A_PARTITION

RUN_ID = "r" * 100
AT = "2026-11-23T16:30:00.123456+00:00"
LATER = "2026-11-24T17:31:01.234567+00:00"
MANY = 100_000_000


def kind(number: int) -> ErrorGroup:
    return ErrorGroup(
        type=f"{number}{'E' * MAX_TYPE_BYTES}"[:MAX_TYPE_BYTES],
        message=f"{number}{'m' * MAX_GROUP_MESSAGE_BYTES}"[:MAX_GROUP_MESSAGE_BYTES],
        count=MANY,
        example_item="x" * MAX_EXAMPLE_BYTES,
    )


@pytest.fixture
def tally() -> WaveTally:
    """As large as it gets: every batch failed in ways of its own."""
    kinds = [kind(number) for number in range(2 * MAX_GROUPS)]
    counts = {"succeeded": MANY, "failed": MANY, "retryable": MANY}
    results = [
        BatchResult(**counts, work_ms=MANY + 0.1, errors=some)
        for some in (kinds[:MAX_GROUPS], kinds[MAX_GROUPS:])
    ]
    return add_results(WaveTally(), results, MAX_WIDTH)


def test_a_tally_keeps_the_most_frequent_kinds(tally: WaveTally):
    assert len(tally.errors) == MAX_KINDS


def widest(tally: WaveTally, firsts: list[int], broken: list[int]) -> ShardWork:
    """A shard in the middle of its widest round."""
    last = MAX_ADAPTIVE_CUTS_A_PARTITION
    counts = dict.fromkeys(ShardCounts.model_fields, MANY)
    return ShardWork(
        run_id=RUN_ID,
        attempt=100,
        trace=f"00-{'a' * 32}-{'b' * 16}-01",
        instance=attempt_instance(RUN_ID, 100),
        call=MANY,
        shard=63,
        shards=64,
        cuts=MANY,
        partitions=MANY,
        cuts_per_partition=last,
        retry=RetryPolicy(
            max_attempts=100,
            base_seconds=1234.56789,
            factor=1.23456789,
            max_seconds=12345.6789,
            jitter_seconds=1234.56789,
        ),
        sequence=MANY,
        counts=ShardCounts(**counts),
        partition=MANY,
        first_cut=last - MAX_WIDTH,
        wave=Wave(end=last, span=last),
        tally=tally,
        partitions_done=MANY,
        retrying=Retrying(
            first_cuts=firsts,
            broken=broken,
            items=MANY,
            retry_round=99,
            since=AT,
            until=AT,
            quiet_until=AT,
            breakdowns=4,
            broken_since=AT,
        ),
        stage="compensate",
        claim='"0x8DF0123456789ABCDEF"',
        downstream="d" * 60,
        downstream_rate=1234.56789,
        items_per_cut=1234.56789,
        began_at=AT,
    )


@pytest.fixture
def work(tally: WaveTally) -> ShardWork:
    firsts = list(range(MAX_ADAPTIVE_CUTS_A_PARTITION - MAX_WIDTH, MAX_ADAPTIVE_CUTS_A_PARTITION))
    return widest(tally, firsts[::2], firsts[1::2])


def test_a_shard_in_the_middle_of_its_widest_round_fits(work: ShardWork):
    dump(work)


def test_its_question_and_where_it_was_fit(work: ShardWork):
    asked = ShardAsk(work=work.model_copy(update={"tally": WaveTally()}), at=AT)
    dump(asked)
    dump(ShardOrder(action="resume", wait_seconds=12.345678, work=asked.work))


def test_when_it_asks_makes_no_other_question_of_it(work: ShardWork):
    asked = ShardAsk(work=work, at=AT)
    later = ShardAsk.model_validate_json(asked.model_dump_json().replace(AT, LATER))
    assert later != asked
    assert call_ticket("steer", dump(_told(later))) == call_ticket("steer", dump(_told(asked)))


def _told(asked: ShardAsk) -> ShardAsk:
    """A question without the tally, which has no place in the middle of a wave."""
    work = asked.work.model_copy(update={"tally": WaveTally()})
    return asked.model_copy(update={"work": work})


def test_its_last_question_fits_where_the_run_is_settled(work: ShardWork):
    last = ShardAsk(work=work.model_copy(update={"wave": None, "retrying": None}), at=AT)
    dump(
        SettleAsk(
            run_id=RUN_ID,
            attempt=100,
            claim=work.claim,
            trace=work.trace,
            counts=work.counts,
            reasons=["cancelled", "done", "exceeded", "over"],
            last=last,
            at=AT,
        )
    )


def test_a_run_whose_shards_failed_is_settled_with_the_reason(work: ShardWork):
    counts = work.counts
    dump(SettleAsk(run_id=RUN_ID, counts=counts, failure="x" * MAX_ERROR_BYTES, at=AT))
