"""Outcome: what happened to an item. A part file holds one a line."""

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from fanout.redaction import Redacted

ItemStatus = Literal["succeeded", "failed", "pending", "compensated", "compensation_failed"]
STATUSES: tuple[ItemStatus, ...] = get_args(ItemStatus)
# What nobody tries again unless somebody asks for it.
GIVEN_UP: tuple[ItemStatus, ...] = ("failed", "compensated", "compensation_failed")


class ErrorInfo(BaseModel):
    """Why an item failed.

    Attributes:
        type: Class name of the exception, or of the fault found in the source.
        message: Text for a person, without secrets; names the line of the source where it knows it.
        retryable: Whether another attempt could end otherwise.
        retry_after: Seconds the other side asked us to wait.
    """

    model_config = ConfigDict(frozen=True)

    type: str
    message: Redacted
    retryable: bool = False
    retry_after: float | None = None


class Outcome(BaseModel):
    """A line of a part file.

    Attributes:
        index: 0-based position of the item in the source.
        count: How many consecutive items share this outcome; above 1 only for items that a chunk
            workload processed together, so that a million rows need no million lines.
        item_id: The item's own id, or its index as text.
        attempts: How often it was tried.
        duration_ms: Time spent in the workload, all attempts.
    """

    model_config = ConfigDict(frozen=True)

    index: int
    count: int = 1
    item_id: str
    status: ItemStatus
    attempts: int = 1
    output: Any = None
    error: ErrorInfo | None = None
    duration_ms: float = 0.0
