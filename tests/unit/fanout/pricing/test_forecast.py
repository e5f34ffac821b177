"""Forecasts against sums made by hand, and what must hold for any job."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fanout.models.usage import Usage
from fanout.pricing.azure import azure_cost
from fanout.pricing.forecast import EXPECTED, WORST, Forecast, Job, times
from fanout.pricing.prices import prices

jobs = st.builds(
    Job,
    items=st.integers(0, 10**9),
    source_bytes=st.integers(0, 10**12),
    item_seconds=st.floats(0.00001, 100),
    width=st.integers(1, 6400),
    fixed_batches=st.none() | st.integers(1, 10**7),
    steps=st.integers(0, 6),
    is_chunk=st.booleans(),
)
schemes = st.sampled_from([EXPECTED, WORST])


def test_a_small_run_is_one_activity():
    small = Forecast(Job(items=100, source_bytes=6_000), EXPECTED)
    assert (small.activities, small.batches, small.orchestrations) == (1, 0, 1)
    assert small.usage.messages == 2  # it is started, and the activity answers
    assert small.usage.billed_ms == 1000


def test_slow_items_are_spread_over_the_whole_width_by_hand():
    slow = Forecast(Job(items=100, item_seconds=2.0, width=64), EXPECTED)
    # 200 s of work: 64 batches of about three seconds, by four shards, in one wave each.
    assert (slow.batches, slow.shards, slow.steers) == (64, 4, 8)
    assert slow.activities == 1 + 64 + 8 + 1
    assert slow.usage.messages == 74 + 2 * 5 - 1
    assert slow.usage.item_ms == 200_000
    assert slow.usage.activity_ms >= 200_000


def test_a_million_fast_items_fill_their_batches_by_hand():
    many = Forecast(Job(items=1_000_000, source_bytes=150_000_000), EXPECTED)
    # 1,000 s of work: 100 batches of ten seconds; 10,000 items are the most one takes.
    assert (many.batches, many.ranges) == (100, 2)
    assert many.fan_in == 2 + 2  # two ranges, finalize, finish


def test_a_table_of_two_thousand_rows_is_done_at_once():
    table = Forecast(Job(items=2_000, item_seconds=0.00005, is_chunk=True), EXPECTED)
    assert table.activities == 1


def test_no_item_is_shared_by_batches():
    assert Forecast(Job(items=100, item_seconds=30.0), EXPECTED).batches == 100


def test_batches_of_the_request_are_as_many_as_it_makes():
    fixed = Forecast(Job(items=1_000, fixed_batches=20), EXPECTED)
    assert (fixed.batches, fixed.shards) == (20, 4)


def test_the_sagas_of_a_batch_are_an_activity_or_at_worst_one_for_each_step_and_end():
    job = Job(items=60, fixed_batches=3, steps=6)
    together, apart = Forecast(job, EXPECTED), Forecast(job, WORST)
    assert (together.saga_activities, together.orchestrations) == (3, 1 + 3 + 3)
    assert (apart.saga_activities, apart.orchestrations) == (60 * 7 + 3 * 2, 1 + 3 + 60 + 3)


@given(jobs, schemes, st.integers(1, 10**6))
def test_more_items_never_use_less(job: Job, scheme: object, more: int):
    one = Forecast(job, scheme)  # type: ignore[arg-type]
    other = Forecast(replace(job, items=job.items + more), scheme)  # type: ignore[arg-type]
    assert one.activities <= other.activities
    assert one.usage.storage_operations <= other.usage.storage_operations


@given(jobs, st.floats(1, 1000))
def test_longer_items_never_use_less(job: Job, factor: float):
    assume(job.items)
    longer = replace(job, item_seconds=job.item_seconds * factor)
    short, long = Forecast(job, EXPECTED), Forecast(longer, EXPECTED)
    assert short.activities <= long.activities
    assert short.usage.item_ms <= long.usage.item_ms


@given(jobs)
def test_the_worst_is_no_better_than_what_is_expected(job: Job):
    expected, worst = Forecast(job, EXPECTED).usage, Forecast(job, WORST).usage
    assert expected.activities <= worst.activities
    assert expected.messages <= worst.messages
    assert expected.storage_operations <= worst.storage_operations
    costs = [azure_cost(usage, prices()).total for usage in (expected, worst)]
    assert costs[0] <= costs[1] + 1e-7


@given(jobs, schemes)
def test_each_execution_is_billed_for_a_second_at_least(job: Job, scheme: object):
    usage = Forecast(job, scheme).usage  # type: ignore[arg-type]
    assert usage.billed_ms >= 1000 * usage.activities
    assert usage.billed_ms >= usage.activity_ms
    assert usage.activity_ms >= usage.item_ms - usage.activities


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_usage_so_many_times(count: int):
    total = Usage()
    for _ in range(count):
        total = total.plus(EXPECTED.batch)
    assert times(EXPECTED.batch, count) == total
