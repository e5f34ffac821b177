"""For how long a run may stand where it does before it lends its place to who waits."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.governor import control_rules, run_rules
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.shards import Retrying, Wave
from fanout.models.limits import Limits
from fanout.models.request import RunRequest, Timeouts, Tolerance
from fanout.naming.moments import moment_text
from starters.lifecycle.stalls import sight, sight_unreadable
from tests.support.workloads.attempts import (
    START,
    after_wave,
    at,
    begun,
    controlled,
    decided,
    opened,
    plan_of,
    settle_attempt,
    shard_of,
)

REQUEST = RunRequest.model_validate(
    {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}
)
SOON, FIRST_BATCHES, SILENT = 150, 600, 900


def patience(state: GovernorState, **of_request: Any) -> float:
    """How many seconds a run may be seen where it is before it stands still."""
    request = REQUEST.model_copy(update=of_request)
    seen = sight(request, state, START)
    seconds = seen.patience_seconds
    assert not seen.is_still(moment_text(START + timedelta(seconds=seconds - 1)))
    assert seen.is_still(moment_text(START + timedelta(seconds=seconds + 1)))
    return seconds


def first_batches(**of_plan: Any) -> GovernorState:
    """A run whose first shard has been granted its first batches, and no more is known."""
    state = begun(plan_of(1_000, Tolerance(percentage=100), **of_plan))
    state, order = decided(state, shard_of(state))
    assert order.action == "go" and state.held
    return state


def test_a_run_that_is_planned_or_writes_results_has_a_quarter_of_an_hour():
    assert patience(opened()) == SILENT
    finalizing = settle_attempt(begun(items=0))
    assert finalizing.phase == "finalizing"
    assert patience(finalizing) == SILENT
    suspended = controlled(opened(), control_rules.suspend(opened().control, at(1)))
    assert patience(suspended) == SILENT, "the source is read all the same"


def test_a_run_that_waits_for_its_turn_or_for_anything_else_has_little():
    waiting = run_rules.open_run(RunState(), at(0), "claim", is_queued=True)
    assert patience(GovernorState(run=waiting)) == SOON
    assert patience(begun(items=10)) == SOON


def test_first_batches_of_items_that_nobody_knows_have_ten_minutes():
    assert patience(first_batches()) == FIRST_BATCHES
    rated = first_batches(limits=Limits(batches_in_flight=16, items_per_second=1_000))
    assert patience(rated) == FIRST_BATCHES, "what is granted has begun by such a rate"


def test_a_run_that_is_suspended_lends_its_place_soon():
    state = first_batches()
    suspended = controlled(state, control_rules.suspend(state.control, at(1)))
    assert patience(suspended) == SOON


def test_a_run_that_its_rate_slows_down_lends_its_place_soon():
    limits = Limits(batches_in_flight=16, items_per_second=0.001)
    assert patience(first_batches(limits=limits)) == SOON
    state = first_batches(limits=limits)
    work = after_wave(shard_of(state), succeeded=5, tried=5, work_ms=5)
    state, order = decided(state, work, 1)
    assert (order.action, state.held) == ("wait", {})
    assert patience(state) == SOON


def test_a_run_whose_first_items_are_tried_again_lends_its_place_soon():
    state = first_batches()
    retrying = Retrying(first_cuts=[0], items=3, retry_round=1, since=at(1), until=at(3_600))
    work = shard_of(state, call=1, wave=Wave(end=1), retrying=retrying)
    state, _ = decided(state, work, 2)
    assert state.held and patience(state) == SOON


@given(st.floats(0.001, 10_000), st.integers(1, 60))
def test_later_batches_have_three_times_what_the_slowest_items_took(item_seconds: float, span: int):
    state = first_batches()
    work = after_wave(shard_of(state), succeeded=1, tried=1, work_ms=item_seconds * 1_000)
    state, order = decided(state, work, 1)
    assert order.action == "go" and state.held
    shard = state.shards["s00"].model_copy(update={"span": span})
    state = state.with_shard("s00", shard)
    expected = 3 * item_seconds * state.run.work.items_per_cut * span
    assert patience(state) == pytest.approx(max(SOON, expected))


def test_batches_of_a_set_length_have_three_times_that():
    assert patience(first_batches(), timeouts=Timeouts(batch_seconds=400)) == 1_200
    assert patience(first_batches(), timeouts=Timeouts(batch_seconds=5)) == SOON


def test_what_moves_is_seen_elsewhere():
    state = first_batches()
    moved, _ = decided(state, after_wave(shard_of(state), succeeded=1), 1)
    retried, _ = decided(state, after_wave(shard_of(state), retries=1), 1)
    marks = {sight(REQUEST, one, START).mark for one in (opened(), state, moved, retried)}
    assert len(marks) == 4


def test_what_cannot_be_read_is_not_seen_to_move():
    first, later = sight_unreadable(START), sight_unreadable(START + timedelta(minutes=2))
    assert first.mark == later.mark
    assert first.patience_seconds == SOON
