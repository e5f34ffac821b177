"""Storage in memory whose user dies at one of its writes: before that one is made, or after it."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fanout.adapters.tables import Write
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


class DyingTables(MemoryTables):
    """Tables whose writes burn a fuse."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def write(self, table: str, partition: str, writes: list[Write]) -> None:
        self._fuse.burn(lambda: super(DyingTables, self).write(table, partition, writes))

    def delete(self, table: str, partition: str, row_keys: Iterable[str]) -> None:
        if keys := [*row_keys]:
            self._fuse.burn(lambda: super(DyingTables, self).delete(table, partition, keys))


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
