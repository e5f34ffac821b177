"""Split a blob by scanning its ranges in any order, all at once or one by one.

What the bytes of a CSV mean depends on the mode in which a reader comes upon them, and that on all
bytes before. So `scan_range` reads a range in every mode at once; two readers that come to the end
of a record at the same byte read alike from there on, so mostly two remain. `join_ranges` then goes
over the ranges in order: the mode in which one ends says how the next one is to be read.

The cuts are those of one pass that closes a cut at the end of each range: a record belongs to
the range in which, or at whose end, it begins.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from fanout.messages.scans import LaneScan, RangeScan
from fanout.models.plan import Cut
from fanout.models.request import BatchLimits
from fanout.models.source import DEFAULT_DELIMITER, CsvFormat, JsonlFormat
from fanout.splitting.cuts import Cutter
from fanout.splitting.quotes import Mode
from fanout.splitting.scan import RecordBounds, ScanState, in_pieces, is_blank, scan

LineFormat = CsvFormat | JsonlFormat


def scan_range(
    chunks: Iterable[bytes],
    offset: int,
    line_format: LineFormat,
    limits: BatchLimits,
    *,
    is_first: bool = False,
    is_after_return: bool = False,
) -> RangeScan:
    """Scan one range of a blob.

    Args:
        chunks: The bytes of the range in order.
        offset: Where it begins in the blob.
        line_format: How the blob is to be read.
        limits: What one cut may hold.
        is_first: Whether the blob's first record begins where the range does.
        is_after_return: Whether the byte before the range is a carriage return.
    """
    if is_first or line_format.kind == "jsonl":
        modes: Sequence[Mode] = [Mode.FIELD_START]
    else:
        modes = list(Mode)
    # The head counts as a record here, whatever it is: `join_ranges` knows all of it.
    is_after_return = is_after_return and not is_first and line_format.kind == "csv"
    states = [ScanState(offset, 0, offset, 0, is_first, mode, is_after_return) for mode in modes]
    head_end = offset if is_first else None
    lanes = [
        _Lane([state.mode.name], state, line_format, Cutter(limits), head_end) for state in states
    ]
    for piece in in_pieces(chunks):
        for lane in lanes:
            lane.read(piece)
        lanes = _merge_lanes(lanes)
    end = lanes[0].state
    return RangeScan(end=end.offset, newlines=end.line, lanes=[lane.finish() for lane in lanes])


def join_ranges(
    scans: Iterable[RangeScan], offset: int, line: int, limits: BatchLimits
) -> Iterator[Cut]:
    """Put the cuts of all ranges together, in order.

    Args:
        scans: The ranges, in order.
        offset: Where the first record begins in the blob.
        line: Line on which that is.
        limits: What one cut may hold, as in `scan_range`.
    """
    joint = _Joint(limits, _Tail(offset, line), line)
    for range_scan in scans:
        yield from joint.add(range_scan)
    yield from joint.finish()


@dataclass
class _Lane:
    """A reader that came upon the range in one of `modes`."""

    modes: list[str]
    state: ScanState
    line_format: LineFormat
    cutter: Cutter
    head_end: int | None = None
    head_is_blank: bool = True
    cuts: list[Cut] = field(default_factory=list)

    def read(self, piece: bytes) -> None:
        delimiter = _delimiter(self.line_format)
        begin = self.state.offset
        bounds, self.state = scan(piece, self.state, self.line_format.kind, delimiter)
        if self.head_end is None:
            head = piece
            if len(bounds):
                self.head_end = int(bounds.ends[0])
                head = piece[: max(0, self.head_end - 1 - begin)]
                bounds = RecordBounds(bounds.starts[1:], bounds.ends[1:], bounds.lines[1:])
            self.head_is_blank = self.head_is_blank and is_blank(head, self.line_format.kind)
        self.cuts.extend(self.cutter.cut(bounds))

    def finish(self) -> LaneScan:
        self.cuts.extend(self.cutter.rest())
        return LaneScan(
            modes=self.modes,
            end_mode=self.state.mode.name,
            head_end=self.head_end,
            head_is_blank=self.head_is_blank,
            cuts=self.cuts,
            items=self.cutter.items,
            tail_offset=self.state.record_offset,
            tail_line=self.state.record_line,
            tail_is_blank=self.state.blank,
        )


def _delimiter(line_format: LineFormat) -> str:
    given = line_format.delimiter if isinstance(line_format, CsvFormat) else None
    return given or DEFAULT_DELIMITER


def _merge_lanes(lanes: Sequence[_Lane]) -> list[_Lane]:
    """Keep one of the lanes that read alike from here on."""
    distinct: dict[object, _Lane] = {}
    for lane in lanes:
        alike: object = lane.head_end
        if lane.head_end is None:
            alike = (lane.state.mode, lane.head_is_blank)
        if alike in distinct:
            distinct[alike].modes += lane.modes
        else:
            distinct[alike] = lane
    return list(distinct.values())


@dataclass(frozen=True)
class _Tail:
    """The record in which a range ends; nothing yet where it is blank."""

    offset: int
    line: int
    is_blank: bool = True


@dataclass
class _Joint:
    """What is known between two ranges.

    Attributes:
        tail: The record that does not end before the next range.
        line: Line on which the next range begins.
        index: Index of the record that comes after the tail's cut so far.
        last: The cut that the tail may go into.
    """

    limits: BatchLimits
    tail: _Tail
    line: int
    mode: str = Mode.FIELD_START.name
    offset: int = 0
    index: int = 0
    last: Cut | None = None

    def add(self, range_scan: RangeScan) -> Iterator[Cut]:
        lane, *_ = (lane for lane in range_scan.lanes if self.mode in lane.modes)
        is_blank_yet = self.tail.is_blank and lane.head_is_blank
        if lane.head_end is None:
            self.tail = _Tail(self.tail.offset, self.tail.line, is_blank_yet)
        else:
            if not is_blank_yet:
                yield from self._take_tail(lane.head_end)
            yield from self._close()
            yield from self._take_cuts(lane)
            line = self.line + lane.tail_line
            self.tail = _Tail(lane.tail_offset, line, lane.tail_is_blank)
        self.mode = lane.end_mode
        self.line += range_scan.newlines
        self.offset = range_scan.end

    def finish(self) -> Iterator[Cut]:
        if not self.tail.is_blank:
            yield from self._take_tail(self.offset)
        yield from self._close()

    def _take_tail(self, end: int) -> Iterator[Cut]:
        last, limits = self.last, self.limits
        is_full = last is None or (
            last.items == limits.max_items or end - last.offset > limits.max_bytes
        )
        if last is not None and not is_full:
            self.last = last._replace(end=end, items=last.items + 1)
        else:
            yield from self._close()
            self.last = Cut(self.tail.offset, end, self.index, 1, self.tail.line)
        self.index += 1

    def _take_cuts(self, lane: LaneScan) -> Iterator[Cut]:
        for cut in lane.cuts:
            yield from self._close()
            self.last = cut._replace(
                first_index=self.index + cut.first_index, first_line=self.line + cut.first_line
            )
        self.index += lane.items

    def _close(self) -> Iterator[Cut]:
        last, self.last = self.last, None
        if last is not None:
            yield last
