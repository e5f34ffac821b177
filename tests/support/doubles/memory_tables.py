"""Table storage in memory: ETags as the service has them, and races that somebody always loses."""

import itertools
import threading
from collections.abc import Callable, Iterable

from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import Row, RowConflictError, RowRange, Write


class MemoryTables:
    """A double of `fanout.adapters.tables.TableStore`.

    Attributes:
        before_write: Called before each write; it may raise, or change rows as others would.
        after_write: Called after each write; when it raises, the answer to the write is lost.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Row] = {}
        self._etags = itertools.count(1)
        # A transaction is seen and done as a whole, by whatever thread.
        self._lock = threading.Lock()
        self.before_write: Callable[[], None] = lambda: None
        self.after_write: Callable[[], None] = lambda: None

    def read(self, table: str, partition: str, row_keys: Iterable[str]) -> dict[str, Row]:
        with self._lock:
            found = [(key, self._rows.get((table, partition, key))) for key in row_keys]
        return {key: row for key, row in found if row is not None}

    def write(self, table: str, partition: str, writes: list[Write]) -> dict[str, str]:
        self.before_write()
        assert 1 <= len(writes) <= 100
        assert len({write.row_key for write in writes}) == len(writes)
        keys = [(table, partition, write.row_key) for write in writes]
        with self._lock:
            for write, key in zip(writes, keys, strict=True):
                self._insist_on_condition(write, self._rows.get(key))
            for write, key in zip(writes, keys, strict=True):
                self._carry_out(write, key)
            etags = {key[2]: self._rows[key].etag for key in keys if key in self._rows}
        self.after_write()
        return etags

    def _insist_on_condition(self, write: Write, row: Row | None) -> None:
        if write.mode == "put":
            return
        if write.mode == "write" or write.etag is not None:
            is_met = (row.etag if row else None) == write.etag
        else:
            is_met = row is not None
        if not is_met:
            raise RowConflictError(write.row_key)

    def _carry_out(self, write: Write, key: tuple[str, str, str]) -> None:
        if write.mode == "delete":
            del self._rows[key]
            return
        kept = self._rows[key].values if write.mode == "merge" else {}
        self._rows[key] = Row({**kept, **write.values}, f"e{next(self._etags)}")

    def read_range(
        self, table: str, partition: str, wanted: RowRange, limit: int
    ) -> dict[str, Row]:
        found = (
            (key, _select(row, wanted.properties))
            for key, row in self.read_all(table, partition).items()
            if wanted.after < key < wanted.before and _is_wanted(row, wanted)
        )
        return dict(itertools.islice(found, limit))

    def read_all(self, table: str, partition: str, prefix: str = "") -> dict[str, Row]:
        return {
            key: row
            for (name, within, key), row in self._sorted()
            if (name, within) == (table, partition) and key.startswith(prefix)
        }

    def delete(self, table: str, partition: str, row_keys: Iterable[str]) -> None:
        for key in [*row_keys]:
            self._rows.pop((table, partition, key), None)

    def ping(self, table: str) -> None:
        """It answers."""

    def rows(self, table: str) -> Iterable[tuple[str, str, Row]]:
        for (name, partition, key), row in self._sorted():
            if name == table:
                yield partition, key, row

    def _sorted(self) -> list[tuple[tuple[str, str, str], Row]]:
        with self._lock:
            return sorted(self._rows.items(), key=lambda pair: pair[0])


def _is_wanted(row: Row, wanted: RowRange) -> bool:
    has_values = all(row.values.get(name) == value for name, value in wanted.equal.items())
    return has_values or row.values.get(wanted.or_marked) is True


def _select(row: Row, properties: tuple[str, ...] | None) -> Row:
    if properties is None:
        return row
    return Row({name: row.values[name] for name in properties if name in row.values}, row.etag)


def memory_rows() -> Rows:
    """The rows of an app, in a table of their own."""
    return Rows(MemoryTables(), "fanoutruns")
