from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fanout.durable.status import InstanceStatus
from fanout.governor import control_rules, run_rules
from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.models.request import RunRequest, Tolerance
from fanout.models.status import ErrorGroup, ItemCounts, RunStatus, TakeOver
from starters.lifecycle.stalls import LEAST_STALLED_SECONDS
from starters.lifecycle.status import run_status
from tests.support.workloads.attempts import (
    after_wave,
    at,
    begun,
    controlled,
    decided,
    opened,
    shard_of,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = RunRequest.model_validate(
    {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}
)


def durable(status: str | None = "Running", output: Any = None) -> InstanceStatus:
    return InstanceStatus(status, START, START + timedelta(seconds=30), output)


def view(state: GovernorState, instance: Any = None, seconds: float = 10) -> RunStatus:
    now = START + timedelta(seconds=seconds)
    return run_status(REQUEST, instance or durable(), state, "http://x/results", now)


def processing(**tally: Any) -> GovernorState:
    state = begun(
        items=1_000,
        cuts=8,
        partitions=4,
        cuts_per_partition=2,
        width=4,
        tolerance=Tolerance(percentage=100),
    )
    return decided(state, after_wave(shard_of(state), partitions=1, **tally), 9)[0]


def finished(state: GovernorState, end: RunEnd) -> GovernorState:
    return state.model_copy(update={"run": run_rules.finish(state.run, end)})


def test_a_run_that_was_claimed_but_not_started_is_pending():
    status = view(GovernorState(), durable(None))
    assert (status.status, status.phase, status.outcome) == ("Pending", "planning", None)
    assert (status.started_at, status.duration_seconds, status.eta_seconds) == (None, None, None)


def test_progress_has_a_rate_and_an_end_in_sight():
    status = view(processing(succeeded=380, failed=20, retries=7))
    assert status.items == ItemCounts(total=1_000, succeeded=380, failed=20, pending=600)
    assert (status.partitions.total, status.partitions.done, status.retries) == (4, 1, 7)
    assert (status.duration_seconds, status.items_per_second, status.eta_seconds) == (10, 40, 15)


def test_nothing_done_yet_gives_no_rate():
    status = view(processing())
    assert (status.items_per_second, status.eta_seconds) == (None, None)


def test_the_start_does_not_move_while_a_run_goes_on():
    assert view(opened()).started_at == view(processing()).started_at == at(0)


def test_a_run_that_ended_keeps_its_duration():
    counts = ItemCounts(total=1_000, succeeded=1_000)
    state = finished(processing(), RunEnd(outcome="succeeded", items=counts, at=at(20)))
    status = view(state, durable("Completed"), seconds=500)
    assert (status.phase, status.outcome, status.duration_seconds) == ("done", "succeeded", 20)
    assert (status.items_per_second, status.eta_seconds) == (50, None)


def test_a_run_that_was_terminated_has_failed_with_the_reason():
    status = view(processing(succeeded=5), durable("Terminated", output="enough"), seconds=99)
    assert (status.phase, status.outcome, status.error) == ("done", "failed", "enough")
    assert status.duration_seconds == 30
    assert status.items.pending == 995
    assert status.status == "Terminated"


def test_the_ten_most_frequent_errors_come_first():
    groups = [ErrorGroup(type="Fault", message=str(n), count=n) for n in range(1, 15)]
    status = view(processing(failed=105, errors=groups))
    assert [group.count for group in status.errors] == list(range(14, 4, -1))


OVER = finished(processing(succeeded=5), RunEnd(outcome="failed", at=at(20)))
FORCED = finished(processing(succeeded=5), RunEnd(outcome="failed", at=at(20), is_forced=True))
HELD_BACK = controlled(processing(), control_rules.suspend(processing().control, at(9)))


@pytest.mark.parametrize(
    ("state", "runtime", "status", "phase"),
    [
        (GovernorState(), "Pending", "Pending", "planning"),
        (opened(), "Pending", "Pending", "planning"),
        (opened(), "Running", "Running", "planning"),
        (processing(), "Running", "Running", "processing"),
        # Its orchestration has failed and is taken up again; the run goes on.
        (processing(), "Failed", "Running", "processing"),
        # It is complete for Durable, and not in its rows, which have the last word.
        (processing(), "Completed", "Running", "processing"),
        (HELD_BACK, "Running", "Suspended", "processing"),
        (OVER, "Running", "Completed", "done"),
        (OVER, "Completed", "Completed", "done"),
        (OVER, "Failed", "Completed", "done"),
        (FORCED, "Terminated", "Terminated", "done"),
    ],
)
def test_status_and_phase_never_contradict_each_other(
    state: GovernorState, runtime: str, status: str, phase: str
):
    seen = view(state, durable(runtime))
    assert (seen.status, seen.phase) == (status, phase)
    assert (seen.outcome is None) == (phase != "done") == (seen.finished_at is None)


def test_a_list_which_asks_nobody_has_the_status_of_the_rows():
    now = START + timedelta(seconds=10)
    seen = [run_status(REQUEST, None, state, "u", now) for state in (OVER, HELD_BACK, processing())]
    assert [one.status for one in seen] == ["Completed", "Suspended", "Running"]


def test_how_often_a_run_was_taken_up_is_told_with_the_last_reason():
    ups = [TakeOver(id=str(n), at=at(n), reason=f"reason {n}") for n in (1, 2)]
    state = processing()
    state = state.model_copy(update={"run": state.run.model_copy(update={"take_overs": ups})})
    status = view(state)
    assert (status.take_overs, status.take_over_reason) == (2, "reason 2")
    assert (view(processing()).take_overs, view(processing()).take_over_reason) == (0, None)


def test_a_run_has_stalled_that_was_not_heard_of_for_longer_than_a_wave_may_take():
    # An instance that was killed is missed after a minute: its messages show again, and the run
    # goes on. Nothing is told of that.
    assert LEAST_STALLED_SECONDS >= 2 * 60
    state = processing(succeeded=5)
    assert view(state, seconds=9 + 60).stalled_since is None
    later = 9 + 24 * 3600
    assert view(state, seconds=later).stalled_since == at(9)
    assert view(controlled(state, HELD_BACK.control), seconds=later).stalled_since is None
    assert view(OVER, seconds=later).stalled_since is None
