"""Decode structs of Thrift's compact protocol, which the footer of a Parquet file is written in.

PyArrow gives the same facts, but ends the process where the metadata of a column are encrypted or
damaged: its accessor cannot raise. So what a footer says of columns is read here. A byte of a file
may stand for an object of Python; so those fields alone are made into values that somebody reads.

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# The fields of a struct, by their ids.
Struct = dict[int, Any]

_STOP, _TRUE, _FALSE = 0, 1, 2
_LIST, _SET, _STRUCT = 9, 10, 12
_SHORT_LIST = 15
# How deep structs, lists and maps may stand in each other; those of Parquet do so by eight.
MAX_DEPTH = 32
# A list that somebody reads has no more, as in PyArrow (`thrift_container_size_limit`).
MAX_LIST = 1_000_000


class ThriftError(ValueError):
    """The bytes are no struct of the compact protocol."""


def _same(fields: Struct) -> Any:
    return fields


@dataclass(frozen=True)
class Layout:
    """What is read of a struct.

    Attributes:
        fields: The ids of the fields that are read, each with the layout of its struct, or of the
            structs in its list; None where it has no structs. All others are passed over.
        make: Makes something of the fields; it is called as soon as the struct ends.
    """

    fields: Mapping[int, "Layout | None"]
    make: Callable[[Struct], Any] = field(default=_same)


# Of such a struct it matters only that it is there.
NOTHING = Layout({})


def decode_struct(data: bytes, layout: Layout) -> Any:
    """Decode the struct that `data` begins with; what follows it is left alone.

    Args:
        data: Begins with the struct.
        layout: What is read of it.

    Raises:
        ThriftError: It is malformed, or cut short.
    """
    return decode_struct_at(data, 0, layout, len(data))[0]


def decode_struct_at(
    data: bytes, position: int, layout: Layout, max_values: int
) -> tuple[Any, int]:
    """Decode the struct that begins at a position, and tell where it ends.

    Args:
        data: Has the struct.
        position: Where it begins.
        layout: What is read of it.
        max_values: How many values it may have, in all that is within it.

    Raises:
        ThriftError: It is malformed, or cut short, or has more values.
    """
    decoder = _Decoder(data, position, max_values)
    try:
        return decoder.struct(layout), decoder.position
    except (IndexError, struct.error) as error:
        raise ThriftError("the struct is cut short") from error


class _Decoder:
    """Reads values from a position on, which moves on with each."""

    def __init__(self, data: bytes, position: int, max_values: int) -> None:
        self._data = data
        self.position = position
        self._max_values = self._left = max_values
        self._depth = 0

    def struct(self, layout: Layout) -> Any:
        self._enter()
        wanted = layout.fields
        fields: Struct = {}
        number = 0
        while (header := self._byte()) != _STOP:
            self._left -= 1  # as `_count` does, which costs a tenth of all
            if self._left < 0:
                self._count(0)
            step, kind = header >> 4, header & 15
            number = number + step if step else self._zigzag()
            if number in wanted:
                is_flag = kind in (_TRUE, _FALSE)
                fields[number] = kind == _TRUE if is_flag else self._value(kind, wanted[number])
            elif kind not in (_TRUE, _FALSE):
                _skipper(kind)(self)
        self._depth -= 1
        return layout.make(fields)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ThriftError(f"structs and lists are nested deeper than {MAX_DEPTH}")

    def _count(self, values: int) -> None:
        """Count values before they are read; each element of a list takes a byte at least."""
        self._left -= values
        if self._left < 0:
            raise ThriftError(f"the struct has more than {self._max_values} values")
        if values > len(self._data) - self.position:
            raise ThriftError("the struct is cut short")

    def _value(self, kind: int, layout: Layout | None) -> Any:
        return self._list(layout) if kind in (_LIST, _SET) else self._single(kind, layout)

    def _single(self, kind: int, layout: Layout | None) -> Any:
        """Read what is no list; lists of lists are in none of these formats."""
        if layout is not None and kind == _STRUCT:
            return self.struct(layout)
        read = _READERS.get(kind)
        if read is None or layout is not None:
            raise ThriftError(f"a value is of type {kind}, which the format has not there")
        return read(self)

    def _byte(self) -> int:
        byte = self._data[self.position]
        self.position += 1
        return byte

    def _varint(self) -> int:
        byte = self._data[self.position]
        self.position += 1
        if byte < 0x80:  # nearly all of them
            return byte
        value, shift = byte & 0x7F, 7
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ThriftError("a number has more than 64 bits")
        return value | byte << shift

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _double(self) -> float:
        (value,) = struct.unpack_from("<d", self._data, self.position)
        self.position += 8
        return float(value)

    def _bytes(self) -> bytes:
        length = self._varint()
        begin = self.position
        self._advance(length)
        return self._data[begin : self.position]

    def _advance(self, length: int) -> None:
        self.position += length
        if self.position > len(self._data):
            raise ThriftError("the struct is cut short")

    def _list(self, layout: Layout | None) -> list[Any]:
        count, kind = self._list_header()
        if count > MAX_LIST:
            raise ThriftError(f"a list has {count} elements; {MAX_LIST} are read")
        self._enter()
        values = [self._single(kind, layout) for _ in range(count)]
        self._depth -= 1
        return values

    def _skip_list(self) -> None:
        count, kind = self._list_header()
        self._enter()
        skip = _skipper(kind) if count else _Decoder._byte
        for _ in range(count):
            skip(self)
        self._depth -= 1

    def _list_header(self) -> tuple[int, int]:
        """How many elements a list has, and of which type."""
        header = self._byte()
        size, kind = header >> 4, header & 15
        count = self._varint() if size == _SHORT_LIST else size
        self._count(count)
        return count, kind

    def _skip_map(self) -> None:
        count = self._varint()
        if count == 0:
            return
        self._count(count)
        kinds = self._byte()
        self._enter()
        skip_key, skip_value = _skipper(kinds >> 4), _skipper(kinds & 15)
        for _ in range(count):
            skip_key(self)
            skip_value(self)
        self._depth -= 1


_Reader = Callable[[_Decoder], Any]
# A boolean has a byte in a list alone; in a struct its type says what it is.
_READERS: dict[int, _Reader] = {
    1: lambda decoder: decoder._byte() == _TRUE,
    2: lambda decoder: decoder._byte() == _TRUE,
    3: _Decoder._byte,
    4: _Decoder._zigzag,
    5: _Decoder._zigzag,
    6: _Decoder._zigzag,
    7: _Decoder._double,
    8: _Decoder._bytes,
}
_SKIPPERS: dict[int, _Reader] = {
    1: _Decoder._byte,
    2: _Decoder._byte,
    3: _Decoder._byte,
    4: _Decoder._varint,
    5: _Decoder._varint,
    6: _Decoder._varint,
    7: lambda decoder: decoder._advance(8),
    8: lambda decoder: decoder._advance(decoder._varint()),
    9: _Decoder._skip_list,
    10: _Decoder._skip_list,
    11: _Decoder._skip_map,
    12: lambda decoder: decoder.struct(NOTHING),
}


def _skipper(kind: int) -> _Reader:
    skip = _SKIPPERS.get(kind)
    if skip is None:
        raise ThriftError(f"there is no type {kind}")
    return skip
