"""The status of a run, as a caller sees it: made from its rows and from what Durable says."""

from datetime import UTC, datetime
from typing import Any

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import RunNotFoundError
from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.models.request import RunRequest
from fanout.models.status import RunStatus
from starters.lifecycle.attempts import newest_attempt
from starters.lifecycle.durable_status import ENDED_BY_FORCE, forced_end, iso_time, runtime_of
from starters.lifecycle.stalls import stalled_since

TOP_ERRORS = 10
SUSPENDED = "Suspended"


async def read_status(
    run_id: str, client: Any, files: RunFiles, rows: Rows, origin: str
) -> RunStatus:
    """Read the status of a run.

    Args:
        run_id: The run.
        client: The durable client; with None Durable is not asked.
        files: Where runs are kept.
        rows: Their rows.
        origin: The scheme and host of the addresses in the status.

    Raises:
        RunNotFoundError: There is no such run.
    """
    attempt = await newest_attempt(run_id, client, files, rows)
    results_url = f"{origin}/api/runs/{run_id}/results"
    status = run_status(
        attempt.request, attempt.durable, attempt.state, results_url, datetime.now(UTC)
    )
    return status.model_copy(update={"redrive_count": attempt.number - 1})


async def find_status(run_id: str, files: RunFiles, rows: Rows, origin: str) -> RunStatus | None:
    """Read the status of a run without asking Durable; None where there is no such run."""
    try:
        return await read_status(run_id, None, files, rows, origin)
    except RunNotFoundError:
        return None


def run_status(
    request: RunRequest, durable: Any, state: GovernorState, results_url: str, now: datetime
) -> RunStatus:
    """Compose a RunStatus.

    Args:
        request: The run's request.
        durable: The SDK's status of the run's orchestration; None where nobody has asked.
        state: What its rows say; empty before it has begun.
        results_url: Where the results are.
        now: The time, aware; rates are computed up to it.
    """
    end = state.run.end
    runtime = runtime_of(durable)
    if end is None and runtime in ENDED_BY_FORCE:
        end = forced_end(durable, now)
    started_at = state.run.started_at
    if started_at is None and end is not None and durable:
        started_at = iso_time(durable.created_time)
    finished_at = end.at if end else None
    take_overs = state.run.take_overs
    seconds = _seconds(started_at, finished_at, now)
    rate = _rate(state, seconds)
    errors = sorted(state.errors.values(), key=lambda group: -group.count)
    return RunStatus(
        run_id=str(request.run_id),
        workload=request.workload,
        status=_runtime_status(state, end, runtime),
        phase="done" if end else state.phase,
        outcome=end.outcome if end else None,
        items=state.items,
        partitions=state.partitions,
        retries=state.retries,
        started_at=started_at,
        finished_at=finished_at,
        duration_seconds=seconds,
        items_per_second=rate,
        eta_seconds=_eta(state, rate) if finished_at is None else None,
        errors=errors[:TOP_ERRORS],
        error=end.error if end else None,
        limits=None if state.phase in ("queued", "planning") else state.limits,
        batches_in_flight=sum(grant.batches for grant in state.held.values()),
        stalled_since=None if end else stalled_since(request, state, now),
        take_overs=len(take_overs),
        take_over_reason=take_overs[-1].reason if take_overs else None,
        results_url=results_url,
    )


def _runtime_status(state: GovernorState, end: RunEnd | None, runtime: str | None) -> str:
    """The state of a run in Durable's words, made from its rows so that it fits the rest."""
    if end is not None:
        return "Terminated" if end.is_forced else "Completed"
    if state.control.suspended_at:
        return SUSPENDED
    if runtime == "Pending" or not state.has_begun:
        return "Pending"
    return "Running"


def _seconds(started_at: str | None, finished_at: str | None, now: datetime) -> float | None:
    if started_at is None:
        return None
    until = datetime.fromisoformat(finished_at) if finished_at else now
    return max(0.0, round((until - datetime.fromisoformat(started_at)).total_seconds(), 3))


def _rate(state: GovernorState, seconds: float | None) -> float | None:
    done = state.items.total - state.items.pending
    return round(done / seconds, 1) if seconds and done else None


def _eta(state: GovernorState, rate: float | None) -> float | None:
    return round(state.items.pending / rate, 1) if rate else None
