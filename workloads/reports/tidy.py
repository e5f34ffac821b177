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

_QUOTE, _COMMA, _LF, _CR = b'",\n\r'
_NOT_SEPARATORS = bytes(byte for byte in range(256) if byte not in (_COMMA, _LF))
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_tidy(chunk: Chunk, wanted: Sequence[str]) -> pl.DataFrame | None:
    """Read columns of a chunk as texts; None if it must be read record by record.

    An empty cell is an empty text, quoted or not.
    """
    columns = chunk.columns or []
    if not _is_tidy(chunk.data, len(columns), chunk.count):
        return None
    # Polars gives columns in their order in the file; with none wanted, one tells the height.
    names = [column for column in columns if column in set(wanted)] or columns[:1]
    try:
        frame = pl.read_csv(
            chunk.data,
            has_header=False,
            infer_schema=False,
            empty_string_is_null=False,
            columns=[columns.index(name) for name in names],
        )
    except PolarsError:
        return None
    frame.columns = names
    return frame if frame.height == chunk.count else None


def _is_tidy(data: bytes, width: int, height: int) -> bool:
    if not width or data.startswith(_BYTE_ORDER_MARK) or not _is_text(data):
        return False
    separators = _separators(data)
    if separators is None:
        return False
    row = b"," * (width - 1) + b"\n"
    if not data.endswith(b"\n"):
        separators += b"\n"
    # A lone column has no separators that would tell a blank line, which is no record.
    return separators == row * height and (width > 1 or not _has_blank_line(data))


def _is_text(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_blank_line(data: bytes) -> bool:
    return data.startswith((b"\n", b"\r")) or b"\n\n" in data or b"\n\r" in data


def _separators(data: bytes) -> bytes | None:
    """Take the commas and line feeds outside quotes; None if a quote stands where none should."""
    if b'"' not in data:
        return data.translate(None, _NOT_SEPARATORS)
    raw = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(raw == _QUOTE)
    if quotes.size % 2 or not _quotes_enclose_fields(raw, quotes):
        return None
    places = np.flatnonzero((raw == _COMMA) | (raw == _LF))
    outside = np.searchsorted(quotes, places) % 2 == 0
    return bytes(raw[places[outside]])


def _quotes_enclose_fields(raw: "NDArray[np.uint8]", quotes: "NDArray[np.int64]") -> bool:
    """Tell whether quotes open at the start of a field and close at its end, in turn."""
    before = np.concatenate([[_LF], raw])[quotes[0::2]]
    after = np.concatenate([raw, [_LF, _LF]])
    closing = quotes[1::2]
    next_to, second = after[closing + 1], after[closing + 2]
    opens = (before == _COMMA) | (before == _LF) | (before == _QUOTE)
    closes = (next_to == _COMMA) | (next_to == _LF) | (next_to == _QUOTE)
    closes |= (next_to == _CR) & (second == _LF)
    return bool(opens.all() and closes.all())
