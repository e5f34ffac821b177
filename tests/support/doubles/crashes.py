"""Storage in memory whose user dies at one of its writes: before that one is made, or after it."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fanout.adapters.tables import Write
from fanout.naming import row_keys
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import MemoryTables


class DeathError(BaseException):
    """The process dies here; nothing of it goes on, and nobody catches that."""


@dataclass
class Fuse:
    """Counts writes until one kills.

    Attributes:
        left: How many writes are made before that one; None kills nobody.
        is_made: Whether the one that kills is made all the same.
    """

    left: int | None = None
    is_made: bool = False

    def burn(self, write: Callable[[], Any]) -> Any:
        """Make a write, unless it is the one; give what it gives."""
        if self.left is None:
            return write()
        if self.left > 0:
            self.left -= 1
            return write()
        self.left = None
        if self.is_made:
            with suppress(Exception):
                write()
        raise DeathError


class Stops(Fuse):
    """Lets something happen before the write of some number, and before one of those it makes."""

    def __init__(self) -> None:
        super().__init__()
        self.set([])

    def set(self, stops: Iterable[tuple[int, Callable[[], None]]]) -> None:
        """Say how many writes are made before each, counted from the last, and what happens."""
        self._stops = [*stops]
        self._next()

    def _next(self) -> None:
        self.left, self._act = self._stops.pop(0) if self._stops else (None, None)

    def burn(self, write: Callable[[], Any]) -> Any:
        if self.left == 0 and self._act is not None:
            act = self._act
            self._next()
            act()
        elif self.left is not None:
            self.left -= 1
        return write()


class DyingTables(MemoryTables):
    """Tables whose writes burn a fuse."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def write(self, table: str, partition: str, writes: list[Write]) -> dict[str, str]:
        write = super().write
        return self._fuse.burn(lambda: write(table, partition, writes))

    def delete(self, table: str, partition: str, row_keys: Iterable[str]) -> None:
        if keys := [*row_keys]:
            self._fuse.burn(lambda: super(DyingTables, self).delete(table, partition, keys))


class ShareableTables(DyingTables):
    """Such tables without a stop where a process writes for all its executions together.

    One that began within another would wait for that for ever: both are in one thread.
    """

    def write(self, table: str, partition: str, writes: list[Write]) -> dict[str, str]:
        if partition == row_keys.ADMISSION_PARTITION:
            return MemoryTables.write(self, table, partition, writes)
        return super().write(table, partition, writes)


class DyingStore(MemoryStore):
    """Blobs whose writes and deletions burn a fuse."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def write(self, container: str, blob: str, data: bytes, **more: Any) -> str:
        etag: str = self._fuse.burn(
            lambda: super(DyingStore, self).write(container, blob, data, **more)
        )
        return etag

    def delete(self, container: str, blob: str) -> None:
        if self.properties(container, blob) is not None:
            self._fuse.burn(lambda: super(DyingStore, self).delete(container, blob))
