"""RunStatus and the counts behind it: what a caller sees of a run."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from fanout.models.limits import Limits
from fanout.naming.media_types import BYTES

Phase = Literal["queued", "planning", "processing", "compensating", "finalizing", "done"]
RunOutcome = Literal["succeeded", "partially_succeeded", "failed", "compensated", "cancelled"]


class ItemCounts(BaseModel):
    """Every item of the run is in exactly one of these; they add up to `total`."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    pending: int = 0
    compensated: int = 0
    compensation_failed: int = 0


class PartitionCounts(BaseModel):
    """Partitions of the plan and how many are done."""

    total: int = 0
    done: int = 0


class ErrorGroup(BaseModel):
    """Failures of one kind: their type and message, how many, and one to look at."""

    type: str
    message: str
    count: int
    example_item: str | None = None


class TakeOver(BaseModel):
    """The orchestration of a run had failed, for no fault of the run, and was begun anew.

    Attributes:
        id: What tells it from others.
        at: When, ISO 8601 in UTC.
        reason: Of the failure.
        ended: How many items had ended until then.
    """

    id: str
    at: str
    reason: str
    ended: int = 0


class RunStatus(BaseModel):
    """``GET /api/runs/{run_id}``. Times are ISO 8601 in UTC.

    Attributes:
        limits: Those in force; None before the plan is known.
        batches_in_flight: How many activities are at work, or may be.
        stalled_since: Since when the run has not moved although it should have; None if it does.
        take_overs: How often its orchestration failed, for no fault of the run, and was begun anew
            from where it was; `take_over_reason` is that of the last time.
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
    stalled_since: str | None = None
    take_overs: int = 0
    take_over_reason: str | None = None
    results_url: str


class ResultFile(BaseModel):
    """A file of the results: its name there, bytes, lines or rows where it has them, and MD5."""

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
