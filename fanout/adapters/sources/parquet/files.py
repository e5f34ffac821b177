"""Open a Parquet blob by PyArrow; what is wrong with its footer is told apart from its store."""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from fanout.adapters.sources.blobs import BlobReader, BrokenSourceError
from fanout.adapters.sources.parquet.leaves import (
    FIRST_READ_BYTES,
    GroupFooter,
    footer_bytes,
    read_group_footers,
)
from fanout.adapters.sources.parquet.ranged_blob import RangedBlob
from fanout.adapters.sources.parquet.thrift import ThriftError
from fanout.errors import SourceChangedError
from fanout.models.plan import BlobRef
from fanout.printable import describe_error

# Decoded it takes up to thirty times as much memory; ten thousand columns take a megabyte a row
# group.
MAX_FOOTER_BYTES = 16 * 1_048_576
# One file is read by one thread at a time: it has one position, and notes one error.
reading = threading.Lock()


@dataclass(frozen=True, eq=False)
class ParquetFile:
    """A Parquet blob with its footer read.

    Attributes:
        blob: Its bytes.
        file: PyArrow's view of it.
        coarse: The same with INT96 timestamps in milliseconds, which hold every one of them but
            not all of their digits; None if it has none.
        groups: What its footer says of its row groups.
    """

    blob: RangedBlob
    file: Any
    coarse: Any | None
    groups: list[GroupFooter]

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return list(self.file.schema_arrow.names)

    @cached_property
    def _ends(self) -> list[int]:
        """The number of the row behind the last of each group."""
        return list(accumulate(group.rows for group in self.groups))

    def find_group(self, row: int) -> tuple[int, int]:
        """Find the group in which a row is, and the number of its first row.

        Raises:
            ValueError: There is no such row.
        """
        number = bisect_right(self._ends, row)
        if number == len(self._ends):
            rows = self._ends[-1] if self._ends else 0
            raise ValueError(f"the file has {rows} rows; there is none of number {row}")
        return number, self._ends[number] - self.groups[number].rows


def open_file(store: BlobReader, ref: BlobRef, size: int) -> ParquetFile:
    """Read the footer of a blob.

    Raises:
        BrokenSourceError: It is no Parquet, or encrypted, or its footer is damaged.
        SourceChangedError: It was written or deleted meanwhile.
    """
    import pyarrow as pa

    blob = RangedBlob(store, ref, size)
    try:
        with blob.store_errors():
            blob.hold([(max(0, size - FIRST_READ_BYTES), size)])
            # First: PyArrow makes more of what no writer would write, a kilobyte of some bytes.
            groups = _read_groups(blob, ref, size)
            return _open(blob, groups)
    except ThriftError as error:
        raise BrokenSourceError(ref, f"has a damaged footer: {error}") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        if blob.has_failed:
            raise
        raise BrokenSourceError(ref, f"is no Parquet: {describe_error(error)}") from error
    finally:
        blob.release()


def _read_groups(blob: RangedBlob, ref: BlobRef, size: int) -> list[GroupFooter]:
    """Read what the footer says of row groups; of what has no footer, PyArrow tells what it is."""
    length = footer_bytes(blob.take, size)
    if not 0 < length <= size:
        return []
    if length > MAX_FOOTER_BYTES:
        fault = f"has a footer of {length} bytes; {MAX_FOOTER_BYTES} are read"
        raise BrokenSourceError(ref, fault)
    return read_group_footers(blob.take, size)


def _open(blob: RangedBlob, groups: list[GroupFooter]) -> ParquetFile:
    import pyarrow.parquet as pq

    # A page that differs from its checksum would give other values in silence. And what PyArrow
    # reads ahead it keeps until it reads more; the blob holds the columns that it reads.
    options: dict[str, Any] = {"pre_buffer": False, "page_checksum_verification": True}
    file = pq.ParquetFile(blob.as_arrow(), **options)
    schema = file.schema
    file.schema_arrow  # noqa: B018  a column that Arrow has no type for raises here
    coarse = None
    if any(schema.column(leaf).physical_type == "INT96" for leaf in range(len(schema))):
        options |= {"metadata": file.metadata, "coerce_int96_timestamp_unit": "ms"}
        coarse = pq.ParquetFile(blob.as_arrow(), **options)
    return ParquetFile(blob, file, coarse, groups)


def open_planned_file(store: BlobReader, ref: BlobRef) -> ParquetFile:
    """Open a blob that was planned.

    Raises:
        BrokenSourceError: As of `open_file`.
        SourceChangedError: There is another version, or none.
    """
    properties = store.properties(ref.container, ref.blob)
    if properties is None or (ref.etag is not None and properties.etag != ref.etag):
        raise SourceChangedError(ref.blob)
    return open_file(store, ref, properties.size)
