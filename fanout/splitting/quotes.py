"""Where the records of a CSV end: the part of its grammar that quotes decide.

The grammar is RFC 4180 in UTF-8 with any one ASCII character as the delimiter, made total, so that
any bytes have one reading:

- A record ends at a line ending outside quotes, or at the end of the data. A line ending is a line
  feed, a carriage return, or both in this order. Within quotes it is data.
- A quote opens a quoted field only as the field's first byte. Anywhere else outside quotes it is
  an ordinary character.
- Inside quotes ``""`` is one quote. Any other quote closes, and what follows it up to the next
  delimiter or line ending is outside quotes (`fanout.splitting.fields` refuses such a record).

So the state of a reader between two bytes is one of the four of `Mode`. Quotes alternate between
opening and closing as long as none is stray, which numpy decides for a whole chunk at once; the
strays are then taken out one by one.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from fanout.splitting.positions import byte_positions, line_endings

if TYPE_CHECKING:
    from fanout.splitting.positions import Positions

_QUOTE, _LF, _CR = b'"\n\r'


class Mode(Enum):
    """Where a reader of a CSV stands between two bytes."""

    FIELD_START = "a quote here opens a field"
    IN_FIELD = "outside quotes, inside a field"
    IN_QUOTES = "inside quotes"
    QUOTE_CLOSED = "after a closing quote: one more quote makes them an escaped one"


class Breaks(NamedTuple):
    """The line endings of some bytes.

    Attributes:
        newlines: Positions of the last byte of each; -1 is that before the bytes.
        ending: Which of `newlines`, by index, end a record; None where all of them do.
    """

    newlines: Positions
    ending: Positions | None


def line_breaks(data: bytes) -> Breaks:
    """Find the line feeds where each of them ends a record, as in JSON lines."""
    return Breaks(byte_positions(data, _LF), None)


def csv_breaks(
    data: bytes, mode: Mode, delimiter: str = ",", *, is_after_return: bool = False
) -> tuple[Breaks, Mode]:
    """Find the line endings of a piece of CSV that end a record, and the mode after the piece.

    A carriage return at the end of the piece is left to the next, which is `is_after_return` then.
    """
    import numpy as np

    newlines = line_endings(data, is_after_return=is_after_return)
    if b'"' not in data and mode is not Mode.IN_QUOTES:
        return Breaks(newlines, None), _mode_outside(data, mode, delimiter)
    toggles = _toggles(data, mode, delimiter)
    starts_inside = int(mode is Mode.IN_QUOTES)
    inside = (np.searchsorted(toggles, newlines) + starts_inside) & 1
    breaks = Breaks(newlines, np.flatnonzero(inside == 0))
    if (toggles.size + starts_inside) & 1:
        return breaks, Mode.IN_QUOTES
    if toggles.size and toggles[-1] == len(data) - 1:
        return breaks, Mode.QUOTE_CLOSED
    return breaks, _mode_outside(data, mode, delimiter)


def _mode_outside(data: bytes, mode: Mode, delimiter: str) -> Mode:
    if not data:
        return mode
    return Mode.FIELD_START if data[-1] in (ord(delimiter), _LF, _CR) else Mode.IN_FIELD


def _toggles(data: bytes, mode: Mode, delimiter: str) -> Positions:
    """Find the quotes that open or close (the two of an escaped one close and open again)."""
    import numpy as np

    quotes = byte_positions(data, _QUOTE)
    before = np.frombuffer(data, np.uint8)[quotes - 1]  # for a quote at 0: decided below
    is_after_ending = (before == _LF) | (before == _CR)
    may_open = (before == ord(delimiter)) | is_after_ending | (before == _QUOTE)
    if quotes.size and quotes[0] == 0:
        may_open[0] = mode in (Mode.FIELD_START, Mode.QUOTE_CLOSED)
    opener_parity = int(mode is Mode.IN_QUOTES)
    if may_open[opener_parity::2].all():
        return quotes
    return np.delete(quotes, _strays(quotes.tolist(), np.flatnonzero(~may_open), opener_parity))


def _strays(quotes: list[int], cannot_open: Positions, opener_parity: int) -> list[int]:
    """List the quotes, by index, that are ordinary characters.

    A quote is stray where it would have to open a field and cannot. So are those that touch it.
    Leaving them out may change which of the later ones open: those of odd or of even index.
    """
    candidates = [cannot_open[cannot_open & 1 == parity].tolist() for parity in (0, 1)]
    strays: list[int] = []
    after = 0
    while True:
        lane = candidates[opener_parity]
        place = bisect_left(lane, after)
        if place == len(lane):
            return strays
        first = lane[place]
        after = first + 1
        while after < len(quotes) and quotes[after] == quotes[after - 1] + 1:
            after += 1
        strays.extend(range(first, after))
        opener_parity = after & 1
