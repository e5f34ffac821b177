"""Decode a row group whole, or a window of rows at a time where the whole may be too large."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from fanout.adapters.sources.parquet.files import ParquetFile, reading
from fanout.adapters.sources.parquet.group_sizes import GroupSize, measure_group
from fanout.adapters.sources.parquet.leaves import GroupFooter
from fanout.adapters.sources.parquet.list_texts import count_list_texts
from fanout.printable import describe_error

# The columns of some rows, and those of them with INT96 timestamps once more in milliseconds.
Decoded = tuple[Any, Mapping[str, Any]]
# So long a group waits for whoever reads its next window; the batches between may be slow.
IDLE_SECONDS = 300.0


class UndecodableError(ValueError):
    """Rows of a group cannot be decoded."""


def open_windows(
    file: ParquetFile, number: int, columns: tuple[str, ...], max_bytes: int
) -> Windows | str:
    """Learn how a row group can be decoded, or why it cannot.

    Args:
        file: The file.
        number: Which of its groups, from 0.
        columns: The columns that are wanted; none is all.
        max_bytes: How much memory their values may take.
    """
    names = list(columns) or file.names
    try:
        with file.blob.store_errors():
            size = _measure(file, number, names, max_bytes)
    except Exception as error:  # whatever its bytes make of it, other groups can be read
        if file.blob.has_failed:
            raise
        return f"row group {number} cannot be decoded: {describe_error(error)}"
    return Windows(file, number, names, file.groups[number].rows, size, max_bytes)


def _measure(file: ParquetFile, number: int, names: list[str], max_bytes: int) -> GroupSize:
    blob, group = file.blob, file.groups[number]
    blob.hold(_ranges(file, group, names, max_bytes))

    def count_texts(leaf: int) -> int | None:
        return count_list_texts(file.file, blob.as_arrow(), number, leaf, max_bytes)

    return measure_group(blob, group, frozenset(names), max_bytes, count_texts)


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of one row group; whoever reads one holds `files.reading`.

    The bytes that it reads stay held by the blob.

    Attributes:
        group_rows: How many rows the group has.
        max_bytes: How much memory the values of a window may take.
    """

    file: ParquetFile
    number: int
    names: list[str]
    group_rows: int
    group_size: GroupSize
    max_bytes: int

    @property
    def rows(self) -> int:
        """How many rows a window has; the last one may have fewer."""
        return self.group_size.window(max(1, self.group_rows), self.max_bytes)

    @property
    def size(self) -> int:
        """How much memory one may take."""
        return self.group_size.texts + self.group_size.row * self.rows

    def bounds(self, window: int) -> tuple[int, int]:
        """The first row of a window in its group, and how many it has."""
        begin = window * self.rows
        return begin, min(self.rows, self.group_rows - begin)

    def read(self, window: int) -> Decoded:
        """Decode a window.

        Raises:
            UndecodableError: It says with the first column why it cannot be decoded.
        """
        try:
            with self.file.blob.store_errors():
                return self._read(window)
        except Exception as error:
            if self.file.blob.has_failed:
                raise
            fault = self._find_fault(error)
            raise UndecodableError(f"row group {self.number} cannot be decoded: {fault}") from error

    def _read(self, window: int) -> Decoded:
        is_whole = self.rows >= self.group_rows
        return self._read_whole() if is_whole else _progress.read(self, window)

    def _hold(self) -> None:
        group = self.file.groups[self.number]
        self.file.blob.hold(_ranges(self.file, group, self.names, self.max_bytes))

    def _read_whole(self) -> Decoded:
        self._hold()
        table = self.file.file.read_row_group(self.number, columns=self.names).select(self.names)
        int96 = self._int96_names
        if not int96 or self.file.coarse is None:
            return _check(table, self.group_rows), {}
        coarse = self.file.coarse.read_row_group(self.number, columns=int96).select(int96)
        columns = _check(coarse, self.group_rows).columns
        return _check(table, self.group_rows), dict(zip(int96, columns, strict=True))

    def iterate(self) -> Iterator[Decoded]:
        """Decode one window after the other, from the first on."""
        import pyarrow as pa

        self._hold()
        int96 = self._int96_names
        fine = self._batches_of(self.file.file, self.names)
        coarse = self._batches_of(self.file.coarse, int96) if int96 else None
        pairs = zip(fine, coarse or repeat(None), strict=coarse is not None)
        for number, (batch, coarse_batch) in enumerate(pairs):
            rows = self.bounds(number)[1]
            table = _check(pa.Table.from_batches([batch]).select(self.names), rows)
            if coarse_batch is None:
                yield table, {}
                continue
            part = _check(pa.Table.from_batches([coarse_batch]).select(int96), rows)
            yield table, dict(zip(int96, part.columns, strict=True))

    def _batches_of(self, file: Any, names: list[str]) -> Iterator[Any]:
        batches: Iterator[Any] = file.iter_batches(
            batch_size=self.rows, row_groups=[self.number], columns=names
        )
        return batches

    @property
    def _int96_names(self) -> list[str]:
        """The columns with INT96 timestamps."""
        if self.file.coarse is None:
            return []
        fine, coarse = self.file.file.schema_arrow, self.file.coarse.schema_arrow
        return [name for name in self.names if fine.field(name).type != coarse.field(name).type]

    def _find_fault(self, error: Exception) -> str:
        """Describe the fault, with the first column that cannot be decoded alone either."""
        for name in self.names if len(self.names) > 1 else ():
            try:
                with self.file.blob.store_errors():
                    for _ in self._batches_of(self.file.file, [name]):
                        pass
            except Exception as own_error:
                if self.file.blob.has_failed:
                    raise
                return f"column '{name}': {describe_error(own_error)}"
        if len(self.names) == 1:
            return f"column '{self.names[0]}': {describe_error(error)}"
        return describe_error(error)


