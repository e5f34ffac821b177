"""Reading what the activity of a batch came to."""

from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.payloads import shorten
from fanout.models.status import ErrorGroup
from orchestrators.tasks import TaskResult

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
