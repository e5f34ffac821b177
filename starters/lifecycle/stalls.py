"""Stalled runs: those that should have moved, by their limits and by how long items take."""

from datetime import datetime

from fanout.governor.run_state import GovernorState
from fanout.models.request import RunRequest

# A run has stalled that reported nothing for three times as long as a wave should take.
STALLED_FACTOR = 3
# An instance that dies keeps its messages for up to a minute (host.json); that is no stall.
LEAST_STALLED_SECONDS = 150.0


def may_have_stalled(state: GovernorState, now: datetime) -> bool:
    """Tell whether a run might have stalled, whatever its request says."""
    return _idle_seconds(state, now) > LEAST_STALLED_SECONDS


def stalled_since(request: RunRequest, state: GovernorState, now: datetime) -> str | None:
    """Since when a run has not moved, ISO 8601 in UTC; None if it has not stalled."""
    waited = _idle_seconds(state, now)
    return state.updated_at if waited and waited > _patience(request, state) else None


def _idle_seconds(state: GovernorState, now: datetime) -> float:
    """For how many seconds a run has not moved that should; 0 if it has nothing to do."""
    suspended_at = state.control.suspended_at
    is_working = state.phase in ("processing", "compensating") and suspended_at is None
    if not is_working or state.updated_at is None:
        return 0.0
    return (now - datetime.fromisoformat(state.updated_at)).total_seconds()


def _patience(request: RunRequest, state: GovernorState) -> float:
    """How many seconds a wave may take: its work, its retries, and the rate."""
    work, grants = state.run.work, state.held.values()
    slowest = max((shard.item_ms or 0.0 for shard in state.shards.values()), default=0.0)
    span = max((shard.span for shard in state.shards.values()), default=1)
    batch = slowest / 1000 * work.items_per_cut * span
    waits = (request.retry.max_seconds + request.retry.jitter_seconds) * request.retry.max_attempts
    rate = state.limits.items_per_second
    paced = sum(grant.items for grant in grants) / rate if rate else 0.0
    limit = request.timeouts.batch_seconds or 0.0
    expected = max(batch, limit) * request.retry.max_attempts + waits + paced
    return max(LEAST_STALLED_SECONDS, STALLED_FACTOR * expected)
