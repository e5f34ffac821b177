"""What people ask of a run is written into a row of its own, or refused."""

import pytest

from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import RowConflictError
from fanout.errors import RunConflictError
from fanout.governor import control_rules, run_rules
from fanout.governor.run_state import ControlState, GovernorState
from fanout.messages.ending import SettleAsk
from fanout.messages.run import RunEnd
from fanout.models.limits import LimitsChange
from fanout.models.request import RunRequest, Tolerance
from starters.api.control import change_control, insist_on_cancellable, limits_in_force
from starters.lifecycle.attempts import Attempt
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.attempts import (
    START,
    after_wave,
    at,
    begun,
    controlled,
    decided,
    opened,
    shard_of,
)

REQUEST = RunRequest.model_validate(
    {
        "workload": "w",
        "run_id": "r",
        "source": {"kind": "inline", "items": []},
        "concurrency": {"batches": 9, "items_per_second": 5},
    }
)


def attempt(rows: Rows, state: GovernorState) -> Attempt:
    change_attempt(rows, "r", 1, lambda _: (state, None))
    return Attempt("r", 1, REQUEST, None, state, START)


def cancel(state: GovernorState) -> ControlState:
    insist_on_cancellable("r", state)
    return control_rules.cancel(state.control)


def control_of(rows: Rows) -> ControlState:
    return read_attempt(rows, "r", 1).state.control


def test_what_is_asked_is_in_the_row_of_control_and_in_no_other(rows: Rows):
    one = attempt(rows, begun())
    before = read_attempt(rows, "r", 1)
    change_control(one, cancel, rows)
    after = read_attempt(rows, "r", 1)
    assert after.state.control.is_cancelled
    assert {k: e for k, e in after.etags.items() if k != "control"} == before.etags


def test_what_two_people_ask_at_once_is_both_done(rows: Rows):
    one = attempt(rows, begun())
    tables = rows.tables
    assert isinstance(tables, MemoryTables)

    def another_asks() -> None:
        tables.before_write = lambda: None
        change_control(one, lambda s: control_rules.suspend(s.control, at(1)), rows)

    tables.before_write = another_asks
    change_control(one, cancel, rows)
    assert (control_of(rows).is_cancelled, control_of(rows).suspended_at) == (True, at(1))


def test_nothing_is_asked_of_a_run_that_has_ended_meanwhile(rows: Rows):
    state = begun()
    one = attempt(rows, state)
    end = run_rules.finish(state.run, RunEnd(outcome="succeeded", at=at(1)))
    change_attempt(rows, "r", 1, lambda s: (s.model_copy(update={"run": end}), None))
    with pytest.raises(RunConflictError, match="is over"):
        change_control(one, cancel, rows)
    assert control_of(rows) == ControlState()


def test_a_cancel_comes_too_late_once_the_shards_are_through(rows: Rows):
    state = begun(items=10, on_exceeded="compensate")
    settled = run_rules.settle(state, SettleAsk(run_id="r", at=at(1)))
    with pytest.raises(RunConflictError, match="is writing results; it goes on to its end"):
        change_control(attempt(rows, settled), cancel, rows)
    state, _ = decided(state, after_wave(shard_of(state), failed=3))
    counts = state.counts("process")
    settled = run_rules.settle(state, SettleAsk(run_id="r", counts=counts, at=at(1)))
    with pytest.raises(RunConflictError, match="is being compensated"):
        cancel(settled)


def test_a_run_that_is_stopping_by_itself_is_not_cancelled():
    state = begun(items=10)
    state, order = decided(state, after_wave(shard_of(state), failed=1))
    assert order.action == "stop"
    with pytest.raises(RunConflictError, match="failed more items than it tolerates"):
        cancel(state)


def test_limits_are_those_in_force_or_those_to_come():
    change = LimitsChange.model_validate({"concurrency": {"batches": 3}})
    control = control_rules.change_limits(ControlState(), change)
    coming = limits_in_force(REQUEST, controlled(opened(), control))
    assert (coming.batches_in_flight, coming.items_per_second) == (3, 5)
    in_force = limits_in_force(REQUEST, controlled(begun(tolerance=Tolerance(count=7)), control))
    assert (in_force.batches_in_flight, in_force.tolerance.count) == (3, 7)


def test_a_row_that_others_change_each_time_is_given_up_in_the_end(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    one = attempt(rows, begun())
    monkeypatch.setattr("fanout.adapters.rows.rows.MAX_PAUSE_SECONDS", 0)
    monkeypatch.setattr("fanout.adapters.rows.rows.MAX_TRIES", 3)
    tables = rows.tables
    assert isinstance(tables, MemoryTables)

    def lost() -> None:
        raise RowConflictError("control")

    tables.before_write = lost
    with pytest.raises(Exception, match="3 times in a row"):
        change_control(one, cancel, rows)
