"""How large the pages of a column become, by their own headers.

The footer says how large a column is as well, but nobody checks that: a page of some bytes may give
gigabytes. PyArrow believes the header of each page, so this is what bounds its memory.

Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from dataclasses import dataclass
from enum import IntEnum

from fanout.adapters.sources.parquet.thrift import Layout, Struct, ThriftError, decode_struct_at

# More are no file that a person would write: each costs some microseconds to read.
MAX_PAGES = 50_000
# The format has thirty. Bytes are not counted, for writers put texts of any length into statistics.
MAX_HEADER_VALUES = 256
# Fields of PageHeader; those of the headers within have the count of values and the encoding first.
_TYPE, _UNCOMPRESSED_BYTES, _COMPRESSED_BYTES = 1, 2, 3
_DATA_HEADER, _DICTIONARY_HEADER, _DATA_HEADER_V2 = 5, 7, 8
_VALUES = 1
_ENCODING, _ENCODING_V2 = 2, 4
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_HEADER = Layout(
    {
        _TYPE: None,
        _UNCOMPRESSED_BYTES: None,
        _COMPRESSED_BYTES: None,
        _DATA_HEADER: Layout({_VALUES: None, _ENCODING: None}),
        _DICTIONARY_HEADER: Layout({_VALUES: None, _ENCODING: None}),
        _DATA_HEADER_V2: Layout({_VALUES: None, _ENCODING_V2: None}),
    }
)


class Encoding(IntEnum):
    """The encodings that are told apart here."""

    PLAIN_DICTIONARY = 2
    DELTA_BYTE_ARRAY = 7
    RLE_DICTIONARY = 8


_BY_DICTIONARY = (Encoding.PLAIN_DICTIONARY, Encoding.RLE_DICTIONARY)


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        begin: Where its content is in the bytes of its column.
        stored: How many bytes that is.
        size: How many when it is decompressed.
        values: How many values it has, nulls included.
        encoding: How they are encoded.
    """

    begin: int
    stored: int
    size: int
    values: int
    encoding: int
    is_dictionary: bool = False

    @property
    def has_indices(self) -> bool:
        """Whether its values stand in the dictionary."""
        return not self.is_dictionary and self.encoding in _BY_DICTIONARY

    @property
    def may_share(self) -> bool:
        """Whether a value of it may repeat bytes of the one before."""
        return self.encoding == Encoding.DELTA_BYTE_ARRAY


def read_pages(data: bytes, values: int, max_pages: int = MAX_PAGES) -> list[Page]:
    """Read the headers of the pages of a column, one after the other.

    Args:
        data: The bytes of the column in one row group.
        values: How many values it has by the footer; nobody reads a page after them.
        max_pages: How many pages it may have.

    Raises:
        ThriftError: One is malformed, or there are too many.
    """
    pages: list[Page] = []
    position = seen = 0
    while seen < values and position < len(data):
        if len(pages) == max_pages:
            raise ThriftError(f"it has more than {max_pages} pages")
        header, begin = decode_struct_at(data, position, _HEADER, MAX_HEADER_VALUES)
        page = _page(header, begin)
        position = begin + page.stored
        seen += 0 if page.is_dictionary else page.values
        pages.append(page)
    return pages


def _page(header: Struct, begin: int) -> Page:
    try:
        kind, size, stored = header[_TYPE], header[_UNCOMPRESSED_BYTES], header[_COMPRESSED_BYTES]
        values, encoding = _counts(kind, header)
        numbers = [size, stored, values, encoding]
        if not all(isinstance(number, int) for number in numbers):
            raise TypeError
        if min(numbers) < 0:
            raise ThriftError("a page has less than nothing")
    except (KeyError, TypeError) as error:
        raise ThriftError("a page has no such header as the format asks for") from error
    return Page(begin, stored, size, values, encoding, is_dictionary=kind == _DICTIONARY)


def _counts(kind: int, header: Struct) -> tuple[int, int]:
    """How many values there are, and how they are encoded; none in a page of an unknown kind."""
    if kind == _DATA:
        return header[_DATA_HEADER][_VALUES], header[_DATA_HEADER][_ENCODING]
    if kind == _DICTIONARY:
        return header[_DICTIONARY_HEADER][_VALUES], header[_DICTIONARY_HEADER][_ENCODING]
    if kind == _DATA_V2:
        return header[_DATA_HEADER_V2][_VALUES], header[_DATA_HEADER_V2][_ENCODING_V2]
    return 0, 0
