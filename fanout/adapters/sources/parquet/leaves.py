"""What the footer of a Parquet file says of its row groups and their leaf columns.

Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import struct
from dataclasses import dataclass

from fanout.adapters.sources.blobs import OpenBlob
from fanout.adapters.sources.parquet.thrift import Struct, ThriftError, decode_struct

# The file ends with the length of the footer, and "PAR1".
_TAIL_BYTES = 8
# Most footers are within so many bytes of the end.
_FIRST_READ_BYTES = 64 * 1024
# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
_ROW_GROUPS = 4
_COLUMNS, _ROWS = 1, 3
_COLUMN_METADATA = 3
_PATH, _VALUES, _UNCOMPRESSED_BYTES = 3, 5, 6


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf column in one row group.

    Attributes:
        column: The column of the table that it is in; None if its metadata are encrypted.
        values: How many values it has, nulls and empty lists included.
        size: Bytes, uncompressed.
    """

    column: str | None
    values: int
    size: int


@dataclass(frozen=True, slots=True)
class GroupFooter:
    """A row group as the footer describes it."""

    rows: int
    leaves: list[Leaf]

    def size(self, columns: frozenset[str]) -> int:
        """Bytes of some columns."""
        return sum(leaf.size for leaf in self.leaves if leaf.column in columns)

    @property
    def is_possible(self) -> bool:
        """Whether it can have so many rows: each has a value at least in every leaf."""
        if any(leaf.column is None for leaf in self.leaves):
            return self.rows >= 0
        return 0 <= self.rows <= max((leaf.values for leaf in self.leaves), default=0)


def read_group_footers(blob: OpenBlob) -> list[GroupFooter]:
    """Read of each row group what the footer says.

    Raises:
        ThriftError: The footer is malformed.
        SourceChangedError: The blob was written or deleted meanwhile.
    """
    footer = decode_struct(_read_footer(blob))
    try:
        return [_group_footer(group) for group in footer[_ROW_GROUPS]]
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ThriftError("a row group has no such fields as the format asks for") from error


def _read_footer(blob: OpenBlob) -> bytes:
    length = min(_FIRST_READ_BYTES, blob.size)
    end = blob.read(blob.size - length, length)
    (footer_bytes,) = struct.unpack_from("<I", end, len(end) - _TAIL_BYTES)
    if footer_bytes + _TAIL_BYTES <= len(end):
        return end[-footer_bytes - _TAIL_BYTES : -_TAIL_BYTES]
    if footer_bytes + _TAIL_BYTES > blob.size:
        raise ThriftError("it is longer than the blob")
    return blob.read(blob.size - _TAIL_BYTES - footer_bytes, footer_bytes)


def _group_footer(group: Struct) -> GroupFooter:
    return GroupFooter(int(group[_ROWS]), [_leaf(column) for column in group[_COLUMNS]])


def _leaf(column: Struct) -> Leaf:
    metadata = column.get(_COLUMN_METADATA)
    if metadata is None:
        return Leaf(None, 0, 0)
    name = metadata[_PATH][0].decode()
    return Leaf(name, int(metadata[_VALUES]), int(metadata[_UNCOMPRESSED_BYTES]))
