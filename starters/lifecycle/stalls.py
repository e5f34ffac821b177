"""Stalled runs: those that should have moved, by their limits and by how long items take."""

from datetime import datetime

from fanout.governor.admission import Sighting
from fanout.governor.run_state import GovernorState
from fanout.models.request import RunRequest
from fanout.naming.moments import moment_text

# A run has stalled that reported nothing for three times as long as a wave should take.
STALLED_FACTOR = 3
# An instance that dies keeps its messages for up to a minute (host.json); that is no stall.
LEAST_STALLED_SECONDS = 150.0
# Rows say nothing while a source is scanned, or while results are written.
SILENT_PHASE_SECONDS = 900.0
SILENT_PHASES = ("planning", "finalizing")
# How long items take nobody knows before the first batches have ended.
FIRST_BATCH_SECONDS = 600.0


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


def sight(request: RunRequest, state: GovernorState, now: datetime) -> Sighting:
    """Say where a run stands that has a place, and how long it may stand there.

    What it waits for (a rate, a retry, a person) is no work: it may do so without a place.
    """
    items = state.items
    mark = f"{state.phase} {items.total - items.pending} {items.compensated} {state.retries}"
    patience = max(LEAST_STALLED_SECONDS, _silent_seconds(request, state))
    return Sighting(mark=mark, since=moment_text(now), patience_seconds=patience)


def sight_unreadable(now: datetime) -> Sighting:
    """Say of a run that has a place, and whose rows cannot be read, that nobody sees it move."""
    return Sighting(
        mark="unreadable", since=moment_text(now), patience_seconds=LEAST_STALLED_SECONDS
    )


def _silent_seconds(request: RunRequest, state: GovernorState) -> float:
    """For how long rows may say nothing of the work that is being done; 0 if none is."""
    if state.phase in SILENT_PHASES:
        return SILENT_PHASE_SECONDS
    if not state.held:
        return 0.0
    is_known = request.timeouts.batch_seconds is not None or any(
        shard.item_ms is not None for shard in state.shards.values()
    )
    if is_known or not _has_first_batches(state):
        return STALLED_FACTOR * _batch_seconds(request, state)
    return FIRST_BATCH_SECONDS


def _has_first_batches(state: GovernorState) -> bool:
    """Tell whether first batches are carried out, and nothing makes the run wait besides."""
    if state.control.suspended_at is not None or _paced_seconds(state) > LEAST_STALLED_SECONDS:
        return False
    works = (state.shards[key].work for key in state.held)
    return any(work and not work.sequence and work.retrying is None for work in works)


def _paced_seconds(state: GovernorState) -> float:
    """How many seconds the rate takes for what is granted."""
    rate = state.limits.items_per_second
    return sum(grant.items for grant in state.held.values()) / rate if rate else 0.0


def _batch_seconds(request: RunRequest, state: GovernorState) -> float:
    """How many seconds the work of a batch takes, as far as is known."""
    slowest = max((shard.item_ms or 0.0 for shard in state.shards.values()), default=0.0)
    span = max((shard.span for shard in state.shards.values()), default=1)
    batch = slowest / 1000 * state.run.work.items_per_cut * span
    return max(batch, request.timeouts.batch_seconds or 0.0)


def _patience(request: RunRequest, state: GovernorState) -> float:
    """How many seconds a wave may take: its work, its retries, and the rate."""
    waits = (request.retry.max_seconds + request.retry.jitter_seconds) * request.retry.max_attempts
    batches = _batch_seconds(request, state) * request.retry.max_attempts
    expected = batches + waits + _paced_seconds(state)
    return max(LEAST_STALLED_SECONDS, STALLED_FACTOR * expected)
