"""What stands before the records of a blob.

That is a byte order mark; and in a CSV a line ``sep=;`` that names the delimiter, as Excel reads
and writes it, and the header record.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from fanout.models.source import DEFAULT_DELIMITER, CsvFormat, HeaderRecord
from fanout.splitting.columns import (
    HeaderError,
    insist_on_different,
    insist_on_few,
    rename_columns,
)
from fanout.splitting.fields import MalformedRecordError, split_fields, strip_ending
from fanout.splitting.scan import ScanState, in_pieces, scan

MAX_HEADER_BYTES = 1_048_576
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_ENDING = re.compile(rb"\r\n|\r|\n")
# The delimiter may be written out: `\t`. What fills up the row may follow, as spreadsheets
# write it; with another text after it the line is a header.
_SEPARATOR_LINE = re.compile(
    rb'(?P<quote>"?)sep=(?P<delimiter>\\t|[\xc0-\xff][\x80-\xbf]{1,3}|[^\r\n]?)(?P=quote)'
    rb"[ \t,;|]{0,200}(?:\r\n|\r|\n|\Z)",
    re.IGNORECASE,
)
_SEPARATOR_LINE_BYTES = 256


@dataclass(frozen=True)
class Body:
    """A blob after its beginning has been read.

    Attributes:
        columns: The header of a CSV; None for JSON lines, and for a CSV without any record.
        chunks: The bytes that follow.
        start: Where these stand in the blob.
        delimiter: The character between the fields of a CSV.
    """

    columns: list[str] | None
    chunks: Iterator[bytes]
    start: ScanState
    delimiter: str = DEFAULT_DELIMITER


def read_jsonl_start(chunks: Iterable[bytes]) -> Body:
    """Leave out the byte order mark of JSON lines, if there is one."""
    mark, rest = _skip_byte_order_mark(iter(chunks))
    return Body(None, rest, ScanState.at(mark, 1))


def read_csv_start(chunks: Iterable[bytes], csv: CsvFormat) -> Body:
    """Read what comes before the first row of a CSV, and no further than it must.

    Args:
        chunks: All bytes of the blob in order.
        csv: The delimiter and the names of the columns, where the blob does not say them. With a
            list of names its first record is a row.

    Raises:
        HeaderError: The header is not UTF-8, is malformed, does not end in the first
            `MAX_HEADER_BYTES`, or names two columns alike; or a first line ``sep=;`` names no
            delimiter, or another than the request.
    """
    mark, rest = _skip_byte_order_mark(iter(chunks))
    line, start, rest = _take_separator_line(rest)
    delimiter = _delimiter(line, csv.delimiter)
    state = ScanState.at(mark + start, 1 if line is None else 2)
    if isinstance(csv.header, list):
        return Body(csv.header, rest, state, delimiter)
    pieces = in_pieces(rest)
    record, after, rest_of_piece = _take_record(pieces, state, delimiter)
    columns = None if record is None else _columns(record, delimiter, csv.header)
    if csv.header is not None and csv.header.names is not None:
        columns = csv.header.names
    return Body(columns, chain([rest_of_piece], pieces), after, delimiter)


def _take_record(
    pieces: Iterator[bytes], state: ScanState, delimiter: str
) -> tuple[bytes | None, ScanState, bytes]:
    """Take the first record, if there is one; tell what follows, and give what is held of that."""
    begin, line = state.offset, state.line
    held = bytearray()
    for piece in pieces:
        bounds, state = scan(piece, state, "csv", delimiter)
        held += piece
        if len(bounds):
            start, end = int(bounds.starts[0]) - begin, int(bounds.ends[0]) - begin
            _check_size(end)
            line += len(_LINE_ENDING.findall(held[:end]))
            return bytes(held[start:end]), ScanState.at(begin + end, line), bytes(held[end:])
        _check_size(len(held))
    record = None if state.blank else bytes(held[state.record_offset - begin :])
    return record, ScanState.at(state.offset, state.line), b""


def _skip_byte_order_mark(chunks: Iterator[bytes]) -> tuple[int, Iterator[bytes]]:
    first, rest = _hold(chunks, len(_BYTE_ORDER_MARK))
    mark = len(_BYTE_ORDER_MARK) if first.startswith(_BYTE_ORDER_MARK) else 0
    return mark, chain([first[mark:]], rest)


def _take_separator_line(chunks: Iterator[bytes]) -> tuple[bytes | None, int, Iterator[bytes]]:
    """Take a first line ``sep=;``: its delimiter, None if there is no such line; its length."""
    first, rest = _hold(chunks, _SEPARATOR_LINE_BYTES)
    line = _SEPARATOR_LINE.match(first)
    if line is None:
        return None, 0, chain([first], rest)
    return line["delimiter"], line.end(), chain([first[line.end() :]], rest)


def _hold(chunks: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Read until so many bytes are held, or all."""
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= size:
            break
    return first, chunks


def _delimiter(line: bytes | None, given: str | None) -> str:
    if line is None:
        return given or DEFAULT_DELIMITER
    found = "\t" if line == rb"\t" else line.decode(errors="replace")
    if len(found) != 1 or not found.isascii() or found == '"':
        raise HeaderError(f"its first line, 'sep={found}', names no ASCII character as delimiter")
    if given is not None and given != found:
        raise HeaderError(f"its first line says that the delimiter is {found!r}, not {given!r}")
    return found


def _columns(record: bytes, delimiter: str, header: HeaderRecord | None) -> list[str]:
    if header is not None and header.names is not None:
        return header.names
    try:
        columns = split_fields(strip_ending(record).decode(), delimiter)
    except UnicodeDecodeError as error:
        raise HeaderError("the header is not UTF-8") from error
    except MalformedRecordError as error:
        raise HeaderError(f"the header is malformed: {error}") from error
    if any("\0" in column for column in columns):
        raise HeaderError("the header has NUL bytes, so it is no text in UTF-8")
    insist_on_few(columns)
    if header is not None and header.rename is not None:
        columns = rename_columns(columns, header.rename)
    return insist_on_different(columns)


def _check_size(header_bytes: int) -> None:
    if header_bytes > MAX_HEADER_BYTES:
        raise HeaderError(f"the first {MAX_HEADER_BYTES} bytes hold no complete header")
