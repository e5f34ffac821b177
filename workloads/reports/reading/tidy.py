"""The quick way into a chunk of CSV: polars parses it whole, where that cannot go wrong.

Polars is more lenient than `fanout.splitting.fields` (of a short row it makes missing values; of a
long one it drops the end, if that is not asked for), so a chunk is tested first: as many separators
as a table of its size has, in their places, and quotes only where they open and close fields. Such
a chunk has one reading. All others are left to `fanout.splitting.records`, which names each fault.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from fanout.records import Chunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

_QUOTE, _LF, _CR = b'"\n\r'
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_tidy(chunk: Chunk, wanted: Sequence[str]) -> pl.DataFrame | None:
    """Read columns of a chunk as texts; None if it must be read record by record.

    An empty cell is an empty text, quoted or not.
    """
    columns, delimiter = chunk.columns or [], chunk.dialect.delimiter.encode()
    if chunk.selection or not _is_tidy(chunk.data, delimiter, len(columns), chunk.count):
        return None
    # Polars gives columns in their order in the file; with none wanted, one tells the height.
    names = [column for column in columns if column in set(wanted)] or columns[:1]
    try:
        frame = pl.read_csv(
            chunk.data,
            has_header=False,
            separator=chunk.dialect.delimiter,
            schema={str(number): pl.String for number in range(len(columns))},
            empty_string_is_null=False,
            columns=[columns.index(name) for name in names],
        )
    except PolarsError:
        return None
    frame.columns = names
    return frame if frame.height == chunk.count else None


def _is_tidy(data: bytes, delimiter: bytes, width: int, height: int) -> bool:
    # Polars takes these off the beginning of what it reads.
    if width == 0 or data.startswith(_BYTE_ORDER_MARK):
        return False
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return False
    if b'"' not in data:
        return _has_separators(data, delimiter, width, height)
    separators = _separators(data, delimiter)
    if separators is None:
        return False
    if not data.endswith(b"\n"):
        separators += b"\n"
    return separators == (delimiter * (width - 1) + b"\n") * height


def _has_separators(data: bytes, delimiter: bytes, width: int, height: int) -> bool:
    """Tell whether each row ends with a line feed, and has its delimiters before it."""
    raw = np.frombuffer(data, np.uint8)
    found = raw[np.flatnonzero((raw == delimiter[0]) | (raw == _LF))]
    if not data.endswith(b"\n"):
        found = np.append(found, np.uint8(_LF))
    if found.size != width * height:
        return False
    # With as many line feeds as rows, all of them last, nothing but delimiters is before them.
    ends = found[width - 1 :: width]
    return bool((ends == _LF).all() and np.count_nonzero(found == _LF) == height)


def _separators(data: bytes, delimiter: bytes) -> bytes | None:
    """Take delimiters and line feeds outside quotes; None if a quote stands where none should."""
    padded = np.frombuffer(b"\n" + data + b"\n", np.uint8)
    raw = padded[1:-1]
    quotes = np.flatnonzero(raw == _QUOTE)
    if quotes.size % 2 or not _quotes_enclose_fields(padded, quotes, delimiter[0]):
        return None
    places = np.flatnonzero((raw == delimiter[0]) | (raw == _LF))
    outside = np.searchsorted(quotes, places) % 2 == 0
    return bytes(raw[places[outside]])


def _quotes_enclose_fields(
    padded: "NDArray[np.uint8]", quotes: "NDArray[np.int64]", delimiter: int
) -> bool:
    """Tell whether quotes open at the start of a field and close at its end, in turn.

    Args:
        padded: The data, between two line feeds.
        quotes: Where they stand in the data.
        delimiter: The byte between fields.
    """
    opening, closing = quotes[0::2], quotes[1::2]
    before, after = padded[opening], padded[closing + 2]
    opens = (before == delimiter) | (before == _LF) | (before == _QUOTE)
    # A carriage return is one of a line ending, or the chunk would not be tidy.
    closes = (after == delimiter) | (after == _LF) | (after == _CR) | (after == _QUOTE)
    return bool(opens.all() and closes.all())
