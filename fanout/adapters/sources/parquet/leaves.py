"""What the footer of a Parquet file says of its row groups and their leaf columns.

Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from fanout.adapters.sources.parquet.thrift import (
    NOTHING,
    Layout,
    Struct,
    ThriftError,
    decode_struct,
)

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
_KEPT_KINDS = 256
# PyArrow takes a kilobyte for each, and sixteen MiB of footer have no more that are whole.
MAX_LEAVES = 300_000
# For each node of the schema, too, of which there is one for all row groups.
MAX_NODES = 50_000

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
    try:
        footer = decode_struct(_read_footer(read, size), _FILE)
        if len(footer[_SCHEMA]) > MAX_NODES:
            raise ThriftError(f"its schema has {len(footer[_SCHEMA])} nodes; {MAX_NODES} are read")
        kinds = list(_leaf_kinds(footer[_SCHEMA]))
        groups: list[GroupFooter] = footer[_ROW_GROUPS]
        if len(groups) * len(kinds) > MAX_LEAVES:
            many = f"it has {len(groups)} row groups of {len(kinds)} columns"
            raise ThriftError(f"{many}; {MAX_LEAVES} columns in all are read")
        return [_with_kinds(group, kinds) for group in groups]
    except ThriftError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError) as error:
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


class _Element(NamedTuple):
    """A node of the schema: a leaf column if it has a kind."""

    is_repeated: bool
    children: int
    kind: LeafKind | None


def _leaf_kinds(schema: Iterable[_Element]) -> Iterator[LeafKind]:
    """What each leaf column is, in order: the schema lists a tree from its root, depth first."""
    levels: list[tuple[int, bool]] = []  # children to come, and whether something above repeats
    for element in schema:
        is_repeated = element.is_repeated or (bool(levels) and levels[-1][1])
        if levels:
            levels[-1] = (levels[-1][0] - 1, levels[-1][1])
        if element.kind is not None:
            yield _leaf_kind(element.kind.is_text, is_repeated, element.kind.width)
        else:
            levels.append((element.children, is_repeated))
        while levels and levels[-1][0] == 0:
            levels.pop()


@lru_cache(maxsize=_KEPT_KINDS)
def _leaf_kind(is_text: bool, is_repeated: bool, width: int) -> LeafKind:
    """Make one of each: thousands of columns are of the same."""
    return LeafKind(is_text, is_repeated, width)


def _element(fields: Struct) -> _Element:
    logical = fields.get(_LOGICAL_TYPE, {})
    is_decimal = fields.get(_CONVERTED_TYPE) == _DECIMAL or _DECIMAL in logical
    return _make_element(
        fields.get(_TYPE),
        fields.get(_TYPE_LENGTH),
        fields.get(_REPETITION),
        fields.get(_CHILDREN, 0),
        is_decimal,
    )


@lru_cache(maxsize=_KEPT_KINDS)
def _make_element(
    kind: int | None, length: int | None, repetition: int | None, children: int, is_decimal: bool
) -> _Element:
    is_repeated = repetition == _REPEATED
    if kind is None:
        return _Element(is_repeated, _whole(children), None)
    if is_decimal:
        width = max(_DECIMAL_BYTES, _whole(length or 0))
    elif kind == _FIXED_LENGTH:
        width = _whole(length)
    else:
        width = 0 if kind == _BYTE_ARRAY else 8
    return _Element(is_repeated, 0, _leaf_kind(kind == _BYTE_ARRAY, is_repeated, width))


def _whole(number: Any) -> int:
    """Insist that something is a whole number."""
    if not isinstance(number, int):
        raise TypeError
    return number


def _group_footer(fields: Struct) -> GroupFooter:
    return GroupFooter(_whole(fields[_ROWS]), fields[_COLUMNS])


def _with_kinds(group: GroupFooter, kinds: list[LeafKind]) -> GroupFooter:
    """Say of each leaf what the schema says, which may come after the row groups."""
    columns = zip(group.leaves, kinds, strict=True)
    return GroupFooter(group.rows, [replace(leaf, kind=kind) for leaf, kind in columns])


def _leaf(column: Struct) -> Leaf:
    is_encrypted = _CRYPTO_METADATA in column
    if is_encrypted and _COLUMN_METADATA not in column:
        return _ENCRYPTED_LEAF
    metadata = column[_COLUMN_METADATA]
    offsets = [_whole(metadata[_DATA_OFFSET]), _whole(metadata.get(_DICTIONARY_OFFSET, 0))]
    return Leaf(
        metadata[_PATH][0].decode(),
        _whole(metadata[_VALUES]),
        _whole(metadata[_UNCOMPRESSED_BYTES]),
        min((offset for offset in offsets if offset > 0), default=0),
        _whole(metadata[_COMPRESSED_BYTES]),
        _whole(metadata[_CODEC]),
        is_encrypted=is_encrypted,
    )


_ENCRYPTED_LEAF = Leaf(None, 0, 0)
_METADATA = Layout(
    dict.fromkeys(
        [
            _PATH,
            _CODEC,
            _VALUES,
            _UNCOMPRESSED_BYTES,
            _COMPRESSED_BYTES,
            _DATA_OFFSET,
            _DICTIONARY_OFFSET,
        ]
    )
)
_COLUMN = Layout({_COLUMN_METADATA: _METADATA, _CRYPTO_METADATA: NOTHING}, _leaf)
_ELEMENT = Layout(
    {
        **dict.fromkeys([_TYPE, _TYPE_LENGTH, _REPETITION, _CHILDREN, _CONVERTED_TYPE]),
        _LOGICAL_TYPE: Layout({_DECIMAL: NOTHING}),
    },
    _element,
)
_FILE = Layout(
    {_SCHEMA: _ELEMENT, _ROW_GROUPS: Layout({_COLUMNS: _COLUMN, _ROWS: None}, _group_footer)}
)
