"""Decode row groups of a Parquet blob, one at a time, and name what is wrong with them.

A batch is a slice of a row group, which can only be decoded from its beginning. So the groups that
were decoded last are kept, or what is wrong with them: the batches of one mostly come one after the
other, and those of some groups by turns. A group that may take more memory than a batch has is
decoded in windows of consecutive rows, each of which is kept as a group is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import Any, NamedTuple

from fanout.adapters.sources.blobs import BlobReader
from fanout.adapters.sources.parquet.files import ParquetFile, open_planned_file, reading
from fanout.adapters.sources.parquet.python_sizes import python_bytes
from fanout.adapters.sources.parquet.windows import UndecodableError, Windows, open_windows
from fanout.models.plan import BlobRef
from fanout.splitting.sizes.budget import DEFAULT_BATCH_BYTES

# The last group is kept however large it is.
MAX_KEPT_BYTES = 128 * 1_048_576
MAX_KEPT_GROUPS = 256
MAX_KEPT_FILES = 8


@dataclass(frozen=True, eq=False)
class DecodedGroup:
    """A row group, or a window of one.

    Attributes:
        number: Which of the file, from 0.
        first_row: Number of its first row in the file, from 0.
        rows: How many it has.
        table: Its columns, those alone that are wanted; None if it cannot be decoded.
        coarse: Those columns with INT96 timestamps, in milliseconds.
        fault: Why it cannot be decoded; empty if it can.
    """

    number: int
    first_row: int
    rows: int
    table: Any | None
    coarse: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def end(self) -> int:
        """Number of the row behind its last."""
        return self.first_row + self.rows

    @property
    def size(self) -> int:
        """How many bytes of memory its values take."""
        tables = [] if self.table is None else [self.table, *self.coarse.values()]
        return sum(table.nbytes for table in tables)

    @cached_property
    def python_bytes(self) -> int:
        """How much memory all rows take as Python has them."""
        return 0 if self.table is None else python_bytes(self.table)


class _GroupKey(NamedTuple):
    store: BlobReader
    ref: BlobRef
    columns: tuple[str, ...] | None
    number: int
    max_bytes: int


class _WindowKey(NamedTuple):
    group: _GroupKey
    window: int


class _KeptGroups:
    """The groups that were used last, in bounded memory; whoever uses it holds `reading`."""

    def __init__(self) -> None:
        self._groups: OrderedDict[_WindowKey, DecodedGroup] = OrderedDict()

    def find(self, key: _WindowKey) -> DecodedGroup | None:
        if key in self._groups:
            self._groups.move_to_end(key)
        return self._groups.get(key)

    def make_room(self, max_bytes: int) -> None:
        """Forget groups until those that are kept and another one of so many bytes fit."""
        while self._groups and self._size + max_bytes > MAX_KEPT_BYTES:
            self._groups.popitem(last=False)

    def add(self, key: _WindowKey, group: DecodedGroup) -> None:
        self._groups[key] = group
        while len(self._groups) > 1 and self._is_too_much():
            self._groups.popitem(last=False)

    @property
    def _size(self) -> int:
        return sum(group.size for group in self._groups.values())

    def _is_too_much(self) -> bool:
        return self._size > MAX_KEPT_BYTES or len(self._groups) > MAX_KEPT_GROUPS


_kept = _KeptGroups()


class _OpenFile(NamedTuple):
    """A file and how its groups are decoded, by what `open_windows` takes besides.

    The two are forgotten together: the windows read by the file, and what is held of its bytes is
    released by it.
    """

    file: ParquetFile
    windows: Callable[[int, tuple[str, ...], int], Windows | str]


@lru_cache(maxsize=MAX_KEPT_FILES)
def _open(store: BlobReader, ref: BlobRef) -> _OpenFile:
    """Open a blob that was planned; the last few stay open."""
    file = open_planned_file(store, ref)
    return _OpenFile(file, lru_cache(maxsize=MAX_KEPT_GROUPS)(partial(open_windows, file)))


def decode_group_of(
    store: BlobReader,
    ref: BlobRef,
    columns: tuple[str, ...] | None,
    row: int,
    max_bytes: int = DEFAULT_BATCH_BYTES,
) -> DecodedGroup:
    """Decode the row group in which a row is, or as much of it as fits into memory.

    Args:
        store: Where the blob is.
        ref: The blob.
        columns: The columns that are wanted; None is all.
        row: The number of the row.
        max_bytes: How much memory the values may take.

    Raises:
        SourceChangedError: The blob is not the one that was planned.
        ValueError: There is no such row.
    """
    with reading:
        opened = _open(store, ref)
        try:
            return _find_window(opened, _GroupKey(store, ref, columns, 0, max_bytes), row)
        finally:
            opened.file.blob.release()


def _find_window(opened: _OpenFile, key: _GroupKey, row: int) -> DecodedGroup:
    number, first_row = opened.file.find_group(row)
    key = key._replace(number=number)
    windows = opened.windows(number, key.columns or (), key.max_bytes)
    if isinstance(windows, str):
        rows = opened.file.groups[number].rows
        return DecodedGroup(number, first_row, rows, None, fault=windows)
    window_key = _WindowKey(key, (row - first_row) // windows.rows)
    group = _kept.find(window_key)
    if group is None:
        _kept.make_room(windows.size)
        group = _decode(window_key, windows, first_row)
        _kept.add(window_key, group)
    return group


def _decode(key: _WindowKey, windows: Windows, first_row: int) -> DecodedGroup:
    begin, rows = windows.bounds(key.window)
    number, first_row = key.group.number, first_row + begin
    try:
        table, coarse = windows.read(key.window)
    except UndecodableError as error:
        return DecodedGroup(number, first_row, rows, None, fault=str(error))
    return DecodedGroup(number, first_row, rows, table, coarse)
