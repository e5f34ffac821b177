"""Group records into batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fanout.models.plan import BatchCut
from fanout.models.request import BatchLimits
from fanout.splitting.scan import Found


@dataclass
class _Batch:
    """The batch that is being filled."""

    offset: int
    end: int
    first_index: int
    items: int
    first_line: int

    def close(self) -> BatchCut:
        return BatchCut(self.offset, self.end, self.first_index, self.items, self.first_line)


def cut_batches(
    blocks: Iterable[Found], limits: BatchLimits, max_items: int | None = None
) -> Iterator[BatchCut]:
    """Cut a stream of records into batches, each from its first record's start to its last's end.

    A batch closes when it has `limits.max_items`, or when its bytes with the next record would be
    more than `limits.max_bytes`. A record larger than that is a batch of its own.

    Args:
        blocks: The records of the source, in order.
        limits: What one batch may hold.
        max_items: How many records to take; those after are not read. None takes all.
    """
    batch: _Batch | None = None
    index = 0
    for block in blocks:
        size = len(block) if max_items is None else min(len(block), max_items - index)
        taken = 0
        while taken < size:
            if batch is None:
                batch = _open(block, taken, index + taken)
            taken += _fill(batch, block, taken, size, limits)
            if taken < size or batch.items == limits.max_items:
                yield batch.close()
                batch = None
        index += size
        if index == max_items:
            break
    if batch is not None:
        yield batch.close()


def _open(block: Found, taken: int, index: int) -> _Batch:
    offset = int(block.starts[taken])
    return _Batch(offset, offset, index, 0, int(block.lines[taken]))


def _fill(batch: _Batch, block: Found, taken: int, size: int, limits: BatchLimits) -> int:
    """Add the records of `block` from `taken` on that fit; return how many did."""
    stop = min(size, taken + limits.max_items - batch.items)
    limit = batch.offset + limits.max_bytes
    if block.ends[stop - 1] > limit:
        stop = int(block.ends[:stop].searchsorted(limit, side="right"))
        if batch.items == 0:
            stop = max(stop, taken + 1)
    if stop > taken:
        batch.end = int(block.ends[stop - 1])
        batch.items += stop - taken
    return stop - taken
