"""The largest that a shard can come to carry still fits where it has to."""

import pytest

from activities.batches import (
    MAX_EXAMPLE_BYTES,
    MAX_GROUP_MESSAGE_BYTES,
    MAX_GROUPS,
    MAX_TYPE_BYTES,
)
from fanout.batching import MAX_GRAINS_A_PARTITION
from fanout.ids import attempt_instance
from fanout.leave import MAX_WIDTH
from fanout.models.request import RetryPolicy
from fanout.models.shard import Retrying, ShardWork, Wave
from fanout.models.status import ErrorGroup
from fanout.models.wave import BatchResult, WaveReport, WaveTally
from fanout.payloads import dump
from orchestrators.tallies import MAX_KINDS, added

RUN_ID = "r" * 100
AT = "2026-11-23T16:30:00.123456+00:00"
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
    return added(WaveTally(), results, MAX_WIDTH)


def test_a_tally_keeps_the_most_frequent_kinds(tally: WaveTally):
    assert len(tally.errors) == MAX_KINDS


def test_the_fullest_report_of_a_wave_fits(tally: WaveTally):
    dump(WaveReport(shard="c63", sequence=MANY, tally=tally, left=MANY, again=MANY, at=AT))


def test_a_shard_in_the_middle_of_its_widest_round_fits(tally: WaveTally):
    last = MAX_GRAINS_A_PARTITION
    firsts = list(range(last - MAX_WIDTH, last))
    dump(
        ShardWork(
            run_id=RUN_ID,
            attempt=100,
            trace=f"00-{'a' * 32}-{'b' * 16}-01",
            governor=attempt_instance(RUN_ID, 100),
            shard=63,
            shards=64,
            batches=MANY,
            partitions=MANY,
            batches_per_partition=last,
            retry=RetryPolicy(
                max_attempts=100,
                base_seconds=1234.56789,
                factor=1.23456789,
                max_seconds=12345.6789,
                jitter_seconds=1234.56789,
            ),
            sequence=MANY,
            partition=MANY,
            batch=last - MAX_WIDTH,
            wave=Wave(end=last, span=MAX_GRAINS_A_PARTITION),
            tally=tally,
            partitions_done=1,
            retrying=Retrying(
                batches=firsts, items=MANY, retry_round=99, since=AT, until=AT, breakdowns=4
            ),
            stage="compensate",
            claim='"0x8DF0123456789ABCDEF"',
            downstream="d" * 60,
        )
    )
