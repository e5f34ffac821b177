"""Structs of Thrift's compact protocol, written as no writer of Parquet would.

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterable, Sequence

STOP = b"\0"
I32, I64, DOUBLE, BINARY, LIST, MAP, STRUCT = 5, 6, 7, 8, 9, 11, 12
# Fields of PageHeader, of the headers within, and their values.
DATA_HEADER, DICTIONARY_HEADER = 5, 7
DATA, DICTIONARY = 0, 2
PLAIN, RLE_DICTIONARY = 0, 8


def varint(value: int) -> bytes:
    digits = [value >> shift & 0x7F for shift in range(0, max(1, value.bit_length()), 7)]
    return bytes([digit | 0x80 for digit in digits[:-1]] + digits[-1:])


def whole(value: int) -> bytes:
    """A whole number as a value: zigzag, so that small negative ones are short too."""
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def binary(value: bytes) -> bytes:
    return varint(len(value)) + value


def field(number: int, kind: int, value: bytes) -> bytes:
    """A field with its id written out."""
    return bytes([kind]) + whole(number) + value


def struct(*fields: bytes) -> bytes:
    return b"".join(fields) + STOP


def elements(kind: int, values: Sequence[bytes]) -> bytes:
    """A list with its length written out."""
    return bytes([0xF0 | kind]) + varint(len(values)) + b"".join(values)


def empty_structs(count: int) -> bytes:
    """A list of structs without fields."""
    return bytes([0xF0 | STRUCT]) + varint(count) + bytes(count)


def pairs(key_kind: int, value_kind: int, values: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A map."""
    joined = [key + value for key, value in values]
    kinds = bytes([key_kind << 4 | value_kind]) if joined else b""
    return varint(len(joined)) + kinds + b"".join(joined)


def page_header(kind: int, size: int, stored: int, values: int, *more: bytes) -> bytes:
    """The header of a page of a dictionary, or of one whose values stand in it."""
    inner = DICTIONARY_HEADER if kind == DICTIONARY else DATA_HEADER
    encoding = PLAIN if kind == DICTIONARY else RLE_DICTIONARY
    counts = struct(field(1, I32, whole(values)), field(2, I32, whole(encoding)))
    sizes = [field(2, I32, whole(size)), field(3, I32, whole(stored))]
    return struct(field(1, I32, whole(kind)), *sizes, field(inner, STRUCT, counts), *more)
