"""Find the records of a blob in one pass over its chunks, whatever their boundaries.

`scan` is a pure function from the bytes of a piece and the state before it to the records that end
in it and the state after it. The state is a few numbers: nothing of an unfinished record is held.
Blank lines are no records: in a CSV those without a byte, in JSON lines those of white space alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fanout.splitting.quotes import Breaks, Mode, csv_breaks, line_breaks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fanout.splitting.positions import Positions

LineKind = Literal["csv", "jsonl"]

_LF = 0x0A
PIECE_BYTES = 256 * 1024  # the arrays of one piece stay in the processor's cache
_BLANK: dict[LineKind, bytes] = {"csv": b"\r", "jsonl": b" \t\r"}


@dataclass(frozen=True, slots=True)
class ScanState:
    """Where a scan stands between two bytes.

    Attributes:
        offset: Offset of the next byte in the blob.
        line: Line on which it lies, 1-based.
        record_offset: Where the unfinished record begins.
        record_line: Line on which that is.
        blank: Whether it has only blank bytes so far.
        mode: Where it stands in the grammar of CSV; unused for JSON lines.
        is_after_return: Whether a carriage return is before it that a line feed may belong to, so
            that the line has not ended yet; never in JSON lines.
    """

    offset: int = 0
    line: int = 1
    record_offset: int = 0
    record_line: int = 1
    blank: bool = True
    mode: Mode = Mode.FIELD_START
    is_after_return: bool = False

    @classmethod
    def at(cls, offset: int, line: int) -> ScanState:
        """Stand at the beginning of a record."""
        return cls(offset, line, offset, line)


@dataclass(frozen=True, slots=True)
class RecordBounds:
    """Records, in order: where each starts and ends (exclusive) in the blob, and on which line."""

    starts: Positions
    ends: Positions
    lines: Positions

    def __len__(self) -> int:
        return int(self.ends.size)


def scan(
    data: bytes, state: ScanState, kind: LineKind, delimiter: str = ","
) -> tuple[RecordBounds, ScanState]:
    """Find the records that end in `data`, which stands in the blob where `state` says."""
    import numpy as np

    if kind == "csv":
        is_after_return = state.is_after_return
        breaks, mode = csv_breaks(data, state.mode, delimiter, is_after_return=is_after_return)
    else:
        breaks, mode = line_breaks(data), state.mode
    ends, lines = _ends_and_lines(breaks, state)
    starts = np.empty_like(ends)
    starts[:1], starts[1:] = 0, ends[:-1]
    is_record = _is_record(data, starts, ends, state.blank, _BLANK[kind])
    after = _state_after(data, state, breaks, ends, mode, kind)
    starts += state.offset
    ends += state.offset
    starts[:1] = state.record_offset
    if is_record is None:
        return RecordBounds(starts, ends, lines), after
    return RecordBounds(starts[is_record], ends[is_record], lines[is_record]), after


def _ends_and_lines(breaks: Breaks, state: ScanState) -> tuple[Positions, Positions]:
    """Give the end of each line that ends here, as a position, and on which line it begins."""
    import numpy as np

    newlines, ending = breaks
    if ending is None:
        ends, lines = newlines + 1, np.arange(state.line, state.line + newlines.size)
    else:
        ends, lines = newlines[ending] + 1, np.empty_like(ending)
        lines[1:] = ending[:-1] + (state.line + 1)
    lines[:1] = state.record_line
    return ends, lines


def scan_all(
    chunks: Iterable[bytes], state: ScanState, kind: LineKind, delimiter: str = ","
) -> Iterator[RecordBounds]:
    """Scan the rest of a blob, from `state` to its end, a piece at a time."""
    for piece in in_pieces(chunks):
        bounds, state = scan(piece, state, kind, delimiter)
        yield bounds
    yield last_record(state)


def in_pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut chunks of any size into pieces of at most `PIECE_BYTES`."""
    for chunk in chunks:
        for begin in range(0, len(chunk), PIECE_BYTES):
            yield chunk[begin : begin + PIECE_BYTES]


def is_blank(data: bytes, kind: LineKind) -> bool:
    """Tell whether a record of these bytes, without its line ending, would be a blank line."""
    return not data.strip(_BLANK[kind])


def last_record(state: ScanState) -> RecordBounds:
    """Give what stands after the last record end of a blob, where there is something: a record."""
    import numpy as np

    bounds = (state.record_offset, state.offset, state.record_line)
    starts, ends, lines = (np.array([] if state.blank else [b], np.int64) for b in bounds)
    return RecordBounds(starts, ends, lines)


def _is_record(
    data: bytes, starts: Positions, ends: Positions, first_is_blank: bool, blank: bytes
) -> NDArray[np.bool_] | None:
    """Tell of each line whether it is a record; None where all are."""
    import numpy as np

    first_bytes = np.frombuffer(data, np.uint8)[starts]
    suspects = first_bytes == _LF
    for byte in blank:
        suspects |= first_bytes == byte
    # With no byte here, the first line is blank if what came before is, whatever begins the next.
    suspects[:1] |= ends[:1] == 0
    if not suspects.any():
        return None
    is_record: NDArray[np.bool_] = ~suspects
    # A line of one blank byte or none is blank; the longer suspects, which are rare, are looked at.
    for index in np.flatnonzero(suspects & (ends - starts > 2)).tolist():
        is_record[index] = bool(data[starts[index] : ends[index] - 1].strip(blank))
    is_record[:1] |= not first_is_blank
    return is_record


def _state_after(
    data: bytes, state: ScanState, breaks: Breaks, ends: Positions, mode: Mode, kind: LineKind
) -> ScanState:
    rest = int(ends[-1]) if ends.size else 0
    record_offset, record_line = state.record_offset, state.record_line
    if ends.size:
        last = ends.size - 1 if breaks.ending is None else int(breaks.ending[-1])
        record_offset, record_line = state.offset + rest, state.line + last + 1
    is_after_return = data.endswith(b"\r") if data else state.is_after_return
    return ScanState(
        offset=state.offset + len(data),
        line=state.line + int(breaks.newlines.size),
        record_offset=record_offset,
        record_line=record_line,
        blank=is_blank(data[rest:], kind) and (state.blank or bool(ends.size)),
        mode=mode,
        is_after_return=is_after_return and kind == "csv",
    )
