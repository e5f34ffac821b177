"""Find the records of a blob in one pass over its chunks, whatever their boundaries.

`scan` is a pure function from the bytes of a piece and the state before it to the records that end
in it and the state after it. The state is a few numbers: nothing of an unfinished record is held.
Blank lines are no records: in a CSV those of carriage returns alone, in JSON lines those of white
space alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from fanout.splitting.quotes import Breaks, Mode, csv_breaks, line_breaks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fanout.splitting.quotes import Positions

LineKind = Literal["csv", "jsonl"]

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
    """

    offset: int = 0
    line: int = 1
    record_offset: int = 0
    record_line: int = 1
    blank: bool = True
    mode: Mode = Mode.FIELD_START

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
        breaks, mode = csv_breaks(data, state.mode, delimiter)
    else:
        breaks, mode = line_breaks(data), state.mode
    line_after_newline = state.line + 1
    ends = breaks.newlines[breaks.ending] + 1
    starts = np.empty_like(ends)
    lines = np.empty_like(ends)
    if ends.size:
        starts[0], starts[1:] = 0, ends[:-1]
        lines[0], lines[1:] = state.record_line, breaks.ending[:-1] + line_after_newline
    is_record = _is_record(data, starts, ends, state.blank, _BLANK[kind])
    after = _state_after(data, state, breaks, ends, mode, _BLANK[kind])
    starts += state.offset
    ends += state.offset
    if ends.size:
        starts[0] = state.record_offset
    if is_record.all():
        return RecordBounds(starts, ends, lines), after
    return RecordBounds(starts[is_record], ends[is_record], lines[is_record]), after


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
    """Tell whether a record of these bytes, without its line feed, would be a blank line."""
    return not data.strip(_BLANK[kind])


def last_record(state: ScanState) -> RecordBounds:
    """Give what stands after the last record end of a blob, where there is something: a record."""
    import numpy as np

    bounds = (state.record_offset, state.offset, state.record_line)
    starts, ends, lines = (np.array([] if state.blank else [b], np.int64) for b in bounds)
    return RecordBounds(starts, ends, lines)


def _is_record(
    data: bytes, starts: Positions, ends: Positions, first_is_blank: bool, blank: bytes
) -> NDArray[np.bool_]:
    import numpy as np

    begins_blank = np.zeros(256, np.bool_)
    begins_blank[list(blank + b"\n")] = True
    suspects = begins_blank[np.frombuffer(data, np.uint8)[starts]]
    is_record = ~suspects
    sizes = ends - starts
    # A line of one blank byte or none is blank; the longer suspects, which are rare, are looked at.
    for index in np.flatnonzero(suspects & (sizes > 2)).tolist():
        is_record[index] = bool(data[starts[index] : ends[index] - 1].strip(blank))
    if starts.size and not first_is_blank:
        is_record[0] = True
    return is_record


def _state_after(
    data: bytes, state: ScanState, breaks: Breaks, ends: Positions, mode: Mode, blank: bytes
) -> ScanState:
    offset, line = state.offset + len(data), state.line + int(breaks.newlines.size)
    if not ends.size:
        still_blank = state.blank and not data.strip(blank)
        return replace(state, offset=offset, line=line, blank=still_blank, mode=mode)
    rest = int(ends[-1])
    return ScanState(
        offset=offset,
        line=line,
        record_offset=state.offset + rest,
        record_line=state.line + int(breaks.ending[-1]) + 1,
        blank=not data[rest:].strip(blank),
        mode=mode,
    )
