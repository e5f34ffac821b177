"""The memory that a batch takes of those that its process has: before it is read, and after."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from time import monotonic

from fanout.adapters.run_files.files import RunFiles, kept_manifest, kept_request
from fanout.adapters.sources.weights import weigh_chunk, weigh_cut
from fanout.memory import Hold, memory_for
from fanout.messages.run import RunRef
from fanout.models.plan import Cut
from fanout.records import Chunk
from fanout.splitting.sizes.budget import Budget

# Outcomes are there as lines, joined, and once more while they are sent. So long ones are made by
# one batch at a time: how long they get shows only when they do, and no batch can ask for more.
_long_outcomes = BoundedSemaphore(1)
# One that has waited so long goes on beside it: many slow batches in a row would take longer than
# an activity may, and so begin anew.
MAX_WAIT_SECONDS = 120.0
# Outcomes of an earlier round are there whole, and line by line.
_COPIES = 2


@dataclass(frozen=True)
class BatchMemory:
    """What a batch holds.

    Attributes:
        cut: The batch.
        budget: How much one may take.
        claim_long_outcomes: As `LongOutcomes.claim`.
    """

    cut: Cut
    budget: Budget
    hold: Hold
    claim_long_outcomes: Callable[[bool], bool]

    def fit(self, chunk: Chunk, rest_count: int, before: bytes) -> None:
        """Hold no more than is needed, now that the batch is read.

        Args:
            chunk: All of the batch, or the first piece of it.
            rest_count: How many items the other pieces have.
            before: The outcomes of the batch so far.
        """
        if not rest_count:
            self.hold.shrink(weigh_chunk(chunk, self.budget) + _COPIES * len(before))


def weigh_batch(files: RunFiles, ref: RunRef, cut: Cut, piece_bytes: int | None = None) -> int:
    """How much memory it takes at most to read a batch and to decode its items, piece by piece.

    Args:
        files: Where the run is kept.
        ref: The attempt.
        cut: The batch.
        piece_bytes: How much the items of a piece may take; None is all that a batch may.
    """
    request = kept_request(files, ref.run_id, ref.attempt)
    manifest = kept_manifest(files, ref.run_id)
    return weigh_cut(request.source, cut, manifest, request.select, files.budget, piece_bytes)


@contextmanager
def hold_for_items(files: RunFiles, ref: RunRef, cut: Cut) -> Iterator[None]:
    """Hold what it takes at most to read the items of a batch; wait until there is as much."""
    with memory_for(files.budget).hold(weigh_batch(files, ref, cut)):
        yield


@contextmanager
def hold_for_batch(
    files: RunFiles, ref: RunRef, cut: Cut, *, has_outcomes: bool
) -> Iterator[BatchMemory]:
    """Hold what a batch takes at most; wait until there is as much.

    Args:
        files: Where the run is kept.
        ref: The attempt.
        cut: The batch.
        has_outcomes: Whether an earlier round or attempt may have left outcomes of it.
    """
    size = weigh_batch(files, ref, cut)
    if has_outcomes:
        size += _COPIES * files.budget.outcomes
    with memory_for(files.budget).hold(size) as hold, ExitStack() as stack:
        yield BatchMemory(cut, files.budget, hold, LongOutcomes(stack).claim)


class LongOutcomes:
    """The claim of one batch to make long outcomes.

    Args:
        room: Closed when the batch has ended.
    """

    def __init__(self, room: ExitStack) -> None:
        self._room = room
        self._ends_at: float | None = None

    def claim(self, waits: bool) -> bool:
        """Tell whether the batch may make them now; it is not asked again once it may.

        Args:
            waits: Whether to wait until no other batch makes them, or this one has waited enough.
        """
        if self._ends_at is None:
            self._ends_at = monotonic() + MAX_WAIT_SECONDS
        left = self._ends_at - monotonic()
        if left <= 0:
            return True
        if not _long_outcomes.acquire(timeout=left if waits else 0):
            return waits
        self._room.callback(_long_outcomes.release)
        return True
