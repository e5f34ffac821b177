"""RunRequest: what a run is asked to do, the same JSON by HTTP, Service Bus and schedule file.

``docs/request.md`` explains every field to callers.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from fanout.models.numbers import (
    Count,
    LongWait,
    Percentage,
    PositiveCount,
    Rate,
    ShortWait,
    Span,
)
from fanout.models.selection import Selection
from fanout.models.source import (
    BLOB_NAME_MAX_CHARACTERS,
    CONTAINER_PATTERN,
    CsvSource,
    InlineSource,
    JsonlSource,
    Source,
)
from fanout.naming.instance_ids import RUN_ID_PATTERN, is_run_id

__all__ = [
    "BLOB_NAME_MAX_CHARACTERS",
    "CONTAINER_PATTERN",
    "MAX_BATCHES_AT_ONCE",
    "MAX_WORKLOAD_CHARACTERS",
    "BatchLimits",
    "Concurrency",
    "CsvSource",
    "InlineSource",
    "JsonlSource",
    "OnExceeded",
    "ResultOptions",
    "RetryPolicy",
    "RunRequest",
    "Source",
    "Timeouts",
    "Tolerance",
]

MAX_BATCHES_AT_ONCE = 6400
MAX_WORKLOAD_CHARACTERS = 100
OnExceeded = Literal["stop", "continue", "compensate"]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BatchLimits(_Message):
    """How much one activity takes: whichever limit is reached first closes the batch."""

    max_items: int = Field(default=1000, ge=1, le=1_000_000)
    max_bytes: int = Field(default=1_048_576, ge=1, le=64 * 1_048_576)


class Concurrency(_Message):
    """How much of a run may be in flight at once, and how fast it may go.

    Attributes:
        batches: Activities at once, over all shards.
        items_per_second: How many items may begin a second, over all shards and retries included;
            None sets no limit.
    """

    batches: int = Field(default=64, ge=1, le=MAX_BATCHES_AT_ONCE)
    items_per_second: Rate | None = None


class Timeouts(_Message):
    """How long things may take, in seconds; None is as long as the host allows.

    Attributes:
        item_seconds: For one try of one item. A try that takes longer has failed; the item may be
            tried again.
        batch_seconds: For all items of one activity, from the moment at which the first one
            begins. Items that have not begun by then are tried in another round.
    """

    item_seconds: Span | None = None
    batch_seconds: Span | None = None


class RetryPolicy(_Message):
    """How often and when an item that failed with a transient error is tried again.

    Attributes:
        max_attempts: How often an item is tried at most, the first try included.
        base_seconds: How long the first retry waits.
        factor: How much longer each further retry waits.
        max_seconds: How long a retry waits at most.
        jitter_seconds: A random part below this comes on top of each wait.
    """

    max_attempts: int = Field(default=4, ge=1, le=100)
    base_seconds: ShortWait = 1
    factor: float = Field(default=2, ge=1, le=10, allow_inf_nan=False)
    max_seconds: LongWait = 60
    jitter_seconds: ShortWait = 1


class Tolerance(_Message):
    """How many failed items a run accepts.

    With no limit set, the first failure is too many; with two set, passing either one is.

    Attributes:
        count: How many items may fail; 0 sets no such limit.
        percentage: How many percent of all items may fail; 0 sets no such limit.
    """

    count: Count = 0
    percentage: Percentage = 0


class ResultOptions(_Message):
    """How the outcomes are written.

    Attributes:
        format: ``jsonl``, or ``parquet`` (which is always compressed, by zstd).
        compression: ``gzip`` is for ``jsonl`` only.
    """

    format: Literal["jsonl", "parquet"] = "jsonl"
    compression: Literal["none", "gzip"] = "none"

    @field_validator("compression")
    @classmethod
    def _fits_format(cls, value: str, info: ValidationInfo) -> str:
        if value == "gzip" and info.data.get("format") == "parquet":
            raise ValueError("parquet is compressed in itself; gzip is for jsonl")
        return value


class RunRequest(_Message):
    """Everything a run is asked to do.

    Attributes:
        workload: The name of the job.
        run_id: The id of the run; None has one made.
        source: Where the items come from.
        parameters: What the workload takes.
        batch: How much one activity takes; None fits it to how long the items take.
        concurrency: How much may be in flight, and how fast it may go.
        timeouts: How long an item and a batch may take.
        retry: When an item that failed is tried again.
        tolerance: How many failures the run accepts.
        on_exceeded: What to do with more failures than that.
        max_items: How many items to take from the beginning of the source; None takes all.
        select: Fields that are merged into each item.
        dry_run: Only tell what would be done.
        results: How the outcomes are written.
    """

    workload: str = Field(min_length=1, max_length=MAX_WORKLOAD_CHARACTERS)
    run_id: str | None = Field(default=None, pattern=RUN_ID_PATTERN)
    source: Source
    parameters: dict[str, Any] = Field(default_factory=dict)
    batch: BatchLimits | None = None
    concurrency: Concurrency = Concurrency()
    timeouts: Timeouts = Timeouts()
    retry: RetryPolicy = RetryPolicy()
    tolerance: Tolerance = Tolerance()
    on_exceeded: OnExceeded = "stop"
    max_items: PositiveCount | None = None
    select: Selection = Field(default_factory=dict)
    dry_run: bool = False
    results: ResultOptions = ResultOptions()

    @field_validator("run_id")
    @classmethod
    def _names_a_folder(cls, value: str | None) -> str | None:
        if value is not None and not is_run_id(value):
            raise ValueError("a run id is not made of dots alone")
        return value
