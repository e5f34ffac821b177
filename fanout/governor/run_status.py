"""The status of a run, as callers see it, from the rows of its newest attempt."""

from datetime import UTC, datetime

from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.models.status import RunStatus
from fanout.pricing.report import report_attempt

TOP_ERRORS = 10
SUSPENDED = "Suspended"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def compose_status(
    state: GovernorState, now: datetime, end: RunEnd | None = None, started_at: str | None = None
) -> RunStatus:
    """Compose a RunStatus; what the rows do not know (id, workload, address) is left empty.

    Args:
        state: What the rows say; empty before the attempt has begun.
        now: The time, aware; rates are computed up to it.
        end: How the attempt ended, where the rows do not know it yet.
        started_at: When it began, where the rows do not know it.
    """
    end = end or state.run.end
    started_at = state.run.started_at or started_at
    finished_at = end.at if end else None
    take_overs = state.run.take_overs
    seconds = _seconds(started_at, finished_at, now)
    rate = _rate(state, seconds)
    errors = sorted(state.errors.values(), key=lambda group: -group.count)
    return RunStatus(
        run_id="",
        workload="",
        status=_runtime_status(state, end),
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
        take_overs=len(take_overs),
        take_over_reason=take_overs[-1].reason if take_overs else None,
        usage=report_attempt(state.run.usage, state.items, state.run.settled),
        results_url="",
    )


def final_status(state: GovernorState) -> RunStatus | None:
    """The status of an attempt that has ended, which is the same at any time; None before."""
    end = state.run.end
    if end is None:
        return None
    at = end.at or state.run.started_at
    return compose_status(state, datetime.fromisoformat(at) if at else _BEGINNING)


def _runtime_status(state: GovernorState, end: RunEnd | None) -> str:
    """The state of a run in Durable's words, made from its rows so that it fits the rest."""
    if end is not None:
        return "Terminated" if end.is_forced else "Completed"
    if state.control.suspended_at:
        return SUSPENDED
    return "Running" if state.has_begun else "Pending"


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
