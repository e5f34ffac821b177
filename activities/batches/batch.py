"""A batch in hand, and what came of it: shared by the shapes of workload."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from activities.batches.boxes.stretch import Stretch
from activities.batches.fence import NO_FENCE, Fence
from activities.batches.time_limits import TimeLimits
from fanout.messages.batches import BatchResult
from fanout.messages.payloads import shorten
from fanout.models.outcome import ErrorInfo, ItemStatus
from fanout.models.status import ErrorGroup
from fanout.outcomes.error_groups import ErrorGroups
from fanout.outcomes.lines import status_of, waiting_items
from fanout.records import Chunk
from fanout.splitting.sizes.budget import DEFAULT_BUDGET
from fanout.workload import ItemFiles, NoFiles

MAX_GROUPS = 5
# Five groups of this size leave room in 4 KiB for what a shard carries besides.
MAX_TYPE_BYTES = 80
MAX_GROUP_MESSAGE_BYTES = 180
MAX_EXAMPLE_BYTES = 110
# Failures on different lines, or in different rows of a Parquet file, are still of one kind.
_PLACE = re.compile(r"^(line|row) \d+: ")


def _do_nothing() -> None:
    return None


def _allow(_: bool) -> bool:
    return True


@dataclass(frozen=True)
class Batch:
    """One batch in one round.

    Attributes:
        max_tries: How often an item may be tried.
        before: The outcomes of the batch so far, as lines; empty where it is tried for the first
            time. In round 0 of a later attempt they are those of the attempt before, and the items
            to redo are pending.
        has_begun: Whether `before` is of an earlier round of this attempt.
        before_partial: The partial of the attempt before, if there is one.
        limits: How much time it and its items have.
        fence: Whether its attempt still goes on.
        is_probe: Whether it is to find out if the downstream is up again: it stops at the first
            sign that it is not.
        files: What its items may read and write.
        stretch: Which items it still has; None has it do all.
        rest: What of it comes after `chunk`, piece by piece, where all of it at once would take too
            much memory. It is read once.
        rest_count: How many items that are.
        max_outcome_bytes: How long its outcomes may get.
        free_outcome_bytes: How long they may get without waiting.
        claim_long_outcomes: Tells whether they may get longer; waits for it where it is to.
        give_back: Gives back what it has not begun, where it may.
    """

    run_id: str
    max_tries: int
    chunk: Chunk
    parameters: Any
    before: bytes = b""
    has_begun: bool = False
    before_partial: bytes | None = None
    limits: TimeLimits = field(default_factory=TimeLimits)
    fence: Fence = NO_FENCE
    is_probe: bool = False
    files: ItemFiles = field(default_factory=NoFiles)
    stretch: Stretch | None = None
    rest: Iterable[Chunk] = ()
    rest_count: int = 0
    max_outcome_bytes: int = DEFAULT_BUDGET.outcomes
    free_outcome_bytes: int = DEFAULT_BUDGET.free
    claim_long_outcomes: Callable[[bool], bool] = _allow
    give_back: Callable[[], None] = _do_nothing

    @property
    def count(self) -> int:
        """How many items it has."""
        return self.chunk.count + self.rest_count

    @property
    def pieces(self) -> Iterator[Chunk]:
        """All of it, piece by piece."""
        yield self.chunk
        yield from self.rest

    def may_begin(self, index: int) -> bool:
        """Tell whether an item is still one of the batch, and take note that it begins."""
        return self.stretch is None or self.stretch.begin(index)

    @property
    def try_number(self) -> int:
        """Which try of the whole batch this is; 1 is the first."""
        return 1 + max(self.tries_before.values(), default=0)

    @property
    def tries_before(self) -> dict[int, int]:
        """How often each item that waits was tried in this attempt of the run, by its index."""
        return waiting_items(self.before) if self.has_begun else {}

    @property
    def is_last_round(self) -> bool:
        """Whether a batch that is tried whole has no try left after this one."""
        return self.try_number >= self.max_tries


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
    _errors: ErrorGroups = field(default_factory=ErrorGroups)

    def count_failed(
        self, error: ErrorInfo, item_id: str, count: int = 1, status: ItemStatus = "failed"
    ) -> None:
        """Count items given up on; those of a saga may have been compensated."""
        message = _PLACE.sub("", error.message)[:MAX_GROUP_MESSAGE_BYTES]
        self._errors.add(error.type, message, count, item_id)
        setattr(self, status, getattr(self, status) + count)

    def count_retryable(self, error: ErrorInfo, count: int = 1) -> None:
        """Count items that want another round."""
        self.retryable += count
        if error.retry_after is not None:
            self.retry_after = max(self.retry_after or 0.0, error.retry_after)

    def count_untried(self, count: int = 1) -> None:
        """Count items that nobody tried, and that want another round."""
        self.retryable += count
        self.untried += count

    @property
    def result(self) -> BatchResult:
        """What the orchestrator learns."""
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
            errors=[_shorten_group(group) for group in self._errors.most_frequent(MAX_GROUPS)],
        )


def _shorten_group(group: ErrorGroup) -> ErrorGroup:
    return ErrorGroup(
        type=shorten(group.type, MAX_TYPE_BYTES),
        message=shorten(group.message, MAX_GROUP_MESSAGE_BYTES),
        count=group.count,
        example_item=shorten(str(group.example_item), MAX_EXAMPLE_BYTES),
    )


def replace_pending(lines: bytes, new_lines: Iterator[bytes]) -> Iterator[bytes]:
    """Put the new lines where the lines of pending items were; both are in source order.

    Raises:
        ValueError: There are fewer new lines than pending items.
    """
    for line in lines.splitlines(keepends=True):
        new_line = next(new_lines, None) if status_of(line) == "pending" else line
        if new_line is None:
            raise ValueError("a pending item has no new line")
        yield new_line
    yield from new_lines
