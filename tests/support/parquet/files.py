"""Parquet files with what writers do and what befalls them."""

import io
from collections.abc import Mapping
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def write_table(table: pa.Table | Mapping[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    made = table if isinstance(table, pa.Table) else pa.table(dict(table))
    pq.write_table(made, sink, **options)
    return sink.getvalue()


def texts(*raw: bytes | None, data_type: pa.DataType | None = None) -> pa.Array:
    """An array of texts whose bytes nobody checks."""
    storage = {pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}
    text_type = data_type or pa.string()
    return pa.array(raw, storage.get(text_type, pa.binary())).view(text_type)


def counts(data_type: pa.DataType, *numbers: int | None) -> pa.Array:
    """An array of dates, times, moments or durations of what they count."""
    storage = pa.int32() if data_type.bit_width == 32 else pa.int64()
    return pa.array(numbers, storage).view(data_type)


def damage_page(data: bytes, group: int, column: int, *, byte: int = -1) -> bytes:
    """Flip a byte of the pages of a column in a row group; `byte` counts as an index does."""
    chunk = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(group).column(column)
    begin = chunk.data_page_offset
    if chunk.dictionary_page_offset is not None:
        begin = min(begin, chunk.dictionary_page_offset)
    position = range(begin, begin + chunk.total_compressed_size)[byte]
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


def footer_of(data: bytes) -> tuple[int, bytes]:
    """Where the footer begins, and its bytes."""
    length = int.from_bytes(data[-8:-4], "little")
    return len(data) - 8 - length, data[len(data) - 8 - length : -8]


def change_footer(data: bytes, old: bytes, new: bytes) -> bytes:
    """Replace some bytes of the footer, which are there once and only once."""
    begin, footer = footer_of(data)
    assert footer.count(old) == 1 and len(old) == len(new)
    return data[:begin] + footer.replace(old, new) + data[-8:]


def flip_bytes(random: Random, data: bytes, begin: int, end: int) -> bytes:
    """Change one to three bytes between two positions."""
    changed = bytearray(data)
    for position in random.sample(range(begin, end), random.choice([1, 1, 2, 3])):
        changed[position] ^= random.randint(1, 255)
    return bytes(changed)
