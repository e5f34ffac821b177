"""What a run has used: executions, time, storage operations, messages."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator


class Usage(BaseModel):
    """Counts that add up. In a history they are a list of numbers, without the zeros at its end.

    Storage operations are requests that the service has answered: a request that was made again
    counts twice, and a transaction of many rows once.

    Attributes:
        activities: Executions of activities.
        activity_ms: How long they took together, each rounded up.
        billed_ms: The same as the platform bills it, each execution by itself.
        item_ms: What of it items took in batches, without reading and writing.
        starts: Executions of what started the run.
        orchestrations: Executions of orchestrators; one that continues as new is another.
        messages: What orchestrations were sent: starts, answers, timers, events. Each is a turn at
            most.
        blob_reads: Blobs read, or ranges of them.
        blob_writes: Blobs and blocks written.
        blob_lists: Pages listed, and containers made.
        blob_other: Properties read, and the like.
        blob_deletes: Blobs deleted.
        table_reads: Rows read, and pages of queries.
        table_writes: Rows or transactions written, and tables made.
    """

    model_config = ConfigDict(frozen=True)

    activities: int = Field(default=0, ge=0)
    activity_ms: int = Field(default=0, ge=0)
    billed_ms: int = Field(default=0, ge=0)
    item_ms: int = Field(default=0, ge=0)
    starts: int = Field(default=0, ge=0)
    orchestrations: int = Field(default=0, ge=0)
    messages: int = Field(default=0, ge=0)
    blob_reads: int = Field(default=0, ge=0)
    blob_writes: int = Field(default=0, ge=0)
    blob_lists: int = Field(default=0, ge=0)
    blob_other: int = Field(default=0, ge=0)
    blob_deletes: int = Field(default=0, ge=0)
    table_reads: int = Field(default=0, ge=0)
    table_writes: int = Field(default=0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _unpack(cls, value: Any) -> Any:
        """Take the list of numbers; one that a newer version wrote may be longer."""
        if isinstance(value, Sequence) and not isinstance(value, str):
            return dict(zip(cls.model_fields, value, strict=False))
        return value

    @model_serializer
    def _pack(self) -> list[int]:
        counts = [*self.counts.values()]
        while counts and not counts[-1]:
            counts.pop()
        return counts

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return dict(self)

    @property
    def storage_operations(self) -> int:
        """Storage operations of all kinds."""
        return sum(self.counts[kind] for kind in STORAGE_OPERATIONS)

    def plus(self, other: "Usage") -> "Usage":
        """This and another together."""
        mine, others = self.counts, other.counts
        return Usage(**{name: mine[name] + others[name] for name in mine})


STORAGE_OPERATIONS = tuple(
    name for name in Usage.model_fields if name.startswith(("blob_", "table_"))
)


class StorageOperations(BaseModel):
    """Storage operations of a run by kind; see `Usage`. `total` is all of them."""

    blob_reads: int = 0
    blob_writes: int = 0
    blob_lists: int = 0
    blob_other: int = 0
    blob_deletes: int = 0
    table_reads: int = 0
    table_writes: int = 0
    total: int = 0


class AzureCost(BaseModel):
    """US dollars at list prices, without free grants.

    Attributes:
        executions: Executions of activities, orchestrators and starters, by their number.
        compute: The same by their billed time.
        storage: Storage operations of the app itself.
        task_hub: Those of Durable Functions with the Azure Storage backend, estimated.
        total: All of these.
        scheduler: What the actions cost in place of `task_hub` with the Durable Task Scheduler;
            None where the price table has no price for them.
    """

    executions: float = 0.0
    compute: float = 0.0
    storage: float = 0.0
    task_hub: float = 0.0
    total: float = 0.0
    scheduler: float | None = None


class MapCost(BaseModel):
    """What AWS Step Functions Distributed Map would charge for the same items, in US dollars.

    Attributes:
        standard: With a Standard child for each item, and a Lambda function.
        express: With an Express child for each item, and a Lambda function.
    """

    standard: float = 0.0
    express: float = 0.0


class RunUsage(BaseModel):
    """What an attempt of a run has used, and what that costs by list price.

    Attributes:
        activities: Executions of activities.
        activity_seconds: How long they took together.
        billed_seconds: The same as the platform bills it, each execution by itself.
        item_seconds: What of it items took in batches, without reading and writing.
        orchestrations: Executions of orchestrators; one that continues as new is another.
        messages: What orchestrations were sent; each is a turn of an orchestrator at most.
        scheduler_actions: What the Durable Task Scheduler would bill.
        storage_operations: Those of the app itself, by kind.
        usd: What that costs.
        aws_usd: What Distributed Map would charge.
    """

    activities: int = 0
    activity_seconds: float = 0.0
    billed_seconds: float = 0.0
    item_seconds: float = 0.0
    orchestrations: int = 0
    messages: int = 0
    scheduler_actions: int = 0
    storage_operations: StorageOperations = Field(default_factory=StorageOperations)
    usd: AzureCost = Field(default_factory=AzureCost)
    aws_usd: MapCost = Field(default_factory=MapCost)
