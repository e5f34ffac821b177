"""What stands before the records of a blob: a byte order mark, and the header record of a CSV."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from fanout.errors import FanoutError
from fanout.splitting.fields import MalformedRecordError, split_fields, strip_ending
from fanout.splitting.scan import ScanState, in_pieces, scan, unfinished

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


def read_csv_start(chunks: Iterable[bytes]) -> Body:
    """Read the byte order mark and the header of a CSV, and no further than it must.

    Raises:
        HeaderError: The header is not UTF-8, is malformed, is longer than `MAX_HEADER_BYTES`, or
            names two columns alike.
    """
    mark, rest = _skip_byte_order_mark(iter(chunks))
    pieces = in_pieces(rest)
    state = ScanState.at(mark, 1)
    held, held_offset = bytearray(), mark
    for piece in pieces:
        found, state = scan(piece, state, "csv")
        held += piece
        if len(found):
            end = int(found.ends[0]) - held_offset
            header = held[int(found.starts[0]) - held_offset : end]
            body = ScanState.at(held_offset + end, int(found.lines[0]) + header.count(b"\n"))
            return Body(_columns(header), chain([bytes(held[end:])], pieces), body)
        del held[: state.record_offset - held_offset]
        held_offset = state.record_offset
        _check_size(held)
    body = ScanState.at(state.offset, state.line)
    return Body(_columns(held) if len(unfinished(state)) else None, iter(()), body)


def _skip_byte_order_mark(chunks: Iterator[bytes]) -> tuple[int, Iterator[bytes]]:
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= len(_BYTE_ORDER_MARK):
            break
    mark = len(_BYTE_ORDER_MARK) if first.startswith(_BYTE_ORDER_MARK) else 0
    return mark, chain([first[mark:]], chunks)


def _columns(header: bytearray) -> list[str]:
    _check_size(header)
    try:
        columns = split_fields(strip_ending(header).decode())
    except UnicodeDecodeError as error:
        raise HeaderError("the header is not UTF-8") from error
    except MalformedRecordError as error:
        raise HeaderError(f"the header is malformed: {error}") from error
    repeated = [column for column, times in Counter(columns).items() if times > 1]
    if repeated:
        names = ", ".join(f"'{name}'" for name in repeated)
        raise HeaderError(f"the header has these column names more than once: {names}")
    return columns


def _check_size(header: bytearray) -> None:
    if len(header) > MAX_HEADER_BYTES:
        raise HeaderError(f"the header is longer than {MAX_HEADER_BYTES} bytes")
