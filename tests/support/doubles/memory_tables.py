"""Table storage in memory: ETags as the service has them, and races that somebody always loses."""

import itertools
from collections.abc import Callable, Iterable

from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import Row, RowConflictError, Write


class MemoryTables:
    """A double of `fanout.adapters.tables.TableStore`.

    Attributes:
        before_write: Called before each write; it may raise, or change rows as others would.
        after_write: Called after each write; when it raises, the answer to the write is lost.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Row] = {}
        self._etags = itertools.count(1)
        self.before_write: Callable[[], None] = lambda: None
        self.after_write: Callable[[], None] = lambda: None

    def read(self, table: str, partition: str, row_keys: Iterable[str]) -> dict[str, Row]:
        found = ((key, self._rows.get((table, partition, key))) for key in row_keys)
        return {key: row for key, row in found if row is not None}

    def write(self, table: str, partition: str, writes: list[Write]) -> None:
        self.before_write()
        assert 1 <= len(writes) <= 100
        assert len({write.row_key for write in writes}) == len(writes)
        for write in writes:
            row = self._rows.get((table, partition, write.row_key))
            if (row.etag if row else None) != write.etag:
                raise RowConflictError(write.row_key)
        for write in writes:
            row = Row(dict(write.values), f"e{next(self._etags)}")
            self._rows[table, partition, write.row_key] = row
        self.after_write()

    def read_all(self, table: str, partition: str, prefix: str = "") -> dict[str, Row]:
        return {
            key: row
            for (name, within, key), row in sorted(self._rows.items(), key=lambda pair: pair[0])
            if (name, within) == (table, partition) and key.startswith(prefix)
        }

    def delete(self, table: str, partition: str, row_keys: Iterable[str]) -> None:
        for key in [*row_keys]:
            self._rows.pop((table, partition, key), None)

    def ping(self, table: str) -> None:
        """It answers."""

    def rows(self, table: str) -> Iterable[tuple[str, str, Row]]:
        for (name, partition, key), row in sorted(self._rows.items(), key=lambda pair: pair[0]):
            if name == table:
                yield partition, key, row


def memory_rows() -> Rows:
    """The rows of an app, in a table of their own."""
    return Rows(MemoryTables(), "fanoutruns")
