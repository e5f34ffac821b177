"""Divide a batch between two of its records, to find the one that is at fault."""

from dataclasses import replace

from pydantic_core import from_json, to_json

from fanout.records import Chunk
from fanout.splitting.bounds import find_bounds


def halve(chunk: Chunk) -> tuple[Chunk, Chunk]:
    """Divide a chunk of two records or more; each half can be read as the whole can.

    Raises:
        ValueError: It has fewer records, or its bytes do not hold as many as it says.
    """
    middle = chunk.count // 2
    if middle == 0:
        raise ValueError("a chunk of one record has no halves")
    if chunk.kind == "inline":
        values = from_json(chunk.data)
        left, right, line = to_json(values[:middle]), to_json(values[middle:]), chunk.first_line
    else:
        end, start, line = _boundary(chunk, middle)
        left, right = chunk.data[:end], chunk.data[start:]
    bound = chunk.first_index + middle
    faults = chunk.faults.items()
    return (
        replace(
            chunk,
            data=left,
            count=middle,
            faults={index: fault for index, fault in faults if index < bound},
        ),
        replace(
            chunk,
            data=right,
            count=chunk.count - middle,
            first_index=bound,
            first_line=line if chunk.first_line else 0,
            faults={index: fault for index, fault in faults if index >= bound},
        ),
    )


def _boundary(chunk: Chunk, middle: int) -> tuple[int, int, int]:
    """Where the record before the middle ends, and where that after it begins, with its line."""
    passed, end = 0, 0
    for bounds in find_bounds(chunk):
        place = middle - passed
        if place < len(bounds):
            if place > 0:
                end = int(bounds.ends[place - 1])
            return end, int(bounds.starts[place]), int(bounds.lines[place])
        if len(bounds):
            end = int(bounds.ends[-1])
        passed += len(bounds)
    raise ValueError(f"the batch from item {chunk.first_index} on holds {passed} items")
