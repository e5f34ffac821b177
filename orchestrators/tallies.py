"""Adding up what the batches of a wave came to."""

from fanout.messages.batches import BatchRef, BatchResult, WaveTally
from fanout.messages.payloads import shortened
from fanout.models.status import ErrorGroup
from orchestrators.attempts import Attempt

# What a shard carries has room for so many of this size.
MAX_KINDS = 4
MAX_REASON_BYTES = 200
LOST_BATCH = "LostBatchError"


def result_of(ended: Attempt, batch: BatchRef, *, is_lost: bool) -> BatchResult:
    """Read a result; of a batch lost for good only the reason is known, its items stay pending."""
    if ended.failure is None:
        return BatchResult.model_validate(ended.result)
    if not is_lost:
        return BatchResult()
    reason = ErrorGroup(
        type=LOST_BATCH,
        message=shortened(ended.failure, MAX_REASON_BYTES),
        count=1,
        example_item=f"partition {batch.partition}, batch {batch.batch}",
    )
    return BatchResult(errors=[reason])


def added(tally: WaveTally, results: list[BatchResult], lost: int) -> WaveTally:
    """Add the results of a round to what the wave has come to."""
    return WaveTally(
        succeeded=tally.succeeded + sum(r.succeeded for r in results),
        failed=tally.failed + sum(r.failed for r in results),
        compensated=tally.compensated + sum(r.compensated for r in results),
        compensation_failed=tally.compensation_failed + sum(r.compensation_failed for r in results),
        retries=tally.retries + sum(r.retries for r in results),
        lost_batches=tally.lost_batches + lost,
        tried=tally.tried + sum(r.tried for r in results),
        untimed=tally.untimed + sum(r.tried for r in results if r.work_ms is None),
        work_ms=round(tally.work_ms + sum(r.work_ms or 0.0 for r in results), 1),
        errors=_most_frequent([*tally.errors, *(e for r in results for e in r.errors)]),
    )


def _most_frequent(groups: list[ErrorGroup]) -> list[ErrorGroup]:
    merged: dict[tuple[str, str], ErrorGroup] = {}
    for group in groups:
        key = (group.type, group.message)
        seen = merged.get(key)
        count = group.count + (seen.count if seen else 0)
        merged[key] = (seen or group).model_copy(update={"count": count})
    return sorted(merged.values(), key=lambda group: -group.count)[:MAX_KINDS]
