"""What the records of a blob are, read one byte at a time from the whole: slow and plain.

The property tests of `fanout.splitting` compare with this. It shares no code with it.
"""

from dataclasses import dataclass, field


@dataclass
class OracleRecord:
    """A record as it stands in the blob; `fields` is None where its quotes are malformed."""

    start: int
    end: int
    line: int
    raw: bytes
    fields: list[bytes] | None = field(default_factory=list)


def csv_records(blob: bytes) -> list[OracleRecord]:
    """Read every record of a CSV, the header included, with a reader of one byte at a time."""
    records = []
    position, line = _after_mark(blob), 1
    while position < len(blob):
        record, fields = _csv_record(blob, position, line)
        raw = record.raw.removesuffix(b"\n").removesuffix(b"\r")
        line += _count_lines(record.raw)
        if raw:
            record.fields = fields
            record.raw = raw
            records.append(record)
        position = record.end
    return records


def _csv_record(blob: bytes, start: int, line: int) -> tuple[OracleRecord, list[bytes] | None]:
    fields, well_formed = [b""], True
    mode = "start"  # start, plain, quoted, closed (after a closing quote), garbage (after it)
    position = start
    while position < len(blob):
        byte = blob[position : position + 1]
        position += 1
        if mode == "quoted":
            if byte == b'"' and blob[position : position + 1] == b'"':
                position += 1
                fields[-1] += b'"'
            elif byte == b'"':
                mode = "closed"
            else:
                fields[-1] += byte
        elif byte == b"\n":
            break
        elif byte == b"\r":
            position += blob[position : position + 1] == b"\n"
            break
        elif byte == b",":
            fields.append(b"")
            mode = "start"
        elif byte == b'"' and mode == "start":
            mode = "quoted"
        elif mode in ("closed", "garbage"):
            mode, well_formed = "garbage", False
        else:
            fields[-1] += byte
            mode = "plain"
    well_formed = well_formed and mode != "quoted"
    return OracleRecord(start, position, line, blob[start:position]), (
        fields if well_formed else None
    )


def _count_lines(text: bytes) -> int:
    """Count line endings: LF, CR, or both in this order."""
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n")


def jsonl_records(blob: bytes) -> list[OracleRecord]:
    """Read every line that is not white space alone."""
    records = []
    position = _after_mark(blob)
    for line, text in enumerate(blob[position:].split(b"\n"), 1):
        end = min(position + len(text) + 1, len(blob))
        if text.strip(b" \t\r"):
            records.append(OracleRecord(position, end, line, text))
        position = end
    return records


def batches(
    records: list[OracleRecord], max_items: int, max_bytes: int
) -> list[list[OracleRecord]]:
    """Put records into batches one by one."""
    made: list[list[OracleRecord]] = []
    for record in records:
        last = made[-1] if made else None
        if last is None or len(last) == max_items or record.end - last[0].start > max_bytes:
            made.append([record])
        else:
            last.append(record)
    return made


def _after_mark(blob: bytes) -> int:
    return 3 if blob.startswith(b"\xef\xbb\xbf") else 0


def in_chunks(blob: bytes, sizes: list[int]) -> list[bytes]:
    """Cut a blob into chunks of these sizes, again and again."""
    chunks, position, turn = [], 0, 0
    while position < len(blob):
        size = sizes[turn % len(sizes)]
        chunks.append(blob[position : position + size])
        position, turn = position + size, turn + 1
    return chunks
