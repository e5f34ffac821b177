"""Read Parquet blobs a row group at a time, and of that only the columns that are wanted.

A batch is a slice of a row group, which can only be decoded from its beginning. So the group that
was decoded last is kept: the batches of one mostly come one after the other.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from fanout.adapters.sources.blobs import BlobReader, BrokenSourceError, OpenBlob, read_range
from fanout.hints import did_you_mean
from fanout.models.plan import BlobRef, Cut
from fanout.models.request import BatchLimits
from fanout.splitting.rows import RowGroup, cut_rows

# A worker holds one decoded group.
MAX_ROW_GROUP_BYTES = 256 * 1_048_576
_KEPT_FOOTERS = 8
_decoding = threading.Lock()


class MissingColumnsError(BrokenSourceError):
    """A blob has not all columns that are to be read of it."""

    def __init__(self, ref: BlobRef, missing: list[str], names: list[str]) -> None:
        listed = ", ".join(f"'{name}'" for name in missing)
        hint = did_you_mean(missing[0], names)
        fault = f"has no column {listed}; it has {', '.join(names)}{hint}"
        super().__init__(ref, fault, "source.columns")


@dataclass(frozen=True)
class ParquetBlob:
    """The footer of a Parquet blob.

    Attributes:
        columns: The columns that are read, in order.
        groups: Its row groups.
    """

    columns: list[str]
    groups: list[RowGroup]

    @classmethod
    def open(cls, blob: OpenBlob, wanted_columns: list[str] | None) -> ParquetBlob:
        """Read the footer.

        Raises:
            BrokenSourceError: It is no Parquet, has not these columns, or too large row groups.
            SourceChangedError: It was written or deleted meanwhile.
        """
        import pyarrow as pa

        try:
            file = _open(blob.store, blob.ref, blob.size)
            names = list(file.schema_arrow.names)
        except (pa.ArrowException, OSError) as error:
            raise BrokenSourceError(blob.ref, f"is no Parquet: {error}") from error
        columns = _select_columns(blob, names, wanted_columns)
        groups = list(_groups(file.metadata, frozenset(columns)))
        for number, group in enumerate(groups):
            if group.size > MAX_ROW_GROUP_BYTES:
                fault = f"has {group.size} bytes in row group {number}, over {MAX_ROW_GROUP_BYTES}"
                raise BrokenSourceError(blob.ref, fault)
        return cls(columns, groups)

    def cuts(self, limits: BatchLimits, max_items: int | None) -> Iterator[Cut]:
        """Cut its rows."""
        return cut_rows(self.groups, limits, max_items)


def read_rows(store: BlobReader, ref: BlobRef, columns: list[str] | None, cut: Cut) -> bytes:
    """Read the rows of a batch as lines of JSON.

    Dates and times are text as ISO 8601 has it, decimals are text, bytes are Base64, and numbers
    that JSON has not (NaN, infinity) are null.

    Raises:
        SourceChangedError: The blob is not the one that was planned.
    """
    lines: list[bytes] = []
    row_number = cut.offset
    while row_number < cut.end:
        rows = _rows(store, ref, tuple(columns) if columns else None, row_number, cut.end)
        lines += (to_json(row, bytes_mode="base64", inf_nan_mode="null") for row in rows)
        row_number += len(rows)
    return b"".join(line + b"\n" for line in lines)


def _rows(
    store: BlobReader, ref: BlobRef, columns: tuple[str, ...] | None, begin: int, end: int
) -> list[Any]:
    """Read rows from `begin` on, up to `end` or to the end of the row group."""
    with _decoding:
        number, first = _group_of(_footer(store, ref).metadata, begin)
        table = _group(store, ref, number, columns)
    rows: list[Any] = table.slice(begin - first, end - begin).to_pylist()
    return rows


def _select_columns(
    blob: OpenBlob, names: list[str], wanted_columns: list[str] | None
) -> list[str]:
    if len(set(names)) < len(names):
        raise BrokenSourceError(blob.ref, "has columns of one name")
    missing = [name for name in wanted_columns or [] if name not in names]
    if missing:
        raise MissingColumnsError(blob.ref, missing, names)
    return wanted_columns or names


def _groups(metadata: Any, columns: frozenset[str]) -> Iterator[RowGroup]:
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        chunks = (group.column(index) for index in range(group.num_columns))
        sizes = (c.total_uncompressed_size for c in chunks if _is_in(c.path_in_schema, columns))
        yield RowGroup(group.num_rows, sum(sizes))


def _is_in(path: str, columns: frozenset[str]) -> bool:
    """Tell whether a leaf belongs to one of these columns; a name may have dots of its own."""
    names = path.split(".")
    return any(".".join(names[:count]) in columns for count in range(1, len(names) + 1))


def _group_of(metadata: Any, row: int) -> tuple[int, int]:
    """Find the group in which a row is, and the number of the group's first row."""
    first = 0
    for number in range(metadata.num_row_groups):
        rows = metadata.row_group(number).num_rows
        if row < first + rows:
            return number, first
        first += rows
    raise ValueError(f"the file has {first} rows; there is none of number {row}")


@lru_cache(maxsize=1)
def _group(store: BlobReader, ref: BlobRef, number: int, columns: tuple[str, ...] | None) -> Any:
    table = _footer(store, ref).read_row_group(number, columns=list(columns) if columns else None)
    return table.select(list(columns)) if columns else table


@lru_cache(maxsize=_KEPT_FOOTERS)
def _footer(store: BlobReader, ref: BlobRef) -> Any:
    properties = store.properties(ref.container, ref.blob)
    return _open(store, ref, properties.size if properties else 0)


def _open(store: BlobReader, ref: BlobRef, size: int) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pa.PythonFile(_RangedBlob(store, ref, size), mode="r")
    return pq.ParquetFile(file, pre_buffer=True)


class _RangedBlob(io.RawIOBase):
    """A blob as a file that is read in ranges."""

    def __init__(self, store: BlobReader, ref: BlobRef, size: int) -> None:
        self._store = store
        self._ref = ref
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        self._position = origins[whence] + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._position)
        length = left if size < 0 else min(size, left)
        data = read_range(self._store, self._ref, self._position, length)
        self._position += len(data)
        return data
