"""Find the elements of a JSON array in one pass, whatever the boundaries of the chunks.

Only the structure is read here, for all bytes of a piece at once: quotes that no backslash escapes
begin and end strings, brackets outside strings nest, and commas at the array's own depth end its
elements. That is right for every JSON text, and gives any other bytes one reading as well: whether
an element is valid is found out where it is parsed, and then it alone is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from fanout.splitting.pointer import JsonSourceError, find_array
from fanout.splitting.scan import RecordBounds, in_pieces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fanout.splitting.positions import Positions

_QUOTE, _BACKSLASH, _LF, _COMMA = b'"\\\n,'
_WHITE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class ElementState:
    """Where a scan stands between two bytes of an array.

    Attributes:
        offset: Offset of the next byte in the blob.
        line: Line on which it lies, 1-based.
        depth: How many brackets are open within the element.
        in_string: Whether it lies in a string.
        escaped: Whether a backslash before it escapes it.
        element: Offset and line of the unfinished element; None before its first byte.
        is_first: Whether no element has ended yet.
        is_closed: Whether the array has ended; `offset` is the byte after its bracket then.
    """

    offset: int
    line: int
    depth: int = 0
    in_string: bool = False
    escaped: bool = False
    element: tuple[int, int] | None = None
    is_first: bool = True
    is_closed: bool = False


class _Structure(NamedTuple):
    """Brackets and commas outside strings: where they are, and the depth after each."""

    positions: Positions
    codes: NDArray[np.uint8]
    depths: Positions


def find_elements(chunks: Iterable[bytes], pointer: str = "") -> Iterator[RecordBounds]:
    """Find the elements of an array in a JSON document.

    Args:
        chunks: All bytes of the blob in order.
        pointer: Where the array is (RFC 6901).

    Raises:
        JsonSourceError: There is no such array, it is not closed by its own bracket, or more than
            the document follows it.
    """
    array = find_array(chunks, pointer)
    pieces = in_pieces(array.rest)
    state = ElementState(array.offset, array.line)
    for piece in pieces:
        begin = state.offset
        bounds, state = scan_elements(piece, state)
        yield bounds
        if state.is_closed:
            _check_bracket(piece[state.offset - begin - 1 :], state)
            if not pointer:
                _check_end(chain([piece[state.offset - begin :]], pieces), state)
            return
    raise JsonSourceError(
        f"the array is not closed: the data ends at byte {state.offset}, line {state.line}"
    )


def _check_bracket(bracket: bytes, state: ElementState) -> None:
    if not bracket.startswith(b"]"):
        raise JsonSourceError(f"the array is closed by a '}}' at byte {state.offset - 1}")


def _check_end(rest: Iterable[bytes], state: ElementState) -> None:
    offset = state.offset
    for chunk in rest:
        strange = chunk.lstrip(_WHITE)
        if strange:
            place = offset + len(chunk) - len(strange)
            raise JsonSourceError(f"after the end of the document, at byte {place}, follows more")
        offset += len(chunk)


def batch_elements(data: bytes, first_line: int) -> Iterator[RecordBounds]:
    """Find the elements of a batch: those of an array, without its brackets."""
    # A batch has an element at least, so one without a byte is an empty element and no empty array.
    state = ElementState(0, first_line, is_first=False)
    for piece in in_pieces([data, b"]"]):
        bounds, state = scan_elements(piece, state)
        yield bounds


def scan_elements(data: bytes, state: ElementState) -> tuple[RecordBounds, ElementState]:
    """Find the elements that end in `data`, which stands in the blob where `state` says."""
    import numpy as np

    buffer = np.frombuffer(data, np.uint8)
    quotes, escaped = _string_bounds(buffer, data, state.escaped)
    structure = _structure(buffer, quotes, state)
    closing = np.flatnonzero(structure.depths < 0)[:1]
    is_closed = bool(closing.size)
    if is_closed:
        last = int(closing[0]) + 1
        positions, codes, depths = structure
        structure = _Structure(positions[:last], codes[:last], depths[:last])
        buffer = buffer[: structure.positions[-1] + 1]
    is_end = (structure.codes == _COMMA) & (structure.depths == 0)
    is_end[is_end.size - int(is_closed) :] = True
    ends = structure.positions[is_end]
    newlines = np.flatnonzero(buffer == _LF)
    bounds = _elements(buffer, ends, newlines, state, is_closed)
    after = ElementState(
        offset=state.offset + buffer.size,
        line=state.line + int(newlines.size),
        depth=int(structure.depths[-1]) if structure.depths.size else state.depth,
        in_string=bool((quotes.size + state.in_string) & 1),
        escaped=escaped,
        element=state.element,
        is_first=state.is_first and not ends.size,
        is_closed=is_closed,
    )
    if is_closed:
        return bounds, after
    return bounds, _note_unfinished(buffer, ends, newlines, state, after)


def _string_bounds(buffer: NDArray[np.uint8], data: bytes, escaped: bool) -> tuple[Positions, bool]:
    """Find the quotes that no backslash escapes, and whether one escapes the byte after `data`."""
    import numpy as np

    quotes = np.flatnonzero(buffer == _QUOTE)
    if b"\\" not in data:
        if escaped and quotes.size and quotes[0] == 0:
            quotes = quotes[1:]
        return quotes, escaped and not data
    backslashes = np.flatnonzero(buffer == _BACKSLASH)
    is_run_start = np.ones(backslashes.size, np.bool_)
    is_run_start[1:] = np.diff(backslashes) > 1
    runs = backslashes[is_run_start]
    # A backslash at 0 that is escaped itself begins no run: the run is one shorter.
    spent = np.where(runs == 0, int(escaped), 0)
    bounds = np.append(quotes, buffer.size)
    run = np.searchsorted(runs, bounds) - 1
    is_after_run = (bounds > 0) & (buffer[bounds - 1] == _BACKSLASH)
    is_odd = (bounds - runs[run] - spent[run]) & 1 == 1
    is_escaped = np.where(is_after_run, is_odd, (bounds == 0) & escaped)
    return quotes[~is_escaped[:-1]], bool(is_escaped[-1])


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which bytes make the structure, and how much deeper each goes."""
    import numpy as np

    is_structural = np.zeros(256, np.bool_)
    deeper = np.zeros(256, np.int64)
    is_structural[list(b"[]{},")] = True
    deeper[list(b"[{")], deeper[list(b"]}")] = 1, -1
    return is_structural, deeper


