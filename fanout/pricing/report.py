"""What a run has used, as callers see it: with what it costs."""

from fanout.models.status import ItemCounts
from fanout.models.usage import STORAGE_OPERATIONS, RunUsage, StorageOperations, Usage
from fanout.pricing.aws import map_costs
from fanout.pricing.azure import azure_cost, count_scheduler_actions
from fanout.pricing.prices import prices


def report_attempt(usage: Usage | None, items: ItemCounts, settled: ItemCounts) -> RunUsage | None:
    """Say what an attempt has used; None where that is not known.

    Args:
        usage: What it has used.
        items: The counts of the run at its end.
        settled: What earlier attempts had settled: that took none of it.
    """
    earlier = settled.total - settled.pending
    return None if usage is None else report_usage(usage, max(0, items.total - earlier))


def report_usage(usage: Usage, items: int) -> RunUsage:
    """Say what was used, and what it costs.

    Args:
        usage: What was used.
        items: How many items that was for.
    """
    kinds = {kind: usage.counts[kind] for kind in STORAGE_OPERATIONS}
    return RunUsage(
        activities=usage.activities,
        activity_seconds=usage.activity_ms / 1000,
        billed_seconds=usage.billed_ms / 1000,
        item_seconds=usage.item_ms / 1000,
        orchestrations=usage.orchestrations,
        messages=usage.messages,
        scheduler_actions=count_scheduler_actions(usage),
        storage_operations=StorageOperations(**kinds, total=usage.storage_operations),
        usd=azure_cost(usage, prices()),
        # Steps of sagas are activities of their own.
        aws_usd=map_costs(items, usage.item_ms or usage.activity_ms, prices()),
    )
