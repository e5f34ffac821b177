"""Where the records of a batch are in its bytes."""

from collections.abc import Iterator

from fanout.records import Chunk
from fanout.splitting.elements import batch_elements
from fanout.splitting.scan import RecordBounds, ScanState, scan_all


def find_bounds(chunk: Chunk) -> Iterator[RecordBounds]:
    """Find the records of a batch, in order, some at a time.

    Raises:
        ValueError: Its records are no stretches of bytes: they stand in the request.
    """
    start = ScanState.at(0, chunk.first_line)
    if chunk.kind == "csv":
        return scan_all([chunk.data], start, "csv", chunk.dialect.delimiter)
    if chunk.kind == "jsonl":
        return scan_all([chunk.data], start, "jsonl")
    if chunk.kind == "json":
        return batch_elements(chunk.data, chunk.first_line)
    raise ValueError(f"the records of a source of kind '{chunk.kind}' have no bounds")


def raw_records(chunk: Chunk) -> Iterator[bytes]:
    """The bytes of each record of a batch, as they stand in the source."""
    for bounds in find_bounds(chunk):
        for start, end in zip(bounds.starts.tolist(), bounds.ends.tolist(), strict=True):
            yield chunk.data[start:end]
