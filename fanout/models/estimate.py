"""What a dry run answers."""

from typing import Any

from pydantic import BaseModel


class Estimate(BaseModel):
    """What carrying out a request would take.

    Attributes:
        batches: Activities that process items; where batches are fitted to how long the items turn
            out to take, the most that there can be.
        storage_operations: Calls of Blob storage, and of Durable Functions' tables and queues.
        least_cost_dollars: At list prices and the least time that an activity is billed; what the
            items take beyond a second a batch comes on top.
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
        is_exact: Whether `items` were counted; those of a large source are reckoned by its bytes.
        first_items: The first few as the workload would be given them.
    """

    items: int
    is_exact: bool
    first_items: list[Any]
    estimate: Estimate