def _structure(buffer: NDArray[np.uint8], quotes: Positions, state: ElementState) -> _Structure:
    import numpy as np

    is_structural, deeper = _tables()
    positions = np.flatnonzero(is_structural[buffer])
    is_inside = (np.searchsorted(quotes, positions) + int(state.in_string)) & 1
    positions = positions[is_inside == 0]
    codes = buffer[positions]
    return _Structure(positions, codes, state.depth + np.cumsum(deeper[codes]))


def _elements(
    buffer: NDArray[np.uint8],
    ends: Positions,
    newlines: Positions,
    state: ElementState,
    is_closed: bool,
) -> RecordBounds:
    """Give each element from its first byte that is no white space; one without stands empty."""
    import numpy as np

    if not ends.size:
        return RecordBounds(ends, ends, ends)
    black = _black_positions(buffer)
    after_last = np.concatenate([[0], ends[:-1] + 1])
    # The comma or bracket that ends an element is black itself, so there is always one.
    starts = black[np.searchsorted(black, after_last)]
    lines = state.line + np.searchsorted(newlines, starts)
    starts, ends = starts + state.offset, ends + state.offset
    if state.element is not None:
        starts[0], lines[0] = state.element
    if is_closed and ends.size == 1 and state.is_first and starts[0] == ends[0]:
        return RecordBounds(starts[:0], ends[:0], lines[:0])
    return RecordBounds(starts, ends, lines)


def _note_unfinished(
    buffer: NDArray[np.uint8],
    ends: Positions,
    newlines: Positions,
    state: ElementState,
    after: ElementState,
) -> ElementState:
    """Note where the element begins that does not end in this piece."""
    if state.element is not None and not ends.size:
        return after
    rest = int(ends[-1]) + 1 if ends.size else 0
    black = _black_positions(buffer[rest:])
    if not black.size:
        return replace(after, element=None)
    start = rest + int(black[0])
    line = state.line + int(newlines.searchsorted(start))
    return replace(after, element=(state.offset + start, line))


def _black_positions(buffer: NDArray[np.uint8]) -> Positions:
    import numpy as np

    is_white = np.zeros(256, np.bool_)
    is_white[list(_WHITE)] = True
    return np.flatnonzero(~is_white[buffer])
