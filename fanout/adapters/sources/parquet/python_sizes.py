"""How much memory rows of Arrow take as Python has them."""

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

# An object and its place, whatever it is: Python has no smaller ones.
_CELL_BYTES = 64


def python_bytes(table: pa.Table) -> int:
    """How much memory the rows of a table take as Python has them, at most about."""
    names = sum(map(len, table.column_names)) * table.num_rows
    chunks = (chunk for column in table.columns for chunk in column.chunks)
    return int(names + sum(map(_array_bytes, chunks)))


def _array_bytes(array: pa.Array) -> int:
    if isinstance(array, pa.ExtensionArray):
        return _array_bytes(array.storage)
    if types.is_dictionary(array.type):
        return _dictionary_bytes(array)
    return int(array.nbytes) + _CELL_BYTES * _cells(array)


def _dictionary_bytes(array: pa.DictionaryArray) -> int:
    """Count what the values take that its indices stand for."""
    cells = _CELL_BYTES * len(array)
    try:
        lengths = pc.binary_length(array.dictionary)
        return cells + (pc.sum(lengths.take(array.indices)).as_py() or 0)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # its values are no texts
        return cells + len(array) * _array_bytes(array.dictionary) // max(1, len(array.dictionary))


def _cells(array: pa.Array) -> int:
    """How many values there are, those within lists and structs included."""
    if isinstance(array, pa.ExtensionArray):
        return _cells(array.storage)
    if types.is_struct(array.type):
        return len(array) + sum(map(_cells, array.flatten()))
    if types.is_map(array.type):
        begin, end = _element_bounds(array)
        keys, items = array.keys.slice(begin, end - begin), array.items.slice(begin, end - begin)
        return len(array) + _cells(keys) + _cells(items)
    if types.is_nested(array.type):
        return len(array) + _cells(array.flatten())
    return len(array)


def _element_bounds(array: pa.MapArray) -> tuple[int, int]:
    """Where the elements of maps begin in all that there are, and where they end."""
    offsets = array.offsets
    return offsets[0].as_py(), offsets[len(offsets) - 1].as_py()
