"""The records of one batch, parsed.

Every record of a batch comes out: one that does not parse has no value and says why, with the line
on which it begins in the source. What a record is, `fanout.splitting.scan` decides for the plan and
here alike, so a batch has as many records as its plan says.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import count, repeat

from pydantic_core import from_json

from fanout.models.outcome import ErrorInfo
from fanout.naming.error_types import ErrorType
from fanout.records import Chunk, CsvDialect, Record
from fanout.splitting.bounds import find_bounds
from fanout.splitting.fields import MalformedRecordError, split_fields, strip_ending
from fanout.splitting.numbers import has_infinity, may_overflow
from fanout.splitting.scan import RecordBounds
from fanout.splitting.select import select
from fanout.splitting.sizes.large_records import refuse_large

# Between two lines that are parsed together. Nobody can write it into a line, so malformed lines
# cannot make up for one another, as `[1` and `2]` do when only a comma is between them.
_SEPARATOR = secrets.token_hex(16)
_JOIN = f',"{_SEPARATOR}",'.encode()

# Values that are there at once cost Python's collector more than is gained by parsing them at once.
_PARSED_AT_ONCE = 50
_WHITE = b" \t\r\n"
_PLACE = re.compile(r" at line (\d+)(?= column \d+$)")
# NaN and Infinity are no JSON. To cache keys alone is the quickest for objects of one shape.
_parse_json = partial(from_json, allow_inf_nan=False, cache_strings="keys")

_ParseBlock = Callable[[int, list[int], list[bytes]], Iterable[Record]]


def parse_records(chunk: Chunk) -> Iterator[Record]:
    """Parse the items of a batch, in order: exactly `chunk.count` of them.

    A record of a CSV is a dict from column to text; a line of JSON, an element of an array, or an
    item of an inline source, is its value. What the chunk selects is merged in.

    Raises:
        ValueError: The bytes are not those of the plan, for they hold another number of items.
    """
    if chunk.fault is not None:
        yield Record(chunk.first_index, chunk.first_line or None, None, chunk.fault)
        return
    items = 0
    for size, parsed in _blocks(chunk):
        records = _refuse(parsed, chunk.faults) if chunk.faults else parsed
        yield from select(records, chunk.selection, chunk.origin) if chunk.selection else records
        items += size
    if items != chunk.count:
        batch = f"the batch from item {chunk.first_index} on"
        raise ValueError(f"{batch} holds {items} items, not {chunk.count}")


def _refuse(records: Iterable[Record], faults: Mapping[int, ErrorInfo]) -> Iterator[Record]:
    """Refuse those records whose source could not give them."""
    for record in records:
        error = faults.get(record.index)
        yield record if error is None else record._replace(value=None, error=error)


def _blocks(chunk: Chunk) -> Iterator[tuple[int, Iterable[Record]]]:
    """Parse a batch some records at a time, and say how many these are."""
    if chunk.kind == "inline":
        values = from_json(chunk.data)
        return iter([(len(values), map(Record, count(chunk.first_index), repeat(None), values))])
    if chunk.kind == "csv":
        parse: _ParseBlock = partial(_csv_block, chunk.columns or [], chunk.dialect)
    else:
        is_line = chunk.kind == "jsonl"
        parse = _json_parser(chunk.data, ErrorType.JSON_LINE if is_line else ErrorType.JSON_ITEM)
    return _parse_blocks(chunk, find_bounds(chunk), parse)


def _parse_blocks(
    chunk: Chunk, blocks: Iterable[RecordBounds], parse: _ParseBlock
) -> Iterator[tuple[int, Iterable[Record]]]:
    index = chunk.first_index
    for bounds in blocks:
        if len(bounds):
            pairs = zip(bounds.starts.tolist(), bounds.ends.tolist(), strict=True)
            raw = [chunk.data[start:end] for start, end in pairs]
            lines = bounds.lines.tolist()
            faults = refuse_large(chunk, index, lines, raw)
            records = parse(index, lines, raw)
            records = _refuse(records, faults) if faults else records
            yield len(raw), records if chunk.first_line else map(_without_line, records)
            index += len(raw)


def _without_line(record: Record) -> Record:
    return record._replace(line=None)


def _csv_block(
    columns: list[str], dialect: CsvDialect, first_index: int, lines: list[int], raw: list[bytes]
) -> Iterable[Record]:
    return map(partial(_csv_record, columns, dialect), count(first_index), lines, raw)


def _csv_record(
    columns: list[str], dialect: CsvDialect, index: int, line: int, raw: bytes
) -> Record:
    try:
        fields = split_fields(strip_ending(raw).decode(), dialect.delimiter)
    except UnicodeDecodeError as error:
        return _refused_record(index, line, ErrorType.ENCODING, _encoding_fault(line, error))
    except MalformedRecordError as error:
        return _refused_record(index, line, ErrorType.CSV_ROW, f"line {line}: {error}")
    if len(fields) != len(columns) and dialect.rows == "pad":
        fields += [""] * (len(columns) - len(fields))
        del fields[len(columns) :]
    if len(fields) != len(columns):
        fault = f"line {line}: the header has {len(columns)} columns, this row has {len(fields)}"
        return _refused_record(index, line, ErrorType.CSV_ROW, fault)
    return Record(index, line, dict(zip(columns, fields, strict=True)))


def _json_parser(data: bytes, error_type: ErrorType) -> _ParseBlock:
    """How a batch is parsed: a number that may be too large is looked for once, in all of it."""
    return partial(_json_texts if may_overflow(data) else _json_block, error_type)


def _json_texts(
    error_type: ErrorType, first_index: int, lines: list[int], raw: list[bytes]
) -> Iterable[Record]:
    return map(partial(_json_record, error_type), count(first_index), lines, raw)


def _json_block(
    error_type: ErrorType, first_index: int, lines: list[int], raw: list[bytes]
) -> Iterator[Record]:
    for start in range(0, len(raw), _PARSED_AT_ONCE):
        end = start + _PARSED_AT_ONCE
        yield from _json_group(error_type, first_index + start, lines[start:end], raw[start:end])


def _json_group(
    error_type: ErrorType, first_index: int, lines: list[int], raw: list[bytes]
) -> Iterable[Record]:
    """Parse some texts at once, which is twice as quick, or else each by itself."""
    try:
        values = _parse_json(b"[" + _JOIN.join(raw) + b"]")
    except ValueError:
        values = []
    separators = len(raw) - 1
    if len(values) == len(raw) + separators and values[1::2].count(_SEPARATOR) == separators:
        return map(Record, count(first_index), lines, values[::2])
    return _json_texts(error_type, first_index, lines, raw)


def _json_record(error_type: ErrorType, index: int, line: int, raw: bytes) -> Record:
    try:
        value = _parse_json(raw.rstrip(_WHITE))  # so that a fault at its end is on its last line
    except ValueError as error:
        fault = _json_fault(error, raw, error_type, line)
    else:
        if not has_infinity(value):
            return Record(index, line, value)
        fault = "a number is too large: JSON has them up to about 1.8e308 here"
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return _refused_record(index, line, ErrorType.ENCODING, _encoding_fault(line, error))
    return _refused_record(index, line, error_type, f"line {line}: {fault}")


def _json_fault(error: ValueError, raw: bytes, error_type: ErrorType, line: int) -> str:
    def place(match: re.Match[str]) -> str:
        number = int(match[1])
        return " at" if number == 1 else f" at line {line + number - 1},"

    fault = _PLACE.sub(place, str(error))
    returns = raw.strip().count(b"\r") if error_type is ErrorType.JSON_LINE else 0
    if not returns:
        return fault
    return f"{fault} ({returns} carriage returns without line feeds, which end no line of JSON)"


def _encoding_fault(line: int, error: UnicodeDecodeError) -> str:
    byte = error.object[error.start]
    return f"line {line}: byte {error.start + 1} of the record, 0x{byte:02x}, is not UTF-8"


def _refused_record(index: int, line: int, error_type: ErrorType, message: str) -> Record:
    return Record(index, line, None, ErrorInfo(type=error_type, message=message, retryable=False))
