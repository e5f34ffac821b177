"""Divide a chunk into pieces that are not too large once they are decoded."""

from collections.abc import Iterator

from fanout.records import Chunk
from fanout.splitting.halves import halve
from fanout.splitting.sizes.estimates import chunk_bytes


def divide(chunk: Chunk, max_bytes: int) -> Iterator[Chunk]:
    """Divide a chunk between its records, so that each piece takes at most so much memory.

    One record alone is a piece however large: `fanout.splitting.records` refuses it by its size.

    Args:
        chunk: The chunk.
        max_bytes: What the items of a piece may take, by `estimates.chunk_bytes`.
    """
    if chunk.count == 1 or chunk_bytes(chunk, max_bytes) <= max_bytes:
        yield chunk
        return
    for half in halve(chunk):
        yield from divide(half, max_bytes)
