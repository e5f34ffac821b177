"""Group records into cuts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fanout.errors import FanoutError
from fanout.models.plan import Cut
from fanout.models.request import BatchLimits
from fanout.splitting.scan import RecordBounds


@dataclass
class _OpenCut:
    """The cut that is being filled."""

    offset: int
    end: int
    first_index: int
    items: int
    first_line: int

    def close(self) -> Cut:
        return Cut(self.offset, self.end, self.first_index, self.items, self.first_line)


class Growth(NamedTuple):
    """How cuts grow where nobody knows how many there will be.

    Attributes:
        every: After so many cuts the next may have twice the bytes.
        max_bytes: What none has more than.
    """

    every: int
    max_bytes: int

    def after(self, cuts: int, limits: BatchLimits) -> BatchLimits:
        """The limits of what comes after so many cuts."""
        if cuts % self.every or limits.max_bytes >= self.max_bytes:
            return limits
        size = min(2 * limits.max_bytes, self.max_bytes)
        return limits.model_copy(update={"max_bytes": size})


def cut_records(
    blocks: Iterable[RecordBounds],
    limits: BatchLimits,
    max_items: int | None = None,
    growth: Growth | None = None,
) -> Iterator[Cut]:
    """Group a stream of records into cuts, each from its first record's start to its last's end.

    A cut closes when it has `limits.max_items`, or when its bytes with the next record would be
    more than `limits.max_bytes`. A record larger than that is a cut of its own.

    Args:
        blocks: The records of the source, in order.
        limits: What one cut may hold.
        max_items: How many records to take; those after are not read. None takes all.
        growth: How the limits grow; None keeps them.
    """
    cutter = Cutter(limits, max_items, growth)
    try:
        for block in blocks:
            yield from cutter.cut(block)
            if cutter.is_done:
                break
    except FanoutError:  # what was found before the source broke stands
        yield from cutter.rest()
        raise
    yield from cutter.rest()


class Cutter:
    """Cuts block after block, with the cut that is being filled between them."""

    def __init__(
        self, limits: BatchLimits, max_items: int | None = None, growth: Growth | None = None
    ) -> None:
        self._limits = limits
        self._max_items = max_items
        self._growth = growth
        self._closed = 0
        self._open_cut: _OpenCut | None = None
        self._index = 0

    @property
    def items(self) -> int:
        """How many records it has taken."""
        return self._index

    @property
    def is_done(self) -> bool:
        return self._index == self._max_items

    def cut(self, block: RecordBounds) -> Iterator[Cut]:
        """Take the records of a block; give the cuts that close."""
        size = len(block)
        if self._max_items is not None:
            size = min(size, self._max_items - self._index)
        first = 0
        while first < size:
            cut = self._open_cut or _open_at(block, first, self._index + first)
            first += _fill(cut, block, first, size, self._limits)
            self._open_cut = cut
            if first < size or cut.items == self._limits.max_items:
                yield from self.rest()
        self._index += size

    def rest(self) -> Iterator[Cut]:
        """Close the cut that is being filled."""
        cut, self._open_cut = self._open_cut, None
        if cut is not None:
            self._closed += 1
            if self._growth is not None:
                self._limits = self._growth.after(self._closed, self._limits)
            yield cut.close()


def _open_at(block: RecordBounds, first: int, index: int) -> _OpenCut:
    offset = int(block.starts[first])
    return _OpenCut(offset, offset, index, 0, int(block.lines[first]))


def _fill(cut: _OpenCut, block: RecordBounds, first: int, size: int, limits: BatchLimits) -> int:
    """Add the records of `block` from `first` on that fit; return how many did."""
    stop = min(size, first + limits.max_items - cut.items)
    limit = cut.offset + limits.max_bytes
    if block.ends[stop - 1] > limit:
        stop = int(block.ends[:stop].searchsorted(limit, side="right"))
        if cut.items == 0:
            stop = max(stop, first + 1)
    if stop > first:
        cut.end = int(block.ends[stop - 1])
        cut.items += stop - first
    return stop - first
