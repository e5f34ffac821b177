"""Count the bytes of the texts in lists, where a bound by the longest of them is too large.

A dictionary may have one long text and thousands of short ones, and only the indices tell how often
each is meant. They are read without the texts: PyArrow leaves a column as a dictionary if asked to.
Source: https://arrow.apache.org/docs/python/parquet.html#reading-types-as-dictionaryarray
"""

from __future__ import annotations

from typing import Any

# An index, what it makes of a length, and levels of nesting.
_VALUE_BYTES = 24


def count_list_texts(file: Any, source: Any, group: int, leaf: int, max_bytes: int) -> int | None:
    """Count what the texts of a leaf column take in a row group, each as often as it is meant.

    Args:
        file: PyArrow's view of the file.
        source: Its bytes, to be read once more.
        group: Which row group, from 0.
        leaf: Which leaf column, from 0.
        max_bytes: How much memory the counting may take.

    Returns:
        The bytes; None where they cannot be counted so.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    chunk = file.metadata.row_group(group).column(leaf)
    if chunk.num_values * _VALUE_BYTES > max_bytes:
        return None
    path = file.schema.column(leaf).path
    view = pq.ParquetFile(
        source,
        metadata=file.metadata,
        read_dictionary=[path],
        page_checksum_verification=True,
    )
    try:
        column = view.read_row_group(group, columns=[path]).column(0)
        return sum(_text_bytes(array) for array in column.chunks)
    except (pa.ArrowException, OSError, ValueError):
        return None  # whoever decodes the group names what is wrong with it


def _text_bytes(array: Any) -> int:
    """What the texts of an array take, in which a dictionary is the only leaf."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    while not types.is_dictionary(array.type):
        if types.is_struct(array.type) and array.type.num_fields == 1:
            (array,) = array.flatten()
        elif types.is_list(array.type) or types.is_large_list(array.type):
            array = array.flatten()
        else:
            raise pa.ArrowNotImplementedError(f"texts in a {array.type} are not counted")
    lengths = pc.binary_length(array.dictionary)
    return int(pc.sum(lengths.take(array.indices)).as_py() or 0)
