"""What a dry run answers."""

from typing import Any

from pydantic import BaseModel

from fanout.models.usage import RunUsage


class Estimate(BaseModel):
    """What carrying out a request would take, if nothing fails.

    Attributes:
        batches: How many activities process items, beside the one that begins the run; as expected.
        batches_are_fitted: Whether the size of batches follows from how long items take.
        partitions: Parts of the plan.
        shards: How many share the partitions.
        activities: All activities of the run, as expected.
        storage_operations: The app's own and those of Durable Functions, as expected.
        least_cost_dollars: What is expected to be paid by list price; longer items cost more.
        expected_item_seconds: What one item takes, for `expected`.
        expected: What is expected to be used, as the status of the run will have it.
        worst_item_seconds: What one item takes, for `worst`.
        worst: What is used at most, if no item takes longer than that.
    """

    batches: int
    batches_are_fitted: bool
    partitions: int
    shards: int
    activities: int
    storage_operations: int
    least_cost_dollars: float
    expected_item_seconds: float
    expected: RunUsage
    worst_item_seconds: float
    worst: RunUsage


class DryRun(BaseModel):
    """Answer to ``POST /api/runs`` with ``"dry_run": true``.

    Attributes:
        items: How many items the source has.
        is_exact: Whether they were counted; those of a large source are estimated from its bytes.
        first_items: The first few, as the workload would get them; of one that is very long, how
            long it is.
    """

    items: int
    is_exact: bool
    first_items: list[Any]
    estimate: Estimate
