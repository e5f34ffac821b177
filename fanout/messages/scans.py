"""What scanning one range of a blob told, whatever stands before the range."""

from fanout.messages.base import Message
from fanout.models.plan import BlobRef, Cut
from fanout.models.request import BatchLimits


class LaneScan(Message):
    """A range as it reads if it begins in one of some modes.

    Offsets are those of the blob. Indexes count from the first record that begins in the range,
    lines from its first line, which is 0.

    Attributes:
        modes: Names of the modes in which the range may begin, to be read like this.
        end_mode: Mode in which it ends then.
        head_end: Where the record ends that the range begins in; None if it does not end here.
        head_is_blank: Whether that record, as far as it is in the range, has only blank bytes.
        cuts: Of the records that begin after it and end in the range.
        items: How many records these are.
        tail_offset: Where the record begins that the range ends in.
        tail_line: Line on which that is.
        tail_is_blank: Whether that record, as far as it is in the range, has only blank bytes.
    """

    modes: list[str]
    end_mode: str
    head_end: int | None
    head_is_blank: bool
    cuts: list[Cut]
    items: int
    tail_offset: int
    tail_line: int
    tail_is_blank: bool


class RangeScan(Message):
    """``plan/scan-00012.json``: one range.

    Attributes:
        end: Offset of the byte after it.
        newlines: How many lines end in it.
        lanes: How it reads, for each mode in which it may begin.
    """

    end: int
    newlines: int
    lanes: list[LaneScan]


class ScanPlan(Message):
    """``plan/scan.json``: how a blob is scanned in ranges.

    Attributes:
        blob: The one version that is scanned.
        length: Its bytes.
        header: Column names of a CSV, else None.
        delimiter: Between the fields of a CSV, else None.
        start: Offset of its first record.
        start_line: Line on which that is.
        range_bytes: Length of each range but the last.
        limits: What one cut may hold.
    """

    blob: BlobRef
    length: int
    header: list[str] | None
    delimiter: str | None = None
    start: int
    start_line: int
    range_bytes: int
    limits: BatchLimits

    @property
    def ranges(self) -> int:
        """How many ranges there are."""
        return max(1, -(-(self.length - self.start) // self.range_bytes))

    def bounds(self, number: int) -> tuple[int, int]:
        """The first byte of a range (0-based) and the byte after its last."""
        begin = self.start + number * self.range_bytes
        return begin, min(begin + self.range_bytes, self.length)
