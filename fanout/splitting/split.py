"""Split a blob into cuts in one pass, holding one chunk of it at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fanout.models.plan import Cut
from fanout.models.request import BatchLimits
from fanout.models.source import CsvFormat, JsonFormat, JsonlFormat
from fanout.splitting.cuts import cut_records
from fanout.splitting.elements import find_elements
from fanout.splitting.header import read_csv_start, read_jsonl_start
from fanout.splitting.scan import LineKind, RecordBounds, scan_all

TextFormat = CsvFormat | JsonlFormat | JsonFormat


@dataclass(frozen=True)
class BlobRecords:
    """Where the records of a blob are.

    Attributes:
        columns: The header of a CSV; None for JSON, and for a CSV without any record.
        blocks: The records in order; the chunks are read while these are consumed.
        delimiter: The character between the fields of a CSV; None for JSON.
    """

    columns: list[str] | None
    blocks: Iterator[RecordBounds]
    delimiter: str | None = None


@dataclass(frozen=True)
class Split:
    """A blob on its way into cuts.

    Attributes:
        columns: The header of a CSV; None for JSON, and for a CSV without any record.
        cuts: In order; the chunks are read while these are consumed.
    """

    columns: list[str] | None
    cuts: Iterator[Cut]


def find_records(chunks: Iterable[bytes], text_format: TextFormat) -> BlobRecords:
    """Find the records in the bytes of a blob, given uncompressed in chunks of any size.

    Raises:
        HeaderError: The blob is a CSV whose first record does not name its columns.
        JsonSourceError: (While the blocks are consumed, too.) It is JSON without such an array.
    """
    if isinstance(text_format, JsonFormat):
        return BlobRecords(None, find_elements(chunks, text_format.pointer))
    if isinstance(text_format, JsonlFormat):
        body = read_jsonl_start(chunks)
        return BlobRecords(None, scan_all(body.chunks, body.start, "jsonl"))
    body = read_csv_start(chunks, text_format)
    blocks = scan_all(body.chunks, body.start, "csv", body.delimiter)
    return BlobRecords(body.columns, blocks, body.delimiter)


def split(
    chunks: Iterable[bytes], kind: LineKind, limits: BatchLimits, max_items: int | None = None
) -> Split:
    """Split the bytes of a blob, in chunks of any size, into cuts of whole records.

    Args:
        chunks: All bytes of the blob in order.
        kind: How they are to be read.
        limits: What one cut may hold.
        max_items: How many records to take; reading ends there. None takes all.

    Raises:
        HeaderError: The blob is a CSV whose first record does not name its columns.
    """
    text_format = CsvFormat(kind="csv") if kind == "csv" else JsonlFormat(kind="jsonl")
    records = find_records(chunks, text_format)
    return Split(records.columns, cut_records(records.blocks, limits, max_items))
