"""Outcome: what happened to an item. A part file holds one on each line."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict

from fanout.printable import make_printable
from fanout.redaction import Redacted

ItemStatus = Literal["succeeded", "failed", "pending", "compensated", "compensation_failed"]
STATUSES: tuple[ItemStatus, ...] = get_args(ItemStatus)
# What nobody tries again unless somebody asks for it.
GIVEN_UP: tuple[ItemStatus, ...] = ("failed", "compensated", "compensation_failed")


# Workloads make errors of texts that come from anywhere.
_Printable = AfterValidator(make_printable)


class ErrorInfo(BaseModel):
    """Why an item failed.

    Attributes:
        type: Class name of the exception, or of the fault found in the source.
        message: Text for people, without secrets. It names the line of the source if that is known.
        retryable: Whether another try may succeed.
        retry_after: How many seconds the other side asked us to wait; None if it did not ask.
    """

    model_config = ConfigDict(frozen=True)

    type: Annotated[str, _Printable]
    message: Annotated[Redacted, _Printable]
    retryable: bool = False
    retry_after: float | None = None


class Outcome(BaseModel):
    """A line of a part file.

    Attributes:
        index: Position of the item in the source, 0-based.
        count: How many items in a row have this outcome. It is above 1 only for items that a chunk
            workload processed together: a million rows need no million lines.
        item_id: The item's own id, or its index as text.
        attempts: How often it was tried.
        output: What the workload returned; None if it failed.
        error: Why it failed; None if it did not.
        duration_ms: Time spent in the workload, all tries together.
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
