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
from fanout.governor import run_state
from fanout.governor.run_state import (
    MAX_ERROR_KINDS,
    ControlState,
    GovernorState,
    RunState,
    ShardState,
)
from fanout.messages.batches import WaveTally
from fanout.messages.ending import SettleAsk
from fanout.messages.planning import Work
from fanout.messages.run import RunEnd
from fanout.messages.shards import ShardAsk, ShardCounts, ShardOrder, ShardWork
from fanout.models.limits import LimitsChange
from fanout.models.request import Tolerance
from fanout.models.status import ErrorGroup, ItemCounts
from tests.support.workloads.attempts import (
    CLAIM,
    after_wave,
    at,
    begun,
    controlled,
    decided,
    memory_rows,
    opened,
    plan_of,
    shard_of,
)

AT = datetime(2026, 1, 1, tzinfo=UTC).isoformat()


def wave(state: GovernorState, number: int = 0, **tally: Any) -> tuple[GovernorState, ShardOrder]:
    """Have a shard report its next wave."""
    known = state.shards.get(f"s{number:02d}")
    before = known.work if known and known.work else shard_of(state, number)
    return decided(state, after_wave(before, **tally))


def settled(state: GovernorState, **asked: Any) -> GovernorState:
    counts = state.counts("process")
    return run_state.settle(
        state, SettleAsk(**({"run_id": "r", "counts": counts, "at": AT} | asked))
    )


def compensating(state: GovernorState, items: int) -> GovernorState:
    undo = Work(items=items, batches=5, partitions=1, batches_per_partition=5, shards=1)
    run = run_state.begin_to_compensate(state.run, undo)
    return state.model_copy(update={"run": run})


def ended(state: GovernorState, end: RunEnd) -> GovernorState:
    return state.model_copy(update={"run": run_state.finish(state.run, end)})


def test_a_later_attempt_begins_with_what_is_settled():
    state = begun(items=10, succeeded=6, failed=1)
    assert state.items == ItemCounts(total=10, succeeded=6, failed=1, pending=3)


def test_compensation_is_counted_apart_and_goes_on_beyond_the_tolerance():
    state = begun(items=10, on_exceeded="compensate")
    state, order = wave(state, succeeded=6, failed=1)
    assert order.action == "stop"
    state = settled(state)
    assert state.run.verdict is not None and state.run.verdict.compensates
    assert state.phase == "compensating"
    state = compensating(state, 6)
    undone = after_wave(shard_of(state, stage="compensate"), succeeded=4, failed=2)
    for _ in range(2):
        state, order = decided(state, undone)
        assert order.action == "go"
    assert state.items == ItemCounts(
        total=10, failed=1, pending=3, compensated=4, compensation_failed=2
    )


@pytest.mark.parametrize("on_exceeded", ["stop", "continue"])
def test_only_a_run_that_is_to_compensate_does(on_exceeded: str):
    state, _ = wave(begun(items=10, on_exceeded=on_exceeded), succeeded=6, failed=1)
    verdict = settled(state).run.verdict
    assert verdict is not None and not verdict.compensates
    assert settled(state).phase == "finalizing"


def test_what_is_decided_when_the_shards_are_through_stays_so():
    state, _ = wave(begun(items=10, on_exceeded="compensate"), succeeded=6, failed=1)
    first = settled(state)
    later = controlled(first, run_state.cancel(first.control))
    assert settled(later, counts=ShardCounts(succeeded=10)) == later == first


def test_what_the_history_holds_decides_and_not_what_rows_say():
    state, _ = wave(begun(items=10, on_exceeded="compensate"), succeeded=5)
    verdict = settled(state, counts=ShardCounts(succeeded=9, failed=1)).run.verdict
    assert verdict is not None and verdict.compensates


def test_rows_stand_in_for_a_shard_that_failed():
    state, _ = wave(begun(items=10, on_exceeded="compensate"), succeeded=5, failed=1)
    verdict = settled(state, counts=ShardCounts(), failure="its row was lost").run.verdict
    assert verdict is not None and verdict.compensates


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
    change = run_state.change(state.control, LimitsChange.model_validate(rate))
    state = controlled(state, change)
    for tally in waves:
        state, _ = wave(state, 1, **dict(tally))
    for model in (state.run, state.control, state.pace, *state.shards.values()):
        assert unpack_model(Row(pack_model(model), "e"), type(model)) == model
    survived = unpack_model(Row(pack_model(state.control), "e"), ControlState)
    assert survived.change.apply_to(state.limits) == state.limits


def test_beginning_twice_changes_nothing():
    state, _ = wave(begun(), succeeded=5)
    assert run_state.begin(state.run, plan_of(7), at(9)) == state.run


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
    _, order = wave(begun(tolerance=tolerance), failed=failed)
    assert order.action == action


def test_every_shard_is_told_to_stop_once_the_tolerance_was_passed():
    state, _ = wave(begun(), 0, failed=1)
    _, order = wave(state, 1, succeeded=1)
    assert (order.action, order.reason) == ("stop", "exceeded")


def test_failures_of_all_shards_together_pass_the_tolerance():
    state, order = wave(begun(tolerance=Tolerance(count=1)), 0, failed=1)
    assert order.action == "go"
    _, order = wave(state, 1, failed=1)
    assert order.action == "stop"


