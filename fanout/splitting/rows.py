"""Cuts of the rows of a Parquet file: slices of its row groups."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fanout.models.plan import Cut
from fanout.models.request import BatchLimits


class RowGroup(NamedTuple):
    """A row group.

    Attributes:
        rows: How many it has.
        size: Bytes of the columns that are read, uncompressed.
    """

    rows: int
    size: int


def cut_rows(
    groups: Iterable[RowGroup], limits: BatchLimits, max_items: int | None = None
) -> Iterator[Cut]:
    """Cut rows within their row groups; the bounds of a cut are row numbers.

    The rows of a group are taken to be of one size, for only the size of all is known.
    """
    first = 0
    for group in groups:
        end = first + group.rows if max_items is None else min(first + group.rows, max_items)
        fitting = limits.max_bytes * group.rows // max(1, group.size)
        step = max(1, min(limits.max_items, fitting))
        for offset in range(first, end, step):
            stop = min(offset + step, end)
            yield Cut(offset, stop, offset, stop - offset, 0)
        first = end
        if first == max_items:
            return
