"""The governor of a run as a pure state machine: counts, tolerance, and what may begin when.

`entities.governor` applies these to a durable entity. A report is counted once however often it is
delivered, because each shard numbers its own. How much a shard may begin is in `fanout.leave`.
"""

from pydantic import BaseModel, ConfigDict, Field

from fanout.models.ending import RunFacts
from fanout.models.limits import Limits, LimitsChange
from fanout.models.request import OnExceeded
from fanout.models.status import ErrorGroup, ItemCounts, PartitionCounts, Phase
from fanout.models.wave import (
    GovernorStart,
    RunEnd,
    RunOpening,
    Verdict,
    WaveReport,
    WaveTally,
    Work,
)
from fanout.policies import given_up_on, is_exceeded
from fanout.timeline import Timeline

MAX_ERROR_KINDS = 50


class Held(BaseModel):
    """What a shard was granted: batches in flight at most, and items that its rate was charged."""

    model_config = ConfigDict(frozen=True)

    batches: int
    items: float


class GovernorState(BaseModel):
    """What the governor knows. Times are ISO 8601 in UTC.

    Attributes:
        settled: What earlier attempts had settled when this one began.
        sequences: The last report counted of each shard.
        errors: Kinds of failure by ``type: message``, the most frequent 50.
        work: What the shards of this stage share.
        limits: Those in force.
        changes: Changes of them that came before the plan.
        held: What each shard was granted that has not reported yet.
        done: Shards that have no more to do.
        span: Cuts that a batch takes at present.
        item_ms: How long an item takes, the latest waves weighing most; None before the first.
        free_at: When the rate allows the next item to begin; None is at once.
        is_stopping: Whether the failures passed the tolerance and the shards are to stop.
        suspended_at: Since when nothing may begin; None if it may.
        timeline: What each shard did when, for people to look at.
    """

    model_config = ConfigDict(frozen=True)

    phase: Phase = "planning"
    items: ItemCounts = ItemCounts()
    settled: ItemCounts = ItemCounts()
    partitions: PartitionCounts = PartitionCounts()
    retries: int = 0
    lost_batches: int = 0
    sequences: dict[str, int] = Field(default_factory=dict)
    errors: dict[str, ErrorGroup] = Field(default_factory=dict)
    work: Work = Work()
    limits: Limits = Limits()
    changes: list[LimitsChange] = Field(default_factory=list)
    on_exceeded: OnExceeded = "stop"
    held: dict[str, Held] = Field(default_factory=dict)
    done: list[str] = Field(default_factory=list)
    span: int = 1
    item_ms: float | None = None
    free_at: str | None = None
    is_stopping: bool = False
    is_cancelled: bool = False
    suspended_at: str | None = None
    started_at: str | None = None
    updated_at: str | None = None
    end: RunEnd | None = None
    timeline: Timeline = Timeline()

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.end is not None


def open_run(state: GovernorState, opening: RunOpening) -> tuple[GovernorState, RunEnd | None]:
    """Take note of when the run began, or that it waits for others; answer with its end, if any."""
    if state.started_at is None:
        state = state.model_copy(update={"started_at": opening.at, "updated_at": opening.at})
    if state.phase in ("planning", "queued"):
        phase = "queued" if opening.is_queued else "planning"
        state = state.model_copy(update={"phase": phase})
    return state, state.end


def begin(state: GovernorState, start: GovernorStart) -> GovernorState:
    """Take note of the plan, or of what is to be compensated; a second time changes nothing."""
    if start.stage == "compensate":
        return _begin_to_compensate(state, start)
    if state.phase != "planning":
        return state
    limits = start.limits
    for change in state.changes:
        limits = change.over(limits)
    work = start.work
    settled = ItemCounts(
        total=work.items,
        succeeded=work.succeeded,
        failed=work.failed,
        compensated=work.compensated,
        compensation_failed=work.compensation_failed,
        pending=work.items - work.succeeded - work.failed - work.undone,
    )
    return state.model_copy(
        update={
            "phase": "processing",
            "items": settled,
            "settled": settled,
            "partitions": PartitionCounts(total=work.partitions),
            "work": work,
            "limits": limits,
            "changes": [],
            "on_exceeded": start.on_exceeded,
            "updated_at": start.at,
        }
    )


def _begin_to_compensate(state: GovernorState, start: GovernorStart) -> GovernorState:
    if state.phase == "compensating":
        return state
    fresh = {"work": start.work, "held": {}, "done": [], "span": 1, "item_ms": None}
    update = {"phase": "compensating", "updated_at": start.at, **fresh}
    return state.model_copy(update=update)