class _Progress:
    """How far a group is decoded window by window: of one at a time the pages are in memory.

    They are in no account of memory. So they are forgotten with the last window, with an error,
    and when nobody reads on for a while: a run may end midway.
    """

    def __init__(self) -> None:
        self._reads = 0
        self._timer: threading.Timer | None = None
        self.close()

    def close(self) -> None:
        """Forget it; its next window is decoded from the beginning of the group."""
        self._windows: Windows | None = None
        self._batches: Iterator[Decoded] = iter(())
        self._next = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def read(self, windows: Windows, window: int) -> Decoded:
        if self._windows is not windows or window < self._next:
            self.close()
            self._windows, self._batches = windows, windows.iterate()
        try:
            decoded = self._find(window)
        except BaseException:
            self.close()
            raise
        if sum(windows.bounds(window)) == windows.group_rows:
            self.close()
        else:
            self._watch()
        return decoded

    def _find(self, window: int) -> Decoded:
        for decoded in self._batches:
            self._next += 1
            if self._next > window:
                return decoded
        raise ValueError("it has fewer rows than by the footer")

    def _watch(self) -> None:
        self._reads += 1
        if self._timer is None:
            self._timer = threading.Timer(IDLE_SECONDS, self._close_if_idle, [self._reads])
            self._timer.daemon = True
            self._timer.start()

    def _close_if_idle(self, reads: int) -> None:
        with reading:
            self._timer = None
            if reads == self._reads:
                self.close()
            elif self._windows is not None:
                self._watch()


_progress = _Progress()


def _ranges(
    file: ParquetFile, group: GroupFooter, names: list[str], max_bytes: int
) -> list[tuple[int, int]]:
    """Where the bytes of some columns are.

    Raises:
        ValueError: They are not in the blob, or too many to be in memory.
    """
    columns = frozenset(names)
    leaves = [leaf for leaf in group.leaves if leaf.column in columns]
    stored = sum(leaf.stored for leaf in leaves)
    if stored > max_bytes:
        raise ValueError(f"its columns take {stored} bytes in the file, over {max_bytes}")
    ranges = [(leaf.begin, leaf.begin + leaf.stored) for leaf in leaves]
    if any(not 0 <= begin <= end <= file.blob.size for begin, end in ranges):
        raise ValueError("its columns are not within the file, by the footer")
    return ranges


def _check(table: Any, rows: int) -> Any:
    if table.num_rows != rows:
        raise ValueError(f"it has {table.num_rows} rows, and {rows} by the footer")
    table.validate()
    return table
