"""Split a blob into batches in one pass, holding one chunk of it at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fanout.models.plan import BatchCut
from fanout.models.request import BatchLimits
from fanout.splitting.cuts import cut_batches
from fanout.splitting.header import read_csv_start, read_jsonl_start
from fanout.splitting.scan import Kind, scan_all


@dataclass(frozen=True)
class Split:
    """A blob on its way into batches.

    Attributes:
        columns: The header of a CSV; None for JSON lines, and for a CSV without any record.
        cuts: The batches in order; the chunks are read while these are consumed.
    """

    columns: list[str] | None
    cuts: Iterator[BatchCut]


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
    body = read_csv_start(chunks) if kind == "csv" else read_jsonl_start(chunks)
    blocks = scan_all(body.chunks, body.start, kind)
    return Split(body.columns, cut_batches(blocks, limits, max_items))
