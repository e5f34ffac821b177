"""The result of a round of a batch, from its part file: whoever wrote that gave the same."""

from activities.batches.batch import Processed
from activities.batches.earlier import Earlier
from activities.batches.time_limits import BatchTimeoutError
from fanout.errors import AttemptOverError
from fanout.messages.batches import BatchResult
from fanout.models.outcome import ErrorInfo, Outcome
from fanout.outcomes.lines import count_statuses, status_of, waiting_items

# What keeps an item from its turn, though its downstream is up.
KEPT_FROM_THEIR_TURN = (BatchTimeoutError.__name__, AttemptOverError.__name__)


def result_of_part(before: Earlier, part: bytes, *, calls_downstream: bool = False) -> BatchResult:
    """Tell what a round of a batch came to.

    How long it took is not there. That a downstream answered is known of items that succeeded.

    Args:
        before: The outcomes before it.
        part: The part file.
        calls_downstream: Whether the items call one.
    """
    lines = part.splitlines()
    settled = {line for line in before.lines.splitlines() if status_of(line) != "pending"}
    kept = settled.intersection(lines)
    tries_before = waiting_items(before.lines) if before.has_begun else {}
    processed = Processed(work_ms=None)
    for line in lines:
        if line not in kept:
            outcome = Outcome.model_validate_json(line)
            _count(outcome, tries_before.get(outcome.index, 0), processed)
    # A chunk has one outcome as a whole: what had succeeded in it before is no news.
    for status, count in count_statuses(b"\n".join(settled - kept)).items():
        setattr(processed, status, getattr(processed, status) - count)
        processed.retries = max(0, processed.retries - count)
    processed.has_tripped &= calls_downstream
    processed.has_answered &= calls_downstream
    return processed.result


def _count(outcome: Outcome, tries_before: int, processed: Processed) -> None:
    was_tried = outcome.attempts > tries_before
    processed.retries += outcome.count if was_tried and outcome.attempts > 1 else 0
    error = outcome.error or ErrorInfo(type="", message="")
    if outcome.status == "succeeded":
        processed.succeeded += outcome.count
        processed.has_answered = True
    elif outcome.status == "pending":
        processed.count_retryable(error, outcome.count)
        processed.untried += 0 if was_tried else outcome.count
        processed.has_tripped |= not was_tried and error.type not in KEPT_FROM_THEIR_TURN
    else:
        processed.count_failed(error, outcome.item_id, outcome.count, outcome.status)
