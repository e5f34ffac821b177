"""Doing something whose writes of rows get lost, one after the other: the request or the answer."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import TypeVar

from tests.support.doubles.memory_tables import MemoryTables

Made = TypeVar("Made")


class LostError(Exception):
    """A request that never came, or an answer that got lost."""


def losing(tables: MemoryTables, number: int, *, is_heard: bool) -> None:
    """Lose the write of this number (from 0): its answer if it is heard, else its request."""
    writes = count()

    def lose() -> None:
        if next(writes) == number:
            raise LostError

    if is_heard:
        tables.after_write = lose
    else:
        tables.before_write = lose


def calmed(tables: MemoryTables) -> None:
    """Lose no more."""
    tables.before_write = tables.after_write = lambda: None


def torn(
    make: Callable[[], tuple[MemoryTables, Callable[[], Made]]],
) -> Iterator[tuple[MemoryTables, Made]]:
    """Do something again whose first time was torn, in every way.

    Args:
        make: Gives tables and what is to be done with them, anew each time.

    Yields:
        The tables, and what the second time came to.
    """
    for is_heard in (False, True):
        for number in count():
            tables, act = make()
            losing(tables, number, is_heard=is_heard)
            try:
                act()
            except LostError:
                calmed(tables)
                yield tables, act()
            else:
                break  # it makes no more writes than that
