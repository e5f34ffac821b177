"""What stands before the records of a blob: a byte order mark, and the header record of a CSV."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from fanout.errors import FanoutError
from fanout.splitting.fields import MalformedRecordError, split_fields, strip_ending
from fanout.splitting.scan import ScanState, in_pieces, scan

MAX_HEADER_BYTES = 1_048_576
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class HeaderError(FanoutError):
    """The first record of a CSV does not name its columns."""


@dataclass(frozen=True)
class Body:
    """A blob after its beginning has been read.

    Attributes:
        columns: The header of a CSV; None for JSON lines, and for a CSV without any record.
        chunks: The bytes that follow.
        start: Where these stand in the blob.
    """

    columns: list[str] | None
    chunks: Iterator[bytes]
    start: ScanState


def read_jsonl_start(chunks: Iterable[bytes]) -> Body:
    """Leave out the byte order mark of JSON lines, if there is one."""
    mark, rest = _skip_byte_order_mark(iter(chunks))
    return Body(None, rest, ScanState.at(mark, 1))


def read_csv_start(
    chunks: Iterable[bytes], delimiter: str = ",", columns: list[str] | None = None
) -> Body:
    """Read the byte order mark and the header of a CSV, and no further than it must.

    Args:
        chunks: All bytes of the blob in order.
        delimiter: The character between fields.
        columns: The header, where the blob has none: its first record is a row then.

    Raises:
        HeaderError: The header is not UTF-8, is malformed, does not end in the first
            `MAX_HEADER_BYTES`, or names two columns alike.
    """
    mark, rest = _skip_byte_order_mark(iter(chunks))
    if columns is not None:
        return Body(columns, rest, ScanState.at(mark, 1))
    pieces = in_pieces(rest)
    state = ScanState.at(mark, 1)
    held = bytearray()
    for piece in pieces:
        bounds, state = scan(piece, state, "csv", delimiter)
        held += piece
        if len(bounds):
            start, end = int(bounds.starts[0]), int(bounds.ends[0])
            _check_size(end - mark)
            columns = _columns(held[start - mark : end - mark], delimiter)
            after = ScanState.at(end, 1 + held.count(b"\n", 0, end - mark))
            return Body(columns, chain([bytes(held[end - mark :])], pieces), after)
        _check_size(len(held))
    body = ScanState.at(state.offset, state.line)
    columns_of_all = (
        None if state.blank else _columns(held[state.record_offset - mark :], delimiter)
    )
    return Body(columns_of_all, iter(()), body)


def _skip_byte_order_mark(chunks: Iterator[bytes]) -> tuple[int, Iterator[bytes]]:
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= len(_BYTE_ORDER_MARK):
            break
    mark = len(_BYTE_ORDER_MARK) if first.startswith(_BYTE_ORDER_MARK) else 0
    return mark, chain([first[mark:]], chunks)


def _columns(header: bytearray, delimiter: str) -> list[str]:
    try:
        columns = split_fields(strip_ending(header).decode(), delimiter)
    except UnicodeDecodeError as error:
        raise HeaderError("the header is not UTF-8") from error
    except MalformedRecordError as error:
        raise HeaderError(f"the header is malformed: {error}") from error
    repeated = [column for column, times in Counter(columns).items() if times > 1]
    if repeated:
        names = ", ".join(f"'{name}'" for name in repeated)
        raise HeaderError(f"the header has these column names more than once: {names}")
    return columns


def _check_size(header_bytes: int) -> None:
    if header_bytes > MAX_HEADER_BYTES:
        raise HeaderError(f"the first {MAX_HEADER_BYTES} bytes hold no complete header")
