"""Adding up what shards tell: where the items are, and which failures are the most frequent."""

from fanout.messages.shards import ShardCounts
from fanout.models.status import ErrorGroup, ItemCounts

MAX_ERROR_KINDS = 20


def count_items(settled: ItemCounts, done: ShardCounts, undone: ShardCounts) -> ItemCounts:
    """How many items have which outcome, from what the shards of both stages did.

    Args:
        settled: The counts when the attempt began.
        done: What the shards did that process.
        undone: What the shards did that compensate: `succeeded` are items that were compensated,
            `failed` those that could not be. Both had succeeded before.
    """
    ended = done.succeeded + done.failed + done.compensated + done.compensation_failed
    succeeded = settled.succeeded + done.succeeded - undone.succeeded - undone.failed
    # What is undone is known from the parts; the row of a shard that failed may lack some of them.
    ended += max(0, -succeeded)
    return settled.model_copy(
        update={
            "succeeded": max(0, succeeded),
            "failed": settled.failed + done.failed,
            "compensated": settled.compensated + done.compensated + undone.succeeded,
            "compensation_failed": (
                settled.compensation_failed + done.compensation_failed + undone.failed
            ),
            "pending": settled.pending - ended,
        }
    )


def merge_errors(
    errors: dict[str, ErrorGroup], new_errors: list[ErrorGroup]
) -> dict[str, ErrorGroup]:
    """Add up kinds of failure, keeping the most frequent."""
    total = dict(errors)
    for group in new_errors:
        key = f"{group.type}: {group.message}"
        earlier = total.get(key)
        count = group.count + (earlier.count if earlier else 0)
        total[key] = (earlier or group).model_copy(update={"count": count})
    if len(total) <= MAX_ERROR_KINDS:
        return total
    ranked = sorted(total.items(), key=lambda pair: -pair[1].count)
    return dict(ranked[:MAX_ERROR_KINDS])
