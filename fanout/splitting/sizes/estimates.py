"""Estimate how much memory items take once they are decoded, before they are.

A few bytes of a source may stand for much: a row that is padded to thousands of columns, an array
of empty objects, a constant that is merged into each item. What follows counts the objects that
Python makes of them, and the JSON that an item is written as.
"""

from collections.abc import Sequence

from pydantic_core import to_json

from fanout.models.selection import ConstantSelector, PathSelector, Selection
from fanout.records import Chunk, ChunkKind

# A text and its place in a row (CPython 3.11: 49 bytes and its characters, 32 to 100 a place).
CELL_BYTES = 112
# A field of a CSV before it is known whether the header has a column for it.
FIELD_BYTES = 64
# The bytes of a text are there as they were read, and as the cells that they are.
TEXT_COPIES = 2
OBJECT_BYTES, ARRAY_BYTES, ELEMENT_BYTES = 192, 64, 64
# No JSON takes more for each of its bytes: `{},` is an object and an element in three.
MOST_JSON_RATIO = 1 + (OBJECT_BYTES + ELEMENT_BYTES) // 3


def fixed_bytes(columns: Sequence[str], selection: Selection) -> int:
    """What every item takes, however short its record is: its columns, and what is merged in."""
    cells = sum(len(column) for column in columns) + CELL_BYTES * len(columns)
    return cells + sum(map(_selector_bytes, selection, selection.values()))


def path_count(selection: Selection) -> int:
    """How many more times a part of an item may stand in it."""
    return sum(isinstance(selector, PathSelector) for selector in selection.values())


def record_bytes(raw: bytes, kind: ChunkKind, delimiter: str) -> int:
    """What one record takes, columns and what is merged in left out."""
    if kind == "csv":
        return len(raw) + FIELD_BYTES * raw.count(delimiter.encode())
    return json_bytes(raw)


def json_bytes(data: bytes) -> int:
    """What texts of JSON take; those in strings count as well, for they are not told apart."""
    objects, arrays, elements = (data.count(code) for code in (b"{", b"[", b","))
    return len(data) + OBJECT_BYTES * objects + ARRAY_BYTES * arrays + ELEMENT_BYTES * elements


def chunk_bytes(chunk: Chunk, enough: int) -> int:
    """What all items of a chunk take; once it is known to be at most `enough`, no more is counted.

    Args:
        chunk: The chunk.
        enough: What may be taken.
    """
    fixed = chunk.count * fixed_bytes(chunk.columns or (), chunk.selection)
    copies = 1 + path_count(chunk.selection)
    if chunk.kind == "csv":
        return fixed + TEXT_COPIES * copies * len(chunk.data)
    most = fixed + MOST_JSON_RATIO * copies * len(chunk.data)
    return most if most <= enough else fixed + copies * json_bytes(chunk.data)


def _selector_bytes(name: str, selector: object) -> int:
    value = len(to_json(selector.const)) if isinstance(selector, ConstantSelector) else 0
    return CELL_BYTES + len(name) + value
