"""Adding up what the batches of a wave came to."""

from fanout.messages.batches import BatchRef, BatchResult, WaveTally
from fanout.messages.payloads import shorten
from fanout.models.status import ErrorGroup
from fanout.outcomes.error_groups import ErrorGroups
from orchestrators.tasks import TaskResult

# What a shard carries has room for so many of this size.
MAX_KINDS = 4
MAX_REASON_BYTES = 200
LOST_BATCH = "LostBatchError"


def batch_result(answer: TaskResult, batch: BatchRef, *, is_lost: bool) -> BatchResult:
    """Read a result; of a batch lost for good only the reason is known, its items stay pending."""
    if answer.failure is None:
        return BatchResult.model_validate(answer.value)
    if not is_lost:
        return BatchResult()
    reason = ErrorGroup(
        type=LOST_BATCH,
        message=shorten(answer.failure, MAX_REASON_BYTES),
        count=1,
        example_item=f"partition {batch.partition}, batch {batch.first_cut}",
    )
    return BatchResult(errors=[reason])


def add_results(tally: WaveTally, results: list[BatchResult], lost_batches: int) -> WaveTally:
    """Add the results of a round to what the wave has come to."""
    errors = ErrorGroups([*tally.errors, *(e for r in results for e in r.errors)])
    return WaveTally(
        succeeded=tally.succeeded + sum(r.succeeded for r in results),
        failed=tally.failed + sum(r.failed for r in results),
        compensated=tally.compensated + sum(r.compensated for r in results),
        compensation_failed=tally.compensation_failed + sum(r.compensation_failed for r in results),
        retries=tally.retries + sum(r.retries for r in results),
        lost_batches=tally.lost_batches + lost_batches,
        tried=tally.tried + sum(r.tried for r in results),
        untimed=tally.untimed + sum(r.tried for r in results if r.work_ms is None),
        work_ms=round(tally.work_ms + sum(r.work_ms or 0.0 for r in results), 1),
        errors=errors.most_frequent(MAX_KINDS),
    )
