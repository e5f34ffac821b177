"""The fast path for CSV: polars parses a whole chunk, if the chunk is tidy.

Polars is more lenient than `fanout.splitting.fields`: it fills short rows with missing values, and
drops the end of long rows. So a chunk is tested first. It is tidy if it has as many separators as a
table of its size, in their places, and quotes only where fields begin and end: then there is one
way to read it. Other chunks are left to `fanout.splitting.records`, which names each fault.
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


def read_tidy(chunk: Chunk, columns: Sequence[str]) -> pl.DataFrame | None:
    """Read columns of a chunk as texts; None if it has to be read record by record.

    An empty cell is an empty text, quoted or not.
    """
    header, delimiter = chunk.columns or [], chunk.dialect.delimiter.encode()
    if chunk.selection or not _is_tidy(chunk.data, delimiter, len(header), chunk.count):
        return None
    # Polars returns columns in the order of the file. Without any, the first shows the height.
    names = [name for name in header if name in set(columns)] or header[:1]
    try:
        frame = pl.read_csv(
            chunk.data,
            has_header=False,
            separator=chunk.dialect.delimiter,
            schema={str(number): pl.String for number in range(len(header))},
            empty_string_is_null=False,
            columns=[header.index(name) for name in names],
        )
    except PolarsError:
        return None
    frame.columns = names
    return frame if frame.height == chunk.count else None


def _is_tidy(data: bytes, delimiter: bytes, width: int, height: int) -> bool:
    # Polars would remove a byte order mark.
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
    """Whether each row has its delimiters, and a line feed after them."""
    raw = np.frombuffer(data, np.uint8)
    separators = raw[np.flatnonzero((raw == delimiter[0]) | (raw == _LF))]
    if not data.endswith(b"\n"):
        separators = np.append(separators, np.uint8(_LF))
    if separators.size != width * height:
        return False
    # Each row's last separator is a line feed and there are no more, so the rest are delimiters.
    last_of_rows = separators[width - 1 :: width]
    has_no_more = np.count_nonzero(separators == _LF) == height
    return bool((last_of_rows == _LF).all() and has_no_more)


def _separators(data: bytes, delimiter: bytes) -> bytes | None:
    """The delimiters and line feeds outside quotes; None if a quote is in the wrong place."""
    padded = np.frombuffer(b"\n" + data + b"\n", np.uint8)
    raw = padded[1:-1]
    quotes = np.flatnonzero(raw == _QUOTE)
    if quotes.size % 2 or not _quotes_enclose_fields(padded, quotes, delimiter[0]):
        return None
    positions = np.flatnonzero((raw == delimiter[0]) | (raw == _LF))
    outside = np.searchsorted(quotes, positions) % 2 == 0
    return bytes(raw[positions[outside]])


def _quotes_enclose_fields(
    padded: "NDArray[np.uint8]", quotes: "NDArray[np.int64]", delimiter: int
) -> bool:
    """Whether quotes open at the start of a field and close at its end, in turn.

    Args:
        padded: The data, between two line feeds.
        quotes: The positions of quotes in the data.
        delimiter: The byte between fields.
    """
    opening, closing = quotes[0::2], quotes[1::2]
    before, after = padded[opening], padded[closing + 2]
    opens = (before == delimiter) | (before == _LF) | (before == _QUOTE)
    # A carriage return is one of a line ending, or the chunk would not be tidy.
    closes = (after == delimiter) | (after == _LF) | (after == _CR) | (after == _QUOTE)
    return bool(opens.all() and closes.all())
