"""What a caller sees of a run: its status, put together from its rows and what Durable says."""

from datetime import UTC, datetime
from typing import Any

from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.models.request import RunRequest
from fanout.models.status import RunStatus

TOP_ERRORS = 10
# A run whose own orchestration has failed is not over: the watchdog takes it up.
ENDED_BY_FORCE = {"Terminated", "Canceled"}
FINISHED = ENDED_BY_FORCE | {"Failed", "Completed"}
SUSPENDED = "Suspended"
# A run that was not heard of for three times as long as a wave should take has stalled.
STALLED_FACTOR = 3
# What an instance had fetched when it died is seen by others a minute later (host.json).
LEAST_STALLED_SECONDS = 150.0


def run_status(
    request: RunRequest, durable: Any, state: GovernorState, results_url: str, now: datetime
) -> RunStatus:
    """Compose a RunStatus.

    Args:
        request: The run's request.
        durable: The SDK's status of the run's orchestration; None where nobody has asked.
        state: What its rows say; empty before it has begun.
        results_url: Where the results are.
        now: The time to reckon rates by, aware.
    """
    end = state.run.end
    runtime = durable.runtime_status.value if durable and durable.runtime_status else None
    if end is None and runtime in ENDED_BY_FORCE:
        end = forced_end(durable, now)
    started = state.run.started_at
    if started is None and end is not None and durable:
        started = _iso(durable.created_time)
    finished = end.at if end else None
    take_overs = state.run.take_overs
    seconds = _seconds(started, finished, now)
    rate = _rate(state, seconds)
    errors = sorted(state.errors.values(), key=lambda group: -group.count)
    return RunStatus(
        run_id=str(request.run_id),
        workload=request.workload,
        status=_status(state, end, runtime),
        phase="done" if end else state.phase,
        outcome=end.outcome if end else None,
        items=state.items,
        partitions=state.partitions,
        retries=state.retries,
        started_at=started,
        finished_at=finished,
        duration_seconds=seconds,
        items_per_second=rate,
        eta_seconds=_eta(state, rate) if finished is None else None,
        errors=errors[:TOP_ERRORS],
        error=end.error if end else None,
        limits=None if state.phase in ("queued", "planning") else state.limits,
        batches_in_flight=sum(held.batches for held in state.held.values()),
        stalled_since=None if end else stalled_since(request, state, now),
        take_overs=len(take_overs),
        take_over_reason=take_overs[-1].reason if take_overs else None,
        results_url=results_url,
    )


def forced_end(durable: Any, now: datetime) -> RunEnd:
    """How a run ended that Durable has ended by force: it never came to say it itself."""
    at = _iso(durable.last_updated_time) if durable else None
    reason = durable.output if durable else None
    return RunEnd(
        outcome="failed",
        error=None if reason is None else str(reason),
        at=at or _iso(now),
        is_forced=True,
    )


def _status(state: GovernorState, end: RunEnd | None, runtime: str | None) -> str:
    """The run's state in Durable's words: that of its rows, so that it fits the rest."""
    if end is not None:
        return "Terminated" if end.is_forced else "Completed"
    if state.control.suspended_at:
        return SUSPENDED
    if runtime == "Pending" or not state.has_begun:
        return "Pending"
    return "Running"


def stalled_since(request: RunRequest, state: GovernorState, now: datetime) -> str | None:
    """Tell since when a run has not moved, if it should have; times are ISO 8601 in UTC."""
    suspended_at = state.control.suspended_at
    is_working = state.phase in ("processing", "compensating") and suspended_at is None
    if not is_working or state.updated_at is None:
        return None
    waited = (now - datetime.fromisoformat(state.updated_at)).total_seconds()
    return state.updated_at if waited > _patience(request, state) else None


def _patience(request: RunRequest, state: GovernorState) -> float:
    """How many seconds may pass between two waves: their work, its retries, and the rate."""
    work, held = state.run.work, state.held.values()
    slowest = max((s.item_ms or 0.0 for s in state.shards.values()), default=0.0)
    span = max((shard.span for shard in state.shards.values()), default=1)
    batch = slowest / 1000 * work.batch_items * span
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
