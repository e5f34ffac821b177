"""Decode row groups of a Parquet blob, one at a time, and name what is wrong with them.

A batch is a slice of a row group, which can only be decoded from its beginning. So the groups that
were decoded last are kept, or what is wrong with them: the batches of one mostly come one after the
other, and those of some groups by turns.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fanout.adapters.sources.blobs import BlobReader
from fanout.adapters.sources.parquet.files import ParquetFile, kept_file, reading
from fanout.models.plan import BlobRef
from fanout.printable import describe_error

# The last group is kept however large it is.
MAX_KEPT_BYTES = 128 * 1_048_576
MAX_KEPT_GROUPS = 256


@dataclass(frozen=True, eq=False)
class DecodedGroup:
    """A row group.

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


class _GroupKey(NamedTuple):
    store: BlobReader
    ref: BlobRef
    columns: tuple[str, ...] | None
    number: int


class _KeptGroups:
    """The groups that were used last, in bounded memory; whoever uses it holds `reading`."""

    def __init__(self) -> None:
        self._groups: OrderedDict[_GroupKey, DecodedGroup] = OrderedDict()

    def find(self, key: _GroupKey) -> DecodedGroup | None:
        if key in self._groups:
            self._groups.move_to_end(key)
        return self._groups.get(key)

    def add(self, key: _GroupKey, group: DecodedGroup) -> None:
        self._groups[key] = group
        while len(self._groups) > 1 and self._is_too_much():
            self._groups.popitem(last=False)

    def _is_too_much(self) -> bool:
        size = sum(group.size for group in self._groups.values())
        return size > MAX_KEPT_BYTES or len(self._groups) > MAX_KEPT_GROUPS


_kept = _KeptGroups()


def decode_group_of(
    store: BlobReader, ref: BlobRef, columns: tuple[str, ...] | None, row: int
) -> DecodedGroup:
    """Decode the row group in which a row is.

    Raises:
        SourceChangedError: The blob is not the one that was planned.
        ValueError: There is no such row.
    """
    with reading:
        number, first_row, rows = _find_group(kept_file(store, ref).file.metadata, row)
        key = _GroupKey(store, ref, columns, number)
        group = _kept.find(key)
        if group is None:
            group = _decode(key, first_row, rows)
            _kept.add(key, group)
        return group


def _find_group(metadata: Any, row: int) -> tuple[int, int, int]:
    """Find the group in which a row is, its first row, and how many it has."""
    first = 0
    for number in range(metadata.num_row_groups):
        rows = metadata.row_group(number).num_rows
        if row < first + rows:
            return number, first, rows
        first += rows
    raise ValueError(f"the file has {first} rows; there is none of number {row}")


def _decode(key: _GroupKey, first_row: int, rows: int) -> DecodedGroup:
    file, number = kept_file(key.store, key.ref), key.number
    names = list(key.columns or file.names)
    try:
        with file.blob.store_errors():
            table = _read(file.file, number, names, rows)
            coarse = _read_coarse(file, number, names, rows)
    except Exception as error:
        if file.blob.has_failed:
            raise
        fault = f"row group {number} cannot be decoded: {_find_fault(file, number, names, error)}"
        return DecodedGroup(number, first_row, rows, None, fault=fault)
    return DecodedGroup(number, first_row, rows, table, coarse)


def _read(file: Any, number: int, names: list[str], rows: int) -> Any:
    table = file.read_row_group(number, columns=names).select(names)
    if table.num_rows != rows:
        raise ValueError(f"it has {table.num_rows} rows, and {rows} by the footer")
    table.validate()
    return table


def _read_coarse(file: ParquetFile, number: int, names: list[str], rows: int) -> dict[str, Any]:
    """Read the columns with INT96 timestamps in milliseconds."""
    if file.coarse is None:
        return {}
    fine, coarse = file.file.schema_arrow, file.coarse.schema_arrow
    int96 = [name for name in names if fine.field(name).type != coarse.field(name).type]
    if not int96:
        return {}
    return dict(zip(int96, _read(file.coarse, number, int96, rows).columns, strict=True))


def _find_fault(file: ParquetFile, number: int, names: list[str], error: Exception) -> str:
    """Describe the fault, with the first column that cannot be decoded alone either."""
    if len(names) == 1:
        return f"column '{names[0]}': {describe_error(error)}"
    for name in names:
        try:
            with file.blob.store_errors():
                file.file.read_row_group(number, columns=[name])
        except Exception as own_error:
            if file.blob.has_failed:
                raise
            return f"column '{name}': {describe_error(own_error)}"
    return describe_error(error)
