"""The governor of a run as a pure state machine: counts, tolerance and the width of waves.

`entities.governor` applies these to a durable entity. A report is counted once however often it is
delivered, because each shard numbers its own.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fanout.models.request import Tolerance
from fanout.models.status import ErrorGroup, ItemCounts, PartitionCounts, Phase
from fanout.models.wave import GovernorStart, RunEnd, RunOpening, WaveOrder, WaveReport
from fanout.policies import is_exceeded

MAX_ERROR_KINDS = 50


class GovernorState(BaseModel):
    """What the governor knows. Times are ISO 8601 in UTC.

    Attributes:
        sequences: The last report counted of each shard.
        errors: Kinds of failure by ``type: message``, the most frequent 50.
        is_stopping: Whether the failures passed the tolerance and the shards are to stop.
    """

    model_config = ConfigDict(frozen=True)

    phase: Phase = "planning"
    items: ItemCounts = ItemCounts()
    partitions: PartitionCounts = PartitionCounts()
    retries: int = 0
    lost_batches: int = 0
    sequences: dict[int, int] = Field(default_factory=dict)
    errors: dict[str, ErrorGroup] = Field(default_factory=dict)
    tolerance: Tolerance = Tolerance()
    on_exceeded: Literal["stop", "continue", "compensate"] = "stop"
    width: int = 1
    is_stopping: bool = False
    started_at: str | None = None
    updated_at: str | None = None
    end: RunEnd | None = None


def open_run(state: GovernorState, opening: RunOpening) -> tuple[GovernorState, RunEnd | None]:
    """Take note of when the run began; answer with its end if it is over."""
    if state.started_at is None:
        state = state.model_copy(update={"started_at": opening.at, "updated_at": opening.at})
    return state, state.end


def begin(state: GovernorState, start: GovernorStart) -> GovernorState:
    """Take note of the plan; a second time changes nothing."""
    if state.phase != "planning":
        return state
    return state.model_copy(
        update={
            "phase": "processing",
            "items": ItemCounts(
                total=start.items,
                succeeded=start.succeeded,
                failed=start.failed,
                pending=start.items - start.succeeded - start.failed,
            ),
            "partitions": PartitionCounts(total=start.partitions),
            "tolerance": start.tolerance,
            "on_exceeded": start.on_exceeded,
            "width": start.width,
            "updated_at": start.at,
        }
    )


def report(state: GovernorState, wave: WaveReport) -> tuple[GovernorState, WaveOrder]:
    """Count a wave, once, and answer how to go on."""
    if wave.sequence > state.sequences.get(wave.shard, 0):
        count = _count if wave.stage == "process" else _count_compensated
        state = count(state, wave)
    is_over = state.is_stopping and wave.stage == "process"
    action: Literal["continue", "stop"] = "stop" if is_over else "continue"
    return state, WaveOrder(action=action, width=state.width)


def _count(state: GovernorState, wave: WaveReport) -> GovernorState:
    tally, before = wave.tally, state.items
    items = before.model_copy(
        update={
            "succeeded": before.succeeded + tally.succeeded,
            "failed": before.failed + tally.failed,
            "pending": before.pending - tally.succeeded - tally.failed,
        }
    )
    done = state.partitions.done + wave.partitions_done
    passed = is_exceeded(state.tolerance, items.failed, items.total)
    return state.model_copy(
        update={
            "items": items,
            "partitions": PartitionCounts(total=state.partitions.total, done=done),
            "retries": state.retries + tally.retries,
            "lost_batches": state.lost_batches + tally.lost_batches,
            "sequences": {**state.sequences, wave.shard: wave.sequence},
            "errors": merge_errors(state.errors, tally.errors),
            "is_stopping": state.is_stopping or (passed and state.on_exceeded != "continue"),
            "updated_at": wave.at,
        }
    )


def _count_compensated(state: GovernorState, wave: WaveReport) -> GovernorState:
    tally, before = wave.tally, state.items
    items = before.model_copy(
        update={
            "succeeded": before.succeeded - tally.succeeded - tally.failed,
            "compensated": before.compensated + tally.succeeded,
            "compensation_failed": before.compensation_failed + tally.failed,
        }
    )
    return state.model_copy(
        update={
            "items": items,
            "retries": state.retries + tally.retries,
            "lost_batches": state.lost_batches + tally.lost_batches,
            "sequences": {**state.sequences, wave.shard: wave.sequence},
            "errors": merge_errors(state.errors, tally.errors),
            "updated_at": wave.at,
        }
    )


def settle(state: GovernorState) -> tuple[GovernorState, bool]:
    """Answer, when the shards are through, whether what succeeded is to be compensated."""
    is_due = state.is_stopping and state.on_exceeded == "compensate"
    if is_due and state.phase == "processing":
        state = state.model_copy(update={"phase": "compensating"})
    return state, is_due


def finalizing(state: GovernorState) -> GovernorState:
    """Say that the shards are through and the results are being written."""
    return state if state.phase == "done" else state.model_copy(update={"phase": "finalizing"})


def finish(state: GovernorState, end: RunEnd) -> GovernorState:
    """Take the last word on the run; a second time changes nothing."""
    if state.phase == "done":
        return state
    items = end.items if end.items.total else state.items
    return state.model_copy(
        update={"phase": "done", "items": items, "end": end, "updated_at": end.at}
    )


def merge_errors(known: dict[str, ErrorGroup], new: list[ErrorGroup]) -> dict[str, ErrorGroup]:
    """Add up kinds of failure, keeping the most frequent."""
    merged = dict(known)
    for group in new:
        key = f"{group.type}: {group.message}"
        seen = merged.get(key)
        count = group.count + (seen.count if seen else 0)
        merged[key] = (seen or group).model_copy(update={"count": count})
    if len(merged) <= MAX_ERROR_KINDS:
        return merged
    ranked = sorted(merged.items(), key=lambda pair: -pair[1].count)
    return dict(ranked[:MAX_ERROR_KINDS])
