from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from fanout import governor, leave
from fanout.governor import GovernorState
from fanout.models.limits import Limits
from fanout.models.request import RunRequest, Tolerance
from fanout.models.status import ErrorGroup, ItemCounts, RunStatus
from fanout.models.wave import GovernorStart, RunEnd, RunOpening, WaveReport, WaveTally, Work
from starters.views import run_status

START = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = RunRequest.model_validate(
    {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}
)


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def durable(status: str = "Running", output: Any = None) -> Any:
    return SimpleNamespace(
        runtime_status=SimpleNamespace(value=status),
        created_time=START,
        last_updated_time=START + timedelta(seconds=30),
        output=output,
    )


def view(state: GovernorState, instance: Any = None, seconds: float = 10) -> RunStatus:
    now = START + timedelta(seconds=seconds)
    return run_status(REQUEST, instance or durable(), state, "http://x/results", now)


def processing(**tally: Any) -> GovernorState:
    state, _ = governor.open_run(GovernorState(), RunOpening(at=at(0)))
    start = GovernorStart(
        work=Work(items=1_000, batches=8, partitions=4, batches_per_partition=2, shards=2),
        limits=Limits(batches=4, tolerance=Tolerance(percentage=100)),
        on_exceeded="stop",
        at=at(1),
    )
    wave = WaveReport(
        shard="s0", sequence=1, tally=WaveTally(**tally), partitions_done=1, left=2, at=at(9)
    )
    return leave.report(governor.begin(state, start), wave)[0]


def test_a_run_that_was_claimed_but_not_started_is_pending():
    status = view(GovernorState(), SimpleNamespace(**(vars(durable()) | {"runtime_status": None})))
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
    opened, _ = governor.open_run(GovernorState(), RunOpening(at=at(0)))
    assert view(opened).started_at == view(processing()).started_at == at(0)


def test_a_run_that_ended_keeps_its_duration():
    counts = ItemCounts(total=1_000, succeeded=1_000)
    state = governor.finish(processing(), RunEnd(outcome="succeeded", items=counts, at=at(20)))
    status = view(state, durable("Completed"), seconds=500)
    assert (status.phase, status.outcome, status.duration_seconds) == ("done", "succeeded", 20)
    assert (status.items_per_second, status.eta_seconds) == (50, None)


def test_a_run_that_was_terminated_has_failed_with_the_reason():
    status = view(processing(succeeded=5), durable("Terminated", output="enough"), seconds=99)
    assert (status.phase, status.outcome, status.error) == ("done", "failed", "enough")
    assert status.duration_seconds == 30
    assert status.items.pending == 995


def test_the_ten_most_frequent_errors_come_first():
    groups = [ErrorGroup(type="Fault", message=str(n), count=n) for n in range(1, 15)]
    status = view(processing(failed=105, errors=groups))
    assert [group.count for group in status.errors] == list(range(14, 4, -1))
