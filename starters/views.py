"""What a caller sees of a run: its status, put together from Durable's and the governor's."""

from datetime import UTC, datetime
from typing import Any

from fanout.governor import GovernorState
from fanout.models.request import RunRequest
from fanout.models.status import RunStatus

TOP_ERRORS = 10
FAILED = {"Failed", "Terminated", "Canceled"}
FINISHED = FAILED | {"Completed"}
SUSPENDED = "Suspended"
# A run that was not heard of for three times as long as a wave should take has stalled.
STALLED_FACTOR = 3
LEAST_STALLED_SECONDS = 300.0


def run_status(
    request: RunRequest, durable: Any, state: GovernorState, results_url: str, now: datetime
) -> RunStatus:
    """Compose a RunStatus.

    Args:
        request: The run's request.
        durable: The SDK's status of the run's orchestration.
        state: The governor's state; empty while the run is being planned.
        results_url: Where the results are.
        now: The time to reckon rates by, aware.
    """
    runtime = durable.runtime_status.value if durable.runtime_status else "Pending"
    end = state.end
    # An orchestration that Durable ended by force never told its governor.
    was_forced = end is None and runtime in FAILED
    started = state.started_at or (_iso(durable.created_time) if was_forced else None)
    finished = end.at if end else (_iso(durable.last_updated_time) if was_forced else None)
    seconds = _seconds(started, finished, now)
    rate = _rate(state, seconds)
    errors = sorted(state.errors.values(), key=lambda group: -group.count)
    return RunStatus(
        run_id=str(request.run_id),
        workload=request.workload,
        status=SUSPENDED if state.suspended_at and end is None else runtime,
        phase="done" if was_forced else state.phase,
        outcome="failed" if was_forced else (end.outcome if end else None),
        items=state.items,
        partitions=state.partitions,
        retries=state.retries,
        started_at=started,
        finished_at=finished,
        duration_seconds=seconds,
        items_per_second=rate,
        eta_seconds=_eta(state, rate) if finished is None else None,
        errors=errors[:TOP_ERRORS],
        error=_error(end, durable, was_forced=was_forced),
        limits=None if state.phase in ("queued", "planning") else state.limits,
        batches_in_flight=sum(held.batches for held in state.held.values()),
        stalled_since=None if was_forced else stalled_since(request, state, now),
        results_url=results_url,
    )


def stalled_since(request: RunRequest, state: GovernorState, now: datetime) -> str | None:
    """Tell since when a run has not moved, if it should have; times are ISO 8601 in UTC."""
    is_working = state.phase in ("processing", "compensating") and state.suspended_at is None
    if not is_working or state.updated_at is None:
        return None
    waited = (now - datetime.fromisoformat(state.updated_at)).total_seconds()
    return state.updated_at if waited > _patience(request, state) else None


def _patience(request: RunRequest, state: GovernorState) -> float:
    """How many seconds may pass between two waves: their work, its retries, and the rate."""
    work, held = state.work, state.held.values()
    batch = (state.item_ms or 0.0) / 1000 * work.batch_items * state.span
    waits = (request.retry.max_seconds + request.retry.jitter_seconds) * request.retry.max_attempts
    rate = state.limits.items_per_second
    paced = sum(one.items for one in held) / rate if rate else 0.0
    limit = request.timeouts.batch_seconds or 0.0
    expected = max(batch, limit) * request.retry.max_attempts + waits + paced
    return max(LEAST_STALLED_SECONDS, STALLED_FACTOR * expected)


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(started: str | None, finished: str | None, now: datetime) -> float | None:
    if started is None:
        return None
    until = datetime.fromisoformat(finished) if finished else now
    return max(0.0, round((until - datetime.fromisoformat(started)).total_seconds(), 3))


def _rate(state: GovernorState, seconds: float | None) -> float | None:
    done = state.items.total - state.items.pending
    return round(done / seconds, 1) if seconds and done else None


def _eta(state: GovernorState, rate: float | None) -> float | None:
    return round(state.items.pending / rate, 1) if rate else None


def _error(end: Any, durable: Any, *, was_forced: bool) -> str | None:
    if was_forced:
        return str(durable.output) if durable.output is not None else None
    return end.error if end else None
