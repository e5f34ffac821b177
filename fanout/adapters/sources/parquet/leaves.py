"""What the footer of a Parquet file says of its row groups and their leaf columns.

Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fanout.adapters.sources.parquet.thrift import Struct, ThriftError, decode_struct

# The file ends with the length of the footer, and "PAR1".
_TAIL_BYTES = 8
_MAGIC = b"PAR1"
# Most footers are within so many bytes of the end.
FIRST_READ_BYTES = 64 * 1024
# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
_SCHEMA, _ROW_GROUPS = 2, 4
_COLUMNS, _ROWS = 1, 3
_COLUMN_METADATA, _CRYPTO_METADATA = 3, 8
_PATH, _CODEC, _VALUES, _UNCOMPRESSED_BYTES, _COMPRESSED_BYTES = 3, 4, 5, 6, 7
_DATA_OFFSET, _DICTIONARY_OFFSET = 9, 11
# Fields of SchemaElement, and what they have.
_TYPE, _TYPE_LENGTH, _REPETITION, _CHILDREN, _CONVERTED_TYPE, _LOGICAL_TYPE = 1, 2, 3, 5, 6, 10
_BYTE_ARRAY, _FIXED_LENGTH = 6, 7
_REPEATED = 2
_DECIMAL = 5
_DECIMAL_BYTES = 32

ReadRange = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf column in one row group.

    Attributes:
        column: The column of the table that it is in; None if its metadata are encrypted.
        values: How many values it has, nulls and empty lists included.
        size: Bytes, uncompressed.
        begin: Where its pages are in the blob.
        stored: How many bytes they take there.
        codec: How they are compressed: a number of the format.
        kind: What its values are.
        is_encrypted: Whether its pages are; then nobody decodes them.
    """

    column: str | None
    values: int
    size: int
    begin: int = 0
    stored: int = 0
    codec: int = 0
    kind: "LeafKind | None" = None
    is_encrypted: bool = False

    @property
    def is_text(self) -> bool:
        """Whether its values are of any length."""
        return self.kind is not None and self.kind.is_text

    @property
    def is_repeated(self) -> bool:
        """Whether a row may have any number of its values."""
        return self.kind is not None and self.kind.is_repeated

    @property
    def width(self) -> int:
        """How many bytes each value takes in memory; those of texts are not counted."""
        return 0 if self.kind is None else self.kind.width


@dataclass(frozen=True, slots=True)
class LeafKind:
    """What the schema says of a leaf column; `Leaf` says what of it."""

    is_text: bool
    is_repeated: bool
    width: int


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


def read_group_footers(read: ReadRange, size: int) -> list[GroupFooter]:
    """Read of each row group what the footer says.

    Args:
        read: Reads a range of the blob: so many bytes from an offset on.
        size: Bytes of the blob.

    Raises:
        ThriftError: The footer is malformed.
        SourceChangedError: The blob was written or deleted meanwhile.
    """
    footer = decode_struct(_read_footer(read, size))
    try:
        kinds = list(_leaf_kinds(footer[_SCHEMA]))
        return [_group_footer(group, kinds) for group in footer[_ROW_GROUPS]]
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ThriftError("a row group has no such fields as the format asks for") from error


def footer_bytes(read: ReadRange, size: int) -> int:
    """Tell how long the footer says that it is; 0 where the blob is no Parquet."""
    tail = read(max(0, size - _TAIL_BYTES), min(size, _TAIL_BYTES))
    if len(tail) < _TAIL_BYTES or not tail.endswith(_MAGIC):
        return 0
    return int(struct.unpack_from("<I", tail)[0])


def _read_footer(read: ReadRange, size: int) -> bytes:
    length = min(FIRST_READ_BYTES, size)
    end = read(size - length, length)
    (footer_bytes,) = struct.unpack_from("<I", end, len(end) - _TAIL_BYTES)
    if footer_bytes + _TAIL_BYTES <= len(end):
        return end[-footer_bytes - _TAIL_BYTES : -_TAIL_BYTES]
    if footer_bytes + _TAIL_BYTES > size:
        raise ThriftError("it is longer than the blob")
    return read(size - _TAIL_BYTES - footer_bytes, footer_bytes)


def _leaf_kinds(schema: list[Struct]) -> Iterator[LeafKind]:
    """What each leaf column is, in order: the schema lists a tree from its root, depth first."""
    levels: list[tuple[int, bool]] = []  # children to come, and whether something above repeats
    for element in schema:
        is_repeated = element.get(_REPETITION) == _REPEATED or (bool(levels) and levels[-1][1])
        if levels:
            levels[-1] = (levels[-1][0] - 1, levels[-1][1])
        if _TYPE in element:
            yield _leaf_kind(element, is_repeated)
        else:
            levels.append((element.get(_CHILDREN, 0), is_repeated))
        while levels and levels[-1][0] == 0:
            levels.pop()


def _leaf_kind(element: Struct, is_repeated: bool) -> LeafKind:
    kind = element[_TYPE]
    logical = element.get(_LOGICAL_TYPE, {})
    if element.get(_CONVERTED_TYPE) == _DECIMAL or _DECIMAL in logical:
        width = max(_DECIMAL_BYTES, element.get(_TYPE_LENGTH, 0))
    elif kind == _FIXED_LENGTH:
        width = element[_TYPE_LENGTH]
    else:
        width = 0 if kind == _BYTE_ARRAY else 8
    return LeafKind(kind == _BYTE_ARRAY, is_repeated, width)


def _group_footer(group: Struct, kinds: list[LeafKind]) -> GroupFooter:
    columns = zip(group[_COLUMNS], kinds, strict=True)
    return GroupFooter(int(group[_ROWS]), [_leaf(column, kind) for column, kind in columns])


def _leaf(column: Struct, kind: LeafKind) -> Leaf:
    metadata = column.get(_COLUMN_METADATA)
    if metadata is None:
        return Leaf(None, 0, 0)
    offsets = [metadata[_DATA_OFFSET], metadata.get(_DICTIONARY_OFFSET, 0)]
    return Leaf(
        metadata[_PATH][0].decode(),
        int(metadata[_VALUES]),
        int(metadata[_UNCOMPRESSED_BYTES]),
        min((offset for offset in offsets if offset > 0), default=0),
        int(metadata[_COMPRESSED_BYTES]),
        int(metadata[_CODEC]),
        kind,
        _CRYPTO_METADATA in column,
    )