def count(state: GovernorState, wave: WaveReport) -> GovernorState:
    """Count a wave, unless it was counted before."""
    if wave.sequence <= state.sequences.get(wave.shard, 0):
        return state
    tally = wave.tally
    items = _counted(state.items, tally) if wave.stage == "process" else _undone(state.items, tally)
    done = state.partitions.done + (wave.partitions_done if wave.stage == "process" else 0)
    given_up = given_up_on(items, state.on_exceeded)
    is_passed = is_exceeded(state.limits.tolerance, given_up, items.total)
    return state.model_copy(
        update={
            "items": items,
            "partitions": PartitionCounts(total=state.partitions.total, done=done),
            "retries": state.retries + tally.retries,
            "lost_batches": state.lost_batches + tally.lost_batches,
            "sequences": {**state.sequences, wave.shard: wave.sequence},
            "errors": merge_errors(state.errors, tally.errors),
            "is_stopping": state.is_stopping or (is_passed and state.on_exceeded != "continue"),
            "updated_at": wave.at,
        }
    )


def _counted(items: ItemCounts, tally: WaveTally) -> ItemCounts:
    return items.model_copy(
        update={
            "succeeded": items.succeeded + tally.succeeded,
            "failed": items.failed + tally.failed,
            "compensated": items.compensated + tally.compensated,
            "compensation_failed": items.compensation_failed + tally.compensation_failed,
            "pending": items.pending - tally.ended,
        }
    )


def _undone(items: ItemCounts, tally: WaveTally) -> ItemCounts:
    return items.model_copy(
        update={
            "succeeded": items.succeeded - tally.succeeded - tally.failed,
            "compensated": items.compensated + tally.succeeded,
            "compensation_failed": items.compensation_failed + tally.failed,
        }
    )


def settle(state: GovernorState) -> bool:
    """Answer, when the shards are through, whether what succeeded is to be compensated."""
    is_due = state.is_stopping and not state.is_cancelled
    return is_due and state.on_exceeded == "compensate"


def finalizing(state: GovernorState) -> tuple[GovernorState, Verdict]:
    """Say that the shards are through; answer what the parts do not tell."""
    verdict = Verdict(is_cancelled=state.is_cancelled, tolerance=state.limits.tolerance)
    if not state.is_over:
        state = state.model_copy(update={"phase": "finalizing", "held": {}})
    return state, verdict


def finish(state: GovernorState, end: RunEnd) -> GovernorState:
    """Take the last word on the run; a second time changes nothing."""
    if state.is_over:
        return state
    items = end.items if end.items.total else state.items
    return state.model_copy(
        update={"phase": "done", "items": items, "held": {}, "end": end, "updated_at": end.at}
    )


def facts(state: GovernorState) -> RunFacts:
    """Tell what the end of the run does not say of it."""
    return RunFacts(
        items=state.items,
        settled=state.settled,
        retries=state.retries,
        started_at=state.started_at,
    )


def cancel(state: GovernorState) -> GovernorState:
    """Let nothing more begin; what its failures have stopped, and a compensation, goes on."""
    if state.is_over or state.is_stopping:
        return state
    return state.model_copy(update={"is_cancelled": True})


def suspend(state: GovernorState, at: str) -> GovernorState:
    """Let nothing begin until the run is resumed."""
    if state.is_over or state.suspended_at is not None:
        return state
    return state.model_copy(update={"suspended_at": at})


def resume(state: GovernorState) -> GovernorState:
    """Let things begin again."""
    return state.model_copy(update={"suspended_at": None})


def change(state: GovernorState, asked: LimitsChange) -> GovernorState:
    """Change the limits; before the plan is known, the change waits for it."""
    if state.phase in ("queued", "planning"):
        return state.model_copy(update={"changes": [*state.changes, asked]})
    # A wait that an earlier rate had set is not served to its end.
    return state.model_copy(update={"limits": asked.over(state.limits), "free_at": None})


def merge_errors(known: dict[str, ErrorGroup], new: list[ErrorGroup]) -> dict[str, ErrorGroup]:
    """Add up kinds of failure, keeping the most frequent."""
    merged = dict(known)
    for group in new:
        key = f"{group.type}: {group.message}"
        seen = merged.get(key)
        total = group.count + (seen.count if seen else 0)
        merged[key] = (seen or group).model_copy(update={"count": total})
    if len(merged) <= MAX_ERROR_KINDS:
        return merged
    ranked = sorted(merged.items(), key=lambda pair: -pair[1].count)
    return dict(ranked[:MAX_ERROR_KINDS])
