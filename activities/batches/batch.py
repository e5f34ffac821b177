"""A batch in hand, and what came of it: shared by the shapes of workload."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from activities.batches.earlier import Earlier
from activities.batches.fence import NO_FENCE, Fence
from activities.batches.time_limits import BatchTimeoutError, TimeLimits
from fanout.errors import AttemptOverError, PermanentError, TransientError
from fanout.messages.batches import BatchResult
from fanout.messages.payloads import shortened
from fanout.models.outcome import ErrorInfo, ItemStatus, Outcome
from fanout.models.status import ErrorGroup
from fanout.naming.error_types import ErrorType
from fanout.outcomes.lines import count_statuses, status_of, waiting_items
from fanout.records import Chunk, Record
from fanout.workload import ItemFiles, NoFiles

MAX_MESSAGE_CHARACTERS = 2000
MAX_GROUPS = 5
# Five groups of this size leave room in 4 KiB for what a shard carries besides.
MAX_TYPE_BYTES = 80
MAX_GROUP_MESSAGE_BYTES = 180
MAX_EXAMPLE_BYTES = 110
# What keeps an item from its turn, though its downstream is up.
KEPT_FROM_THEIR_TURN = (BatchTimeoutError.__name__, AttemptOverError.__name__)
# Failures on different lines are still of one kind.
_LINE = re.compile(r"^line \d+: ")


@dataclass(frozen=True)
class Batch:
    """One batch in one round.

    Attributes:
        max_attempts: How often an item may be tried.
        is_probe: Whether it is to find out if the downstream is up again: it stops at the first
            sign that it is not.
        before: The batch's part file of an earlier round; empty in the first. In a later attempt of
            the run, the first has the part of the attempt before, its items to redo being pending.
        has_begun: Whether `before` is of an earlier round of this attempt.
        before_partial: The partial beside the part of the attempt before, if there is one.
        limits: How much time it and its items have.
        fence: Whether its attempt still goes on.
        files: What its items may read and write.
    """

    run_id: str
    max_attempts: int
    chunk: Chunk
    parameters: Any
    before: bytes = b""
    has_begun: bool = False
    before_partial: bytes | None = None
    limits: TimeLimits = field(default_factory=TimeLimits)
    fence: Fence = NO_FENCE
    is_probe: bool = False
    files: ItemFiles = field(default_factory=NoFiles)

    @property
    def attempt(self) -> int:
        """Which try of the whole batch this is, 1 the first."""
        return 1 + max(self.tried.values(), default=0)

    @property
    def tried(self) -> dict[int, int]:
        """How often each item that waits was tried in this attempt of the run, by its index."""
        return waiting_items(self.before) if self.has_begun else {}

    @property
    def is_last_round(self) -> bool:
        """Whether a batch that is tried whole has used up its attempts."""
        return self.attempt >= self.max_attempts


@dataclass
class Processed:
    """The part file in the making, with the counts of this round alone.

    Attributes:
        work_ms: How long the items took, reading and writing left out; None if nobody knows.
        has_tripped: Whether the downstream kept failing, so that the rest was left untried.
        has_answered: Whether the downstream did what some item asked of it.
    """

    lines: list[bytes] = field(default_factory=list)
    partial: bytes | None = None
    work_ms: float | None = 0.0
    has_tripped: bool = False
    has_answered: bool = False
    succeeded: int = 0
    failed: int = 0
    compensated: int = 0
    compensation_failed: int = 0
    retryable: int = 0
    untried: int = 0
    retries: int = 0
    retry_after: float | None = None
    _kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    _examples: dict[tuple[str, str], str] = field(default_factory=dict)

    def count_failed(
        self, error: ErrorInfo, item_id: str, count: int = 1, status: ItemStatus = "failed"
    ) -> None:
        """Count items given up on; those of a saga may have been compensated."""
        kind = (error.type, _LINE.sub("", error.message)[:MAX_GROUP_MESSAGE_BYTES])
        self._kinds[kind] += count
        self._examples.setdefault(kind, item_id)
        setattr(self, status, getattr(self, status) + count)

    def count_retryable(self, error: ErrorInfo, count: int = 1) -> None:
        """Count items that want another round."""
        self.retryable += count
        if error.retry_after is not None:
            self.retry_after = max(self.retry_after or 0.0, error.retry_after)

    @property
    def result(self) -> BatchResult:
        """What the orchestrator is told."""
        groups = [
            ErrorGroup(
                type=shortened(kind[0], MAX_TYPE_BYTES),
                message=shortened(kind[1], MAX_GROUP_MESSAGE_BYTES),
                count=count,
                example_item=shortened(self._examples[kind], MAX_EXAMPLE_BYTES),
            )
            for kind, count in self._kinds.most_common(MAX_GROUPS)
        ]
        return BatchResult(
            succeeded=self.succeeded,
            failed=self.failed,
            compensated=self.compensated,
            compensation_failed=self.compensation_failed,
            retryable=self.retryable,
            untried=self.untried,
            retries=self.retries,
            retry_after=self.retry_after,
            work_ms=None if self.work_ms is None else round(self.work_ms, 1),
            has_tripped=self.has_tripped,
            has_answered=self.has_answered,
            errors=groups,
        )


def error_info(error: Exception) -> ErrorInfo:
    """Describe what a workload raised; anything but a `PermanentError` is worth another try."""
    return ErrorInfo(
        type=type(error).__name__,
        message=str(error)[:MAX_MESSAGE_CHARACTERS],
        retryable=not isinstance(error, PermanentError),
        retry_after=error.retry_after if isinstance(error, TransientError) else None,
    )


def invalid_item(record: Record, invalid: ValidationError) -> ErrorInfo:
    """Describe what an item's model refused: every field, and the line of the source."""
    where = f"line {record.line}: " if record.line is not None else ""
    faults = (
        f"{'.'.join(map(str, fault['loc'])) or 'item'}: {fault['msg']}"
        for fault in invalid.errors(include_url=False, include_context=False, include_input=False)
    )
    message = (where + "; ".join(faults))[:MAX_MESSAGE_CHARACTERS]
    return ErrorInfo(type=ErrorType.ITEM_VALIDATION, message=message)


