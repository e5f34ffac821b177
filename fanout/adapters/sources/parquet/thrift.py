"""Decode structs of Thrift's compact protocol, which the footer of a Parquet file is written in.

PyArrow gives the same facts, but ends the process where the metadata of a column are encrypted or
damaged: its accessor cannot raise. So what a footer says of columns is read here.

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

import struct
from collections.abc import Callable
from typing import Any

# The fields of a struct, by their ids.
Struct = dict[int, Any]

_STOP, _TRUE, _FALSE = 0, 1, 2
_SHORT_LIST = 15
MAX_DEPTH = 32


class ThriftError(ValueError):
    """The bytes are no struct of the compact protocol."""


def decode_struct(data: bytes) -> Struct:
    """Decode the struct that `data` begins with; what follows it is left alone.

    Raises:
        ThriftError: It is malformed, or cut short.
    """
    return decode_struct_at(data, 0)[0]


def decode_struct_at(data: bytes, position: int) -> tuple[Struct, int]:
    """Decode the struct that begins at a position, and tell where it ends.

    Raises:
        ThriftError: It is malformed, or cut short.
    """
    decoder = _Decoder(data, position)
    try:
        return decoder.struct(), decoder.position
    except (IndexError, struct.error) as error:
        raise ThriftError("the struct is cut short") from error


class _Decoder:
    """Reads values from a position on, which moves on with each."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self.position = position
        self._depth = 0
        self._readers: dict[int, Callable[[], Any]] = {
            1: lambda: self._byte() == _TRUE,  # a boolean in a list; in a struct its type says it
            2: lambda: self._byte() == _TRUE,
            3: self._byte,
            4: self._zigzag,
            5: self._zigzag,
            6: self._zigzag,
            7: self._double,
            8: self._bytes,
            9: self._list,
            10: self._list,
            11: self._map,
            12: self.struct,
        }

    def struct(self) -> Struct:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ThriftError(f"structs are nested deeper than {MAX_DEPTH}")
        fields: Struct = {}
        number = 0
        while (header := self._byte()) != _STOP:
            step, kind = header >> 4, header & 15
            number = number + step if step else self._zigzag()
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind)
        self._depth -= 1
        return fields

    def _value(self, kind: int) -> Any:
        read = self._readers.get(kind)
        if read is None:
            raise ThriftError(f"there is no type {kind}")
        return read()

    def _byte(self) -> int:
        byte = self._data[self.position]
        self.position += 1
        return byte

    def _varint(self) -> int:
        value = shift = 0
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
        return self._take(self._varint())

    def _take(self, length: int) -> bytes:
        begin, self.position = self.position, self.position + length
        if self.position > len(self._data):
            raise ThriftError("the struct is cut short")
        return self._data[begin : self.position]

    def _list(self) -> list[Any]:
        header = self._byte()
        size, kind = header >> 4, header & 15
        count = self._varint() if size == _SHORT_LIST else size
        self._insist_on_room(count)
        return [self._value(kind) for _ in range(count)]

    def _map(self) -> list[tuple[Any, Any]]:
        count = self._varint()
        if count == 0:
            return []
        self._insist_on_room(count)
        kinds = self._byte()
        return [(self._value(kinds >> 4), self._value(kinds & 15)) for _ in range(count)]

    def _insist_on_room(self, count: int) -> None:
        """Refuse lists longer than the data: each element takes a byte at least."""
        if count > len(self._data) - self.position:
            raise ThriftError("the struct is cut short")
