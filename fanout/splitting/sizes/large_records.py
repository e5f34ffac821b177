"""Refuse records that would take too much memory once they are decoded, before they are."""

from collections.abc import Iterator

from fanout.models.outcome import ErrorInfo
from fanout.naming.error_types import ErrorType
from fanout.records import Chunk
from fanout.splitting.sizes.estimates import (
    MOST_JSON_RATIO,
    fixed_bytes,
    path_count,
    record_bytes,
)


def refuse_large(
    chunk: Chunk, first_index: int, lines: list[int], raw: list[bytes]
) -> dict[int, ErrorInfo]:
    """Take the bytes of records that are too large out of `raw`; say why, by their index.

    Args:
        chunk: What they are part of.
        first_index: The index of the first.
        lines: The line of each.
        raw: The bytes of each; those of a record that is refused become empty.
    """
    fixed = fixed_bytes(chunk.columns or (), chunk.selection)
    copies = 1 + path_count(chunk.selection)
    room = (chunk.max_item_bytes - fixed) // copies
    faults = {}
    for position in _long_records(raw, room):
        size = record_bytes(raw[position], chunk.kind, chunk.dialect.delimiter)
        if size > room:
            size = fixed + copies * size
            faults[first_index + position] = too_large(lines[position], size, chunk.max_item_bytes)
            raw[position] = b""
    return faults


def too_large(line: int, size: int, max_bytes: int) -> ErrorInfo:
    """Describe an item that is too large to be decoded; `line` is 0 where a source has no lines."""
    where = f"line {line}: " if line else ""
    message = f"{where}decoded, the item takes about {size} bytes of memory, over {max_bytes}"
    return ErrorInfo(type=ErrorType.RECORD_TOO_LARGE, message=message, retryable=False)


def _long_records(raw: list[bytes], room: int) -> Iterator[int]:
    """The positions of those records whose length alone does not show that they are small."""
    least = room // MOST_JSON_RATIO
    if len(max(raw, key=len)) > least:
        yield from (position for position, record in enumerate(raw) if len(record) > least)
