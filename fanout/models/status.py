"""RunStatus and the counts behind it: what a caller sees of a run."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from fanout.models.limits import Limits
from fanout.models.usage import RunUsage
from fanout.naming.media_types import BYTES

Phase = Literal["queued", "planning", "processing", "compensating", "finalizing", "done"]
WaitReason = Literal["places", "schedule", "attempt", "start"]
RunOutcome = Literal["succeeded", "partially_succeeded", "failed", "compensated", "cancelled"]


class ItemCounts(BaseModel):
    """How many items of a run have which outcome; each has exactly one.

    Attributes:
        total: All items.
        succeeded: Those that ended well.
        failed: Those given up on.
        pending: Those not tried yet, or to be tried again.
        compensated: Those that were undone.
        compensation_failed: Those that were to be undone and could not be.
    """

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    pending: int = 0
    compensated: int = 0
    compensation_failed: int = 0


class PartitionCounts(BaseModel):
    """How many partitions the plan has, and how many of them are done."""

    total: int = 0
    done: int = 0


class ErrorGroup(BaseModel):
    """Failures of one kind.

    Attributes:
        type: The type of the error.
        message: The message of the error.
        count: How many items failed so.
        example_item: The id of one of them.
    """

    type: str
    message: str
    count: int
    example_item: str | None = None


class TakeOver(BaseModel):
    """The orchestration of a run failed for no fault of the run, and another one took over.

    Attributes:
        id: What tells it from other take-overs.
        at: When, ISO 8601 in UTC.
        reason: Why the orchestration failed.
        ended: How many items had ended until then.
    """

    id: str
    at: str
    reason: str
    ended: int = 0


class Wait(BaseModel):
    """Why a run is queued.

    Attributes:
        reason: `places`: as many runs go on as may; `schedule`: an earlier run of its schedule has
            not ended; `attempt`: what its earlier attempt has under way is to stop first; `start`:
            it is about to begin.
        position: Which of those that wait for a place gets one next as things stand, 1 the first;
            None if it waits for something else, or is too far from its turn to be in line.
        waiting: How many are in line for a place; None if it waits for something else.
        running: How many runs have a place.
    """

    reason: WaitReason
    position: int | None = None
    waiting: int | None = None
    running: int | None = None


class RunStatus(BaseModel):
    """``GET /api/runs/{run_id}``. Times are ISO 8601 in UTC.

    Attributes:
        status: The status of its orchestration, in Durable's words.
        phase: How far it is.
        outcome: How it ended; None while it goes on.
        items: How many items have which outcome.
        partitions: How many partitions of the plan are done.
        retries: Tries of items beyond the first.
        started_at: When its newest attempt began.
        finished_at: When that ended.
        duration_seconds: How long that has taken so far.
        redrive_count: How many attempts it has had after the first.
        items_per_second: How many items ended a second since it started.
        eta_seconds: How long it will take to the end, at that pace.
        errors: The most frequent kinds of failure.
        error: Why the run failed; None if it did not.
        limits: The limits in force; None before the plan is known.
        batches_in_flight: How many activities are at work, or have been granted.
        wait: Why it is queued; None if it is not.
        stalled_since: Since when the run has not moved although it should; None if it moves.
        take_overs: How often its orchestration failed for no fault of the run, and another one took
            over where it was.
        take_over_reason: Why it failed the last time.
        usage: What its newest attempt has used, and what that costs; None before that has ended.
        results_url: Where the results are.
    """

    run_id: str
    workload: str
    status: str
    phase: Phase
    outcome: RunOutcome | None = None
    items: ItemCounts = Field(default_factory=ItemCounts)
    partitions: PartitionCounts = Field(default_factory=PartitionCounts)
    retries: int = 0
    started_at: str | None = None
    finished_at: str | None = None
    duration_seconds: float | None = None
    redrive_count: int = 0
    items_per_second: float | None = None
    eta_seconds: float | None = None
    errors: list[ErrorGroup] = Field(default_factory=list)
    error: str | None = None
    limits: Limits | None = None
    batches_in_flight: int = 0
    wait: Wait | None = None
    stalled_since: str | None = None
    take_overs: int = 0
    take_over_reason: str | None = None
    usage: RunUsage | None = None
    results_url: str


class ResultFile(BaseModel):
    """A file of the results.

    Attributes:
        name: Its name among the results.
        size_bytes: Its bytes.
        count: How many lines or rows it has; None if it has none.
        md5: Its MD5 as hexadecimal text.
        media_type: Its media type.
        url: Where it can be read.
    """

    name: str
    size_bytes: int
    count: int | None = None
    md5: str
    media_type: str = BYTES
    url: str | None = None


class ResultManifest(BaseModel):
    """``results/manifest.json`` and ``GET /api/runs/{run_id}/results``."""

    run_id: str
    workload: str
    outcome: RunOutcome
    items: ItemCounts
    files: list[ResultFile]
    summary: dict[str, Any] = Field(default_factory=dict)
