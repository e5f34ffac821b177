"""Texts in lists are counted as often as they are meant, without being made."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.sources.parquet.groups import decode_group_of
from fanout.adapters.sources.parquet.list_texts import count_list_texts
from fanout.models.plan import BlobRef
from tests.support.doubles.memory_store import MemoryStore
from tests.support.parquet.files import damage_page, write_table

MIB = 1_048_576
texts = st.none() | st.text(max_size=20)
rows = st.lists(st.none() | st.lists(texts, max_size=6), min_size=1, max_size=20)


def counted(data: bytes, max_bytes: int = MIB) -> int | None:
    return count_list_texts(pq.ParquetFile(io.BytesIO(data)), io.BytesIO(data), 0, 0, max_bytes)


def column(values: list[Any], kind: pa.DataType) -> bytes:
    return write_table({"k": pa.array(values, kind)}, store_schema=False)


@given(rows)
def test_they_are_counted_in_bytes_of_utf8(values: list[list[str | None] | None]):
    expected = sum(len(text.encode()) for row in values for text in row or () if text)
    assert counted(column(values, pa.list_(pa.string()))) == expected
    deep = [[row] for row in values]
    assert counted(column(deep, pa.list_(pa.list_(pa.string())))) == expected
    named = [None if row is None else [{"x": text} for text in row] for row in values]
    assert counted(column(named, pa.list_(pa.struct({"x": pa.string()})))) == expected


def test_pages_that_have_no_dictionary_any_more_count_too():
    values = [[f"{number}" * 50] for number in range(500)]
    data = write_table({"k": pa.array(values)}, dictionary_pagesize_limit=100, data_page_size=500)
    assert counted(data) == sum(len(row[0]) for row in values)


def test_what_cannot_be_counted_in_the_memory_there_is_is_not():
    data = column([["a"] * 1000], pa.list_(pa.string()))
    assert counted(data, max_bytes=1000) is None
    assert counted(data) == 1000


def test_what_is_damaged_is_not_counted():
    data = write_table({"k": [["a", "b"]] * 100}, write_page_checksum=True)
    assert counted(damage_page(data, 0, 0)) is None


@pytest.mark.parametrize("often", [1, 4000])
def test_a_group_of_lists_is_decoded_unless_a_long_text_is_meant_often(often: int):
    """By its longest text each might take 400 MB; once it is there, and 4,000 times."""
    long, short = "x" * 10_000, ["a", "b"] * 5
    values = [[long]] * often + [short] * 4000
    store = MemoryStore()
    store.write("inbox", "data", write_table({"k": pa.array(values)}, row_group_size=len(values)))
    group = decode_group_of(store, BlobRef(container="inbox", blob="data"), None, 0, 8 * MIB)
    if often == 1:
        assert group.fault == "" and group.table is not None
        assert group.table.column("k").to_pylist()[:2] == [[long], short]
    else:
        assert "its lists have" in group.fault
