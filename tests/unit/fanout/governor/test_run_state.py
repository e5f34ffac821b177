import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.batches.steer import steer_shard
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows, pack_model, unpack_model
from fanout.adapters.tables import Row
from fanout.governor import control_rules
from fanout.governor.run_state import ControlState, GovernorState, ShardState
from fanout.messages.batches import WaveTally
from fanout.messages.shards import ShardAsk, ShardCounts, ShardWork
from fanout.models.limits import LimitsChange
from fanout.models.request import Tolerance
from fanout.models.status import ErrorGroup, ItemCounts
from tests.support.workloads.attempts import (
    after_wave,
    at,
    begun,
    controlled,
    memory_rows,
    plan_of,
    report_wave,
    shard_of,
)

AT = datetime(2026, 1, 1, tzinfo=UTC).isoformat()


def test_a_later_attempt_begins_with_what_is_settled():
    state = begun(items=10, succeeded=6, failed=1)
    assert state.items == ItemCounts(total=10, succeeded=6, failed=1, pending=3)


def group(number: int, count: int = 1) -> ErrorGroup:
    return ErrorGroup(type="Fault", message=str(number), count=count)


tallies = st.builds(
    WaveTally,
    succeeded=st.integers(0, 50),
    failed=st.integers(0, 50),
    retries=st.integers(0, 50),
    lost_batches=st.integers(0, 3),
    errors=st.lists(st.builds(group, st.integers(0, 5), st.integers(1, 9)), max_size=3),
)


def written(plan: Any) -> tuple[Rows, GovernorState]:
    """The rows of an attempt that is planned, in a table."""
    rows, state = memory_rows(), begun(plan)
    change_attempt(rows, "r", 1, lambda _: (state, None))
    return rows, state


@given(
    st.lists(st.lists(tallies, max_size=6), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_any_order_and_repetition_of_reports_counts_each_wave_once(
    shards: list[list[WaveTally]], chance: random.Random
):
    everything = [t for tallies_ in shards for t in tallies_]
    total = sum(t.succeeded + t.failed for t in everything)
    plan = plan_of(total, Tolerance(percentage=100), shards=len(shards))
    rows, state = written(plan)
    for one in deliveries([shard_of(state, n) for n in range(len(shards))], shards, chance):
        steer_shard(ShardAsk(work=one, at=AT), rows)
        state = read_attempt(rows, "r", 1).state
        assert state.items.succeeded + state.items.failed + state.items.pending == total
        assert state.items.pending >= 0
    assert state.items.succeeded == sum(t.succeeded for t in everything)
    assert state.items.failed == sum(t.failed for t in everything)
    assert state.retries == sum(t.retries for t in everything)
    assert state.counts("process").lost_batches == sum(t.lost_batches for t in everything)
    assert state.partitions.done == len(everything)
    counted = sum(g.count for g in state.errors.values())
    assert counted == sum(g.count for t in everything for g in t.errors)


def deliveries(
    firsts: list[ShardWork], shards: list[list[WaveTally]], chance: random.Random
) -> list[ShardWork]:
    """Interleave the shards, in order within each; any report may come again, also much later."""
    queues = []
    for work, tallies_ in zip(firsts, shards, strict=True):
        queue = []
        for tally in tallies_:
            work = after_wave(work, partitions=1, **dict(tally))
            queue.append(work)
        queues.append(queue)
    sent: list[ShardWork] = []
    while any(queues):
        sent.append(chance.choice([queue for queue in queues if queue]).pop(0))
        while chance.random() < 0.4:
            sent.append(chance.choice(sent))
    return sent


@given(st.lists(tallies, min_size=1, max_size=5), st.integers(0, 30))
def test_a_repeated_report_is_answered_as_the_first_was(waves: list[WaveTally], allowed: int):
    rows, state = written(plan_of(10_000, Tolerance(count=allowed)))
    work = shard_of(state)
    for tally in waves:
        work = after_wave(work, **dict(tally))
        first = steer_shard(ShardAsk(work=work, at=AT), rows)
        known = read_attempt(rows, "r", 1)
        again = steer_shard(ShardAsk(work=work, at=at(7)), rows)
        assert again == first.model_copy(update={"is_repeated": True})
        assert read_attempt(rows, "r", 1) == known


@given(st.lists(tallies, max_size=5), st.booleans())
def test_state_survives_the_json_of_its_rows(waves: list[WaveTally], has_rate: bool):
    state = begun(items=10_000)
    rate = {"concurrency": {"items_per_second": None}} if has_rate else {"tolerance": {"count": 7}}
    change = control_rules.change_limits(state.control, LimitsChange.model_validate(rate))
    state = controlled(state, change)
    for tally in waves:
        state, _ = report_wave(state, 1, **dict(tally))
    for model in (state.run, state.control, state.pace, *state.shards.values()):
        assert unpack_model(Row(pack_model(model), "e"), type(model)) == model
    survived = unpack_model(Row(pack_model(state.control), "e"), ControlState)
    assert survived.change.apply_to(state.limits) == state.limits


@pytest.mark.parametrize(
    ("tolerance", "failed", "action"),
    [
        (Tolerance(), 0, "go"),
        (Tolerance(), 1, "stop"),
        (Tolerance(count=2), 2, "go"),
        (Tolerance(count=2), 3, "stop"),
        (Tolerance(percentage=2), 2, "go"),
        (Tolerance(percentage=2), 3, "stop"),
        (Tolerance(count=50, percentage=2), 3, "stop"),
        (Tolerance(count=2, percentage=50), 3, "stop"),
    ],
)
def test_the_first_failure_beyond_the_tolerance_stops_the_run(
    tolerance: Tolerance, failed: int, action: str
):
    _, order = report_wave(begun(tolerance=tolerance), failed=failed)
    assert order.action == action


def test_every_shard_is_told_to_stop_once_the_tolerance_was_passed():
    state, _ = report_wave(begun(), 0, failed=1)
    _, order = report_wave(state, 1, succeeded=1)
    assert (order.action, order.reason) == ("stop", "exceeded")


def test_failures_of_all_shards_together_pass_the_tolerance():
    state, order = report_wave(begun(tolerance=Tolerance(count=1)), 0, failed=1)
    assert order.action == "go"
    _, order = report_wave(state, 1, failed=1)
    assert order.action == "stop"


def test_a_run_that_goes_on_beyond_its_tolerance_is_never_stopped():
    _, order = report_wave(begun(on_exceeded="continue"), failed=100)
    assert order.action == "go"


def test_what_an_unstarted_shard_has_is_nothing():
    assert ShardState().sequence == 0
    assert ShardState().counts == ShardCounts()