def test_a_run_that_goes_on_beyond_its_tolerance_is_never_stopped():
    _, order = wave(begun(on_exceeded="continue"), failed=100)
    assert order.action == "go"


def test_the_most_frequent_kinds_of_failure_are_kept():
    state = begun(items=10_000, tolerance=Tolerance(percentage=100))
    for number in range(MAX_ERROR_KINDS + 10):
        state, _ = wave(state, 0, failed=number + 1, errors=[group(number, number + 1)])
    assert len(state.errors) == MAX_ERROR_KINDS
    assert min(g.count for g in state.errors.values()) == 11


def test_kinds_of_failure_of_all_shards_are_added_up():
    state, _ = wave(begun(tolerance=Tolerance(percentage=100)), 0, failed=2, errors=[group(1, 2)])
    state, _ = wave(state, 1, failed=3, errors=[group(1, 3)])
    assert [g.count for g in state.errors.values()] == [5]


def test_the_end_is_taken_once_and_has_the_last_word_on_counts():
    state, _ = wave(begun(), succeeded=1)
    counts = ItemCounts(total=100, succeeded=99, failed=1)
    over = ended(state, RunEnd(outcome="failed", items=counts, at=AT))
    assert (over.phase, over.items) == ("done", counts)
    assert ended(over, RunEnd(outcome="succeeded", at=AT)) == over
    assert over.held == {}


def test_an_end_without_counts_leaves_those_of_the_reports():
    state, _ = wave(begun(), succeeded=60)
    over = ended(state, RunEnd(outcome="failed", error="boom", at=AT))
    assert over.items == ItemCounts(total=100, succeeded=60, pending=40)


def test_a_run_that_is_over_stays_so_when_it_is_opened_again():
    end = RunEnd(outcome="succeeded", items=ItemCounts(total=1, succeeded=1), at=AT)
    over = run_state.finish(begun().run, end)
    assert run_state.open_run(over, "2027-01-01T00:00:00+00:00", "other", is_queued=True) == over
    assert over.started_at == AT


def test_a_run_that_was_planned_is_not_put_back_when_it_is_opened_again():
    state = begun()
    assert run_state.open_run(state.run, at(9), CLAIM, is_queued=False) == state.run


def test_the_phases_follow_each_other():
    state = GovernorState(run=run_state.open_run(RunState(), AT, CLAIM, is_queued=True))
    phases = [GovernorState().phase, state.phase]
    run = run_state.open_run(state.run, AT, CLAIM, is_queued=False)
    phases.append(run.phase)
    state = state.model_copy(update={"run": run_state.begin(run, plan_of(), AT)})
    phases.append(state.phase)
    state = settled(state)
    phases += [state.phase, ended(state, RunEnd(outcome="succeeded", at=AT)).phase]
    assert phases == ["planning", "queued", "planning", "processing", "finalizing", "done"]


def test_a_run_that_is_cancelled_settles_so_and_does_not_compensate():
    state, _ = wave(begun(items=10, on_exceeded="compensate"), succeeded=6, failed=1)
    state = settled(controlled(state, run_state.cancel(state.control)))
    verdict = state.run.verdict
    assert verdict is not None and verdict.is_cancelled and not verdict.compensates


def test_once_the_shards_are_through_it_is_too_late_to_cancel():
    state = settled(begun())
    assert run_state.cancel(state.control) == state.control
    assert not state.control.is_cancelled


def test_a_second_wish_to_suspend_keeps_the_first_moment():
    control = run_state.suspend(ControlState(), at(1))
    assert run_state.suspend(control, at(9)) == control
    assert run_state.resume(control) == run_state.resume(ControlState())


counts = st.builds(
    ShardCounts,
    succeeded=st.integers(0, 30),
    failed=st.integers(0, 30),
    compensated=st.integers(0, 30),
    compensation_failed=st.integers(0, 30),
)


@given(counts, st.integers(0, 50), st.data())
def test_counts_are_never_negative_nor_more_than_the_total(
    done: ShardCounts, unsettled: int, data: st.DataObject
):
    """Not even where the rows lag behind the parts, by which is known what to undo."""
    work = done.succeeded + done.failed + done.compensated + done.compensation_failed
    before = ItemCounts(total=work + unsettled, pending=work + unsettled)
    missing = data.draw(st.integers(0, unsettled))
    undone = data.draw(st.integers(0, done.succeeded + missing))
    failed = data.draw(st.integers(0, undone))
    found = run_state.count_items(
        before, done, ShardCounts(succeeded=undone - failed, failed=failed)
    )
    numbers = found.model_dump()
    total = numbers.pop("total")
    assert sum(numbers.values()) == total == before.total
    assert all(0 <= number <= total for number in numbers.values())


def test_what_an_unstarted_shard_has_is_nothing():
    assert ShardState().sequence == 0
    assert ShardState().counts == ShardCounts()


def test_facts_are_what_rows_say():
    state, _ = wave(begun(items=10), succeeded=4, retries=2)
    found = run_state.facts(state)
    assert (found.items.succeeded, found.retries, found.started_at) == (4, 2, AT)
    assert opened().items == ItemCounts()