def replaced(before: bytes, fresh: Iterator[bytes]) -> Iterator[bytes]:
    """Put the new lines where the lines of pending items were; both are in source order."""
    for line in before.splitlines(keepends=True):
        yield next(fresh) if status_of(line) == "pending" else line
    yield from fresh


def came_to(before: Earlier, after: bytes, *, calls_downstream: bool = False) -> BatchResult:
    """Tell what a round of a batch came to, from its part file: what whoever wrote it told.

    How long it took is not there. That a downstream answered is known of items that succeeded.

    Args:
        before: The outcomes before it.
        after: The part file.
        calls_downstream: Whether the items call one.
    """
    lines = after.splitlines()
    settled = {line for line in before.lines.splitlines() if status_of(line) != "pending"}
    kept = settled.intersection(lines)
    tried_before = waiting_items(before.lines) if before.has_begun else {}
    processed = Processed(work_ms=None)
    for line in lines:
        if line not in kept:
            outcome = Outcome.model_validate_json(line)
            _count(outcome, tried_before.get(outcome.index, 0), processed)
    # A chunk is told of as a whole: what had succeeded in it before is no news.
    for status, count in count_statuses(b"\n".join(settled - kept)).items():
        setattr(processed, status, getattr(processed, status) - count)
        processed.retries = max(0, processed.retries - count)
    processed.has_tripped &= calls_downstream
    processed.has_answered &= calls_downstream
    return processed.result


def _count(outcome: Outcome, tried_before: int, processed: Processed) -> None:
    was_tried = outcome.attempts > tried_before
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
