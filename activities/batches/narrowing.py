"""Find the items for which a chunk workload raises, so that their neighbours are not lost.

The chunk is halved where it fails, again and again. The partials of the pieces that do not fail
merge to that of the chunk, as those of whole chunks do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from activities.batches.item_errors import error_info
from fanout.models.outcome import ErrorInfo
from fanout.records import Chunk
from fanout.splitting.halves import halve
from fanout.workload import ChunkResult, ChunkWorkload, Failure

# Enough for 19 items anywhere in a chunk of 10,000, each found by halving it 13 times.
MAX_CALLS = 500
# A chunk of which so many pieces fail and none does not fails for a reason that no item explains.
_HOPELESS_CALLS = 64

Call = Callable[[Chunk], ChunkResult[Any]]


def narrow(
    workload: ChunkWorkload[Any, Any], chunk: Chunk, call: Call, error: ErrorInfo
) -> ChunkResult[Any] | None:
    """Process a chunk that failed in smaller and smaller pieces.

    Args:
        workload: Merges the partials of the pieces.
        chunk: What failed.
        call: Has the workload process a piece.
        error: Why it failed.

    Returns:
        The result with the failures that were found, and all items of a piece that was too many to
        be divided again; None where the chunk as a whole is at fault.
    """
    narrowing = _Narrowing(workload, call)
    narrowing.divide(chunk, error)
    if narrowing.merged is None:
        return None
    return ChunkResult(narrowing.merged, narrowing.failures)


@dataclass
class _Narrowing:
    """The pieces of a chunk that have been processed, from the left to the right."""

    workload: ChunkWorkload[Any, Any]
    call: Call
    calls: int = 0
    merged: Any = None
    failures: list[Failure] = field(default_factory=list)

    @property
    def is_hopeless(self) -> bool:
        return self.merged is None and self.calls >= _HOPELESS_CALLS

    def divide(self, chunk: Chunk, error: ErrorInfo) -> None:
        """Process the halves of a chunk that failed."""
        if chunk.count == 1 or self.calls >= MAX_CALLS:
            indices = range(chunk.first_index, chunk.first_index + chunk.count)
            self.failures += [Failure(index, error) for index in indices]
            return
        for half in halve(chunk):
            self._process(half)
            if self.is_hopeless:
                return

    def _process(self, piece: Chunk) -> None:
        self.calls += 1
        try:
            result = self.call(piece)
            merged = self._merge(result.partial)
        except BaseException as error:  # noqa: BLE001  whatever user code raises is an outcome
            self.divide(piece, error_info(error))
        else:
            self.merged = merged
            self.failures += result.failures

    def _merge(self, partial: Any) -> Any:
        return partial if self.merged is None else self.workload.merge(self.merged, partial)
