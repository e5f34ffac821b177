"""RunRequest: the same JSON by HTTP, Service Bus or schedule file (design, section 3)."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from fanout.ids import RUN_ID_PATTERN, is_run_id
from fanout.models.selection import Selection
from fanout.models.source import (
    BLOB_NAME_MAX_CHARACTERS,
    CONTAINER_PATTERN,
    CsvSource,
    InlineSource,
    JsonlSource,
    Source,
)

__all__ = [
    "BLOB_NAME_MAX_CHARACTERS",
    "CONTAINER_PATTERN",
    "BatchLimits",
    "Concurrency",
    "CsvSource",
    "InlineSource",
    "JsonlSource",
    "RetryPolicy",
    "RunRequest",
    "Source",
    "Tolerance",
]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BatchLimits(_Message):
    """How much one activity takes: whichever limit is reached first closes the batch."""

    max_items: int = Field(default=1000, ge=1, le=1_000_000)
    max_bytes: int = Field(default=1_048_576, ge=1, le=64 * 1_048_576)


class Concurrency(_Message):
    """How much of a run may be in flight at once."""

    batches: int = Field(default=64, ge=1, le=6400)


class RetryPolicy(_Message):
    """How often and when an item that failed with a transient error is tried again."""

    max_attempts: int = Field(default=4, ge=1, le=100)
    base_seconds: float = Field(default=1, ge=0, le=3600)
    factor: float = Field(default=2, ge=1, le=10)
    max_seconds: float = Field(default=60, ge=0, le=86_400)
    jitter_seconds: float = Field(default=1, ge=0, le=3600)


class Tolerance(_Message):
    """How many failed items a run accepts; passing either limit stops it."""

    count: int = Field(default=0, ge=0)
    percentage: float = Field(default=0, ge=0, le=100)


class RunRequest(_Message):
    """Everything a run is asked to do."""

    workload: str = Field(min_length=1, max_length=100)
    run_id: str | None = Field(default=None, pattern=RUN_ID_PATTERN)
    source: Source
    parameters: dict[str, Any] = Field(default_factory=dict)
    batch: BatchLimits = BatchLimits()
    concurrency: Concurrency = Concurrency()
    retry: RetryPolicy = RetryPolicy()
    tolerance: Tolerance = Tolerance()
    on_exceeded: Literal["stop", "continue", "compensate"] = "stop"
    max_items: int | None = Field(default=None, ge=1)
    select: Selection = Field(default_factory=dict)

    @field_validator("run_id")
    @classmethod
    def _names_a_folder(cls, value: str | None) -> str | None:
        if value is not None and not is_run_id(value):
            raise ValueError("a run id is not made of dots alone")
        return value
