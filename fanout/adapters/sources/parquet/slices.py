"""Slices of a group that are small once they are values of Python."""

from collections.abc import Iterator
from typing import NamedTuple

from fanout.adapters.sources.parquet.groups import DecodedGroup
from fanout.adapters.sources.parquet.python_sizes import python_bytes
from fanout.splitting.sizes.budget import Budget


class Slice(NamedTuple):
    """Consecutive rows of a group.

    Attributes:
        begin: The first row, by its number in the file.
        end: The row after the last.
        size: How much memory they take as Python has them, or more.
    """

    begin: int
    end: int
    size: int


def find_slices(group: DecodedGroup, begin: int, end: int, budget: Budget) -> Iterator[Slice]:
    """Divide consecutive rows of a group into slices that take little memory, or are one row.

    Args:
        group: The group.
        begin: The first row, by its number in the file.
        end: The row after the last.
        budget: A slice takes no more than a piece may.
    """
    size = _size(group, begin, end, budget)
    if end - begin == 1 or size <= budget.piece:
        yield Slice(begin, end, size)
        return
    middle = (begin + end) // 2
    yield from find_slices(group, begin, middle, budget)
    yield from find_slices(group, middle, end, budget)


def _size(group: DecodedGroup, begin: int, end: int, budget: Budget) -> int:
    """How much memory rows take; of a small group, what all of it takes on average."""
    if group.table is None:
        return 0
    if group.python_bytes <= budget.piece:
        return group.python_bytes * (end - begin) // max(1, group.rows)
    return python_bytes(group.table.slice(begin - group.first_row, end - begin))
