"""What a dry run answers."""

from typing import Any

from pydantic import BaseModel


class Estimate(BaseModel):
    """What carrying out a request would take.

    Attributes:
        batches: How many activities process items. If `batches_are_fitted`, there may be fewer.
        batches_are_fitted: Whether the size of batches follows from how long items take.
        partitions: Parts of the plan.
        shards: Sub-orchestrations that share the partitions.
        activities: All activities of the run.
        storage_operations: Calls of Blob storage, and of Durable Functions' tables and queues.
        least_cost_dollars: At list prices, if no batch takes longer than the least time that is
            billed. Longer batches cost more.
    """

    batches: int
    batches_are_fitted: bool
    partitions: int
    shards: int
    activities: int
    storage_operations: int
    least_cost_dollars: float


class DryRun(BaseModel):
    """Answer to ``POST /api/runs`` with ``"dry_run": true``.

    Attributes:
        items: How many items the source has.
        is_exact: Whether they were counted; those of a large source are estimated from its bytes.
        first_items: The first few, as the workload would get them.
    """

    items: int
    is_exact: bool
    first_items: list[Any]
    estimate: Estimate
