from datetime import UTC, datetime

import pytest

from fanout.governor import control_rules, run_rules
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.planning import Work
from fanout.messages.run import RunEnd
from fanout.messages.shards import ShardCounts
from fanout.models.request import Tolerance
from fanout.models.status import ItemCounts
from tests.support.workloads.attempts import (
    CLAIM,
    after_wave,
    at,
    begun,
    controlled,
    decided,
    finish_attempt,
    opened,
    plan_of,
    report_wave,
    settle_attempt,
    shard_of,
)

AT = datetime(2026, 1, 1, tzinfo=UTC).isoformat()


def compensating(state: GovernorState, items: int) -> GovernorState:
    undo = Work(items=items, cuts=5, partitions=1, cuts_per_partition=5, shards=1)
    run = run_rules.note_compensation_plan(state.run, undo)
    return state.model_copy(update={"run": run})


def test_compensation_is_counted_apart_and_goes_on_beyond_the_tolerance():
    state = begun(items=10, on_exceeded="compensate")
    state, order = report_wave(state, succeeded=6, failed=1)
    assert order.action == "stop"
    state = settle_attempt(state)
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
    state, _ = report_wave(begun(items=10, on_exceeded=on_exceeded), succeeded=6, failed=1)
    verdict = settle_attempt(state).run.verdict
    assert verdict is not None and not verdict.compensates
    assert settle_attempt(state).phase == "finalizing"


def test_an_attempt_that_goes_on_with_undo_compensates_whatever_is_tolerated():
    plan = plan_of(10, Tolerance(percentage=100), undoes=True, shards=0, succeeded=4, failed=6)
    state = begun(plan)
    assert state.run.has_begun_undo
    verdict = settle_attempt(state).run.verdict
    assert verdict is not None and verdict.compensates
    cancelled = settle_attempt(controlled(state, control_rules.cancel(state.control))).run
    assert cancelled.verdict is not None and not cancelled.verdict.compensates
    assert cancelled.has_begun_undo


def test_what_is_decided_when_the_shards_are_through_stays_so():
    state, _ = report_wave(begun(items=10, on_exceeded="compensate"), succeeded=6, failed=1)
    first = settle_attempt(state)
    later = controlled(first, control_rules.cancel(first.control))
    assert settle_attempt(later, counts=ShardCounts(succeeded=10)) == later == first


def test_what_the_history_holds_decides_and_not_what_rows_say():
    state, _ = report_wave(begun(items=10, on_exceeded="compensate"), succeeded=5)
    verdict = settle_attempt(state, counts=ShardCounts(succeeded=9, failed=1)).run.verdict
    assert verdict is not None and verdict.compensates


def test_rows_stand_in_for_a_shard_that_failed():
    state, _ = report_wave(begun(items=10, on_exceeded="compensate"), succeeded=5, failed=1)
    verdict = settle_attempt(state, counts=ShardCounts(), failure="its row was lost").run.verdict
    assert verdict is not None and verdict.compensates


def test_beginning_twice_changes_nothing():
    state, _ = report_wave(begun(), succeeded=5)
    assert run_rules.note_plan(state.run, plan_of(7), at(9)) == state.run


def test_the_end_is_taken_once_and_has_the_last_word_on_counts():
    state, _ = report_wave(begun(), succeeded=1)
    counts = ItemCounts(total=100, succeeded=99, failed=1)
    over = finish_attempt(state, RunEnd(outcome="failed", items=counts, at=AT))
    assert (over.phase, over.items) == ("done", counts)
    assert finish_attempt(over, RunEnd(outcome="succeeded", at=AT)) == over
    assert over.held == {}


def test_an_end_without_counts_leaves_those_of_the_reports():
    state, _ = report_wave(begun(), succeeded=60)
    over = finish_attempt(state, RunEnd(outcome="failed", error="boom", at=AT))
    assert over.items == ItemCounts(total=100, succeeded=60, pending=40)


def test_a_run_that_is_over_stays_so_when_it_is_opened_again():
    end = RunEnd(outcome="succeeded", items=ItemCounts(total=1, succeeded=1), at=AT)
    over = run_rules.finish(begun().run, end)
    assert run_rules.open_run(over, "2027-01-01T00:00:00+00:00", "other", is_queued=True) == over
    assert over.started_at == AT


def test_a_run_that_was_planned_is_not_put_back_when_it_is_opened_again():
    state = begun()
    assert run_rules.open_run(state.run, at(9), CLAIM, is_queued=False) == state.run


def test_the_phases_follow_each_other():
    state = GovernorState(run=run_rules.open_run(RunState(), AT, CLAIM, is_queued=True))
    phases = [GovernorState().phase, state.phase]
    run = run_rules.open_run(state.run, AT, CLAIM, is_queued=False)
    phases.append(run.phase)
    state = state.model_copy(update={"run": run_rules.note_plan(run, plan_of(), AT)})
    phases.append(state.phase)
    state = settle_attempt(state)
    phases += [state.phase, finish_attempt(state, RunEnd(outcome="succeeded", at=AT)).phase]
    assert phases == ["planning", "queued", "planning", "processing", "finalizing", "done"]


def test_a_run_that_is_cancelled_settles_so_and_does_not_compensate():
    state, _ = report_wave(begun(items=10, on_exceeded="compensate"), succeeded=6, failed=1)
    state = settle_attempt(controlled(state, control_rules.cancel(state.control)))
    verdict = state.run.verdict
    assert verdict is not None and verdict.is_cancelled and not verdict.compensates


def test_facts_are_what_rows_say():
    state, _ = report_wave(begun(items=10), succeeded=4, retries=2)
    found = run_rules.facts(state)
    assert (found.items.succeeded, found.retries, found.started_at) == (4, 2, AT)
    assert opened().items == ItemCounts()
