"""Split a blob into batches in one pass, holding one chunk of it at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fanout.models.plan import BatchCut
from fanout.models.request import BatchLimits
from fanout.models.source import CsvFormat, JsonFormat, JsonlFormat
from fanout.splitting.cuts import cut_batches
from fanout.splitting.elements import find_elements
from fanout.splitting.header import read_csv_start, read_jsonl_start
from fanout.splitting.scan import Found, Kind, scan_all

TextFormat = CsvFormat | JsonlFormat | JsonFormat


@dataclass(frozen=True)
class FoundRecords:
    """Where the records of a blob are.

    Attributes:
        columns: The header of a CSV; None for JSON, and for a CSV without any record.
        blocks: The records in order; the chunks are read while these are consumed.
    """

    columns: list[str] | None
    blocks: Iterator[Found]


@dataclass(frozen=True)
class Split:
    """A blob on its way into batches.

    Attributes:
        columns: The header of a CSV; None for JSON, and for a CSV without any record.
        cuts: The batches in order; the chunks are read while these are consumed.
    """

    columns: list[str] | None
    cuts: Iterator[BatchCut]


def find_records(chunks: Iterable[bytes], how: TextFormat) -> FoundRecords:
    """Find the records in the bytes of a blob, given uncompressed in chunks of any size.

    Raises:
        HeaderError: The blob is a CSV whose first record does not name its columns.
        JsonSourceError: (While the blocks are consumed, too.) It is JSON without such an array.
    """
    if isinstance(how, JsonFormat):
        return FoundRecords(None, find_elements(chunks, how.pointer))
    if isinstance(how, JsonlFormat):
        body = read_jsonl_start(chunks)
        return FoundRecords(None, scan_all(body.chunks, body.start, "jsonl"))
    body = read_csv_start(chunks, how.delimiter, how.header)
    blocks = scan_all(body.chunks, body.start, "csv", how.delimiter)
    return FoundRecords(body.columns, blocks)


def split(
    chunks: Iterable[bytes], kind: Kind, limits: BatchLimits, max_items: int | None = None
) -> Split:
    """Split the bytes of a blob, in chunks of any size, into batches of whole records.

    Args:
        chunks: All bytes of the blob in order.
        kind: How they are to be read.
        limits: What one batch may hold.
        max_items: How many records to take; reading ends there. None takes all.

    Raises:
        HeaderError: The blob is a CSV whose first record does not name its columns.
    """
    how = CsvFormat(kind="csv") if kind == "csv" else JsonlFormat(kind="jsonl")
    found = find_records(chunks, how)
    return Split(found.columns, cut_batches(found.blocks, limits, max_items))
