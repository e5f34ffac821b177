"""A row group is decoded in windows where it may be too large; its rows stay what they are."""

import io
import random
import time
import tracemalloc
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.adapters.sources.parquet import windows
from fanout.adapters.sources.parquet.groups import decode_group_of
from fanout.adapters.sources.reading import read_pieces
from fanout.models.plan import BlobRef
from fanout.splitting.records import parse_records
from fanout.splitting.sizes.budget import Budget
from tests.support.parquet.files import damage_page, write_table
from tests.support.parquet.readings import parquet_source, plan, store_of

ROWS = 120
TABLE = pa.table(
    {
        "text": [f"text {n % 7}" for n in range(ROWS)],
        "n": list(range(ROWS)),
        "list": [[n] * (n % 3) for n in range(ROWS)],
        "at": pa.array([datetime(2026, 1, 1, n % 24) for n in range(ROWS)], pa.timestamp("ns")),
    }
)
SMALL = Budget(64 * 1024)


def rows_of(data: bytes, budget: Budget, **fields: Any) -> list[Any]:
    """All rows, with the index of each; the type of its error where it has one."""
    store = store_of(data)
    manifest, cuts = plan(store, **fields)
    records = [
        record
        for cut in cuts
        for piece in read_pieces(parquet_source(**fields), cut, manifest, store, budget=budget)
        for record in parse_records(piece)
    ]
    assert [record.index for record in records] == list(range(len(records)))
    return [record.error.type if record.error else record.value for record in records]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_dictionary": False},
        {"use_deprecated_int96_timestamps": True},
        {"data_page_version": "2.0", "compression": "zstd"},
        {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
    ],
)
@settings(max_examples=4)
@given(kilobytes=st.integers(32, 100))
def test_rows_are_the_same_however_little_memory_there_is(options: dict, kilobytes: int) -> None:
    data = write_table(TABLE, **options)
    assert rows_of(data, Budget(kilobytes * 1024)) == rows_of(data, Budget())


def test_a_window_has_no_more_rows_than_fit():
    store = store_of(write_table({"a": ["x" * 1000] * 1000}))
    manifest, _ = plan(store)
    ref = parquet_source()
    blob = BlobRef(container=ref.container, blob=ref.blob, etag=manifest.etag)
    for row in (0, 999, 500, 10):
        window = decode_group_of(store, blob, None, row, 100_000)
        assert window.first_row <= row < window.end
        assert window.size <= 100_000 and window.rows < 100
        assert window.table.num_rows == window.rows
    assert decode_group_of(store, blob, None, 0).rows == 1000


def test_one_text_in_a_dictionary_is_as_large_as_all_rows_that_have_it():
    data = write_table({"a": ["x" * 5_000] * 200})
    assert len(data) < 20_000
    assert rows_of(data, SMALL) == [{"a": "x" * 5_000}] * 200


def test_a_row_that_is_too_large_fails_alone():
    texts = ["a", "x" * 40_000, "b"]
    rows = rows_of(write_table({"a": texts}), SMALL)
    assert rows == [{"a": "a"}, "RecordTooLargeError", {"a": "b"}]


def test_a_group_that_cannot_be_decoded_in_the_memory_there_is_fails_alone():
    small, huge = {"a": [[1]]}, {"a": [[None] * 100_000]}
    sink = io.BytesIO()
    schema = pa.schema({"a": pa.list_(pa.int64())})
    with pq.ParquetWriter(sink, schema) as writer:
        for rows in (small, huge, small):
            writer.write_table(pa.table(rows, schema))
    assert rows_of(sink.getvalue(), SMALL) == [{"a": [1]}, "ParquetError", {"a": [1]}]


BLOB = BlobRef(container="inbox", blob="data")
NOISE = random.Random(2)
# Ten megabytes that cannot be compressed, so that PyArrow has as many to decode them from.
LARGE = [NOISE.randbytes(10_000) for _ in range(1000)]
# One text that as many rows as there are might have.
WIDE = ["x" * 20_000] * 1000


def write_large(rows: int = 1000, **options: Any) -> bytes:
    table = {"a": LARGE[:rows], "b": WIDE[:rows]}
    return write_table(table, compression="none", use_dictionary=["b"], **options)


def read_windows(data: bytes, rows: int) -> int:
    """Read the windows of the first rows; tell how many bytes of Python stay in memory."""
    store = store_of(data)
    tracemalloc.start()
    try:
        row = 0
        while row < rows:
            window = decode_group_of(store, BLOB, None, row, 11 * 1_048_576)
            assert window.rows < 500
            row = window.end
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_the_pages_of_a_group_are_forgotten_with_its_last_window():
    assert read_windows(write_large(), 1000) < 1_000_000


def test_the_pages_of_a_group_that_cannot_be_decoded_are_forgotten():
    data = write_large(write_page_checksum=True)
    assert read_windows(damage_page(data, 0, 0), 1000) < 1_000_000


def test_the_pages_of_a_group_that_nobody_reads_on_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    """As of a run that takes some items of many, or is cancelled."""
    monkeypatch.setattr(windows, "IDLE_SECONDS", 0.2)
    data = write_large()
    store, end = store_of(data), time.monotonic() + 60
    tracemalloc.start()
    try:
        first = decode_group_of(store, BLOB, None, 0, 11 * 1_048_576)
        while tracemalloc.get_traced_memory()[0] > 1_000_000 and time.monotonic() < end:
            time.sleep(0.05)
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
    second = decode_group_of(store, BLOB, None, first.end, 11 * 1_048_576)
    assert second.table.column("a").to_pylist() == LARGE[first.end : second.end]


def test_windows_of_two_groups_by_turns_are_those_of_each():
    store = store_of(write_large(400, row_group_size=200))
    for row in [0, 200, 0, 399, 199, 200, 100, 300]:
        window = decode_group_of(store, BLOB, None, row, 3 * 1_048_576)
        written = LARGE[window.first_row : window.end]
        assert window.rows < 200 and window.table.column("a").to_pylist() == written


@settings(max_examples=20)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=8),
    st.lists(st.integers(0, 40), min_size=1, max_size=20),
)
def test_each_row_is_in_its_group(sizes: list[int], rows: list[int]):
    """Groups may be empty."""
    sink, total = io.BytesIO(), sum(sizes)
    with pq.ParquetWriter(sink, pa.schema({"n": pa.int64()})) as writer:
        for number, size in enumerate(sizes):
            begin = sum(sizes[:number])
            writer.write_table(pa.table({"n": pa.array(range(begin, begin + size), pa.int64())}))
    store = store_of(sink.getvalue())
    for row in rows:
        if row >= total:
            with pytest.raises(ValueError, match=f"the file has {total} rows"):
                decode_group_of(store, BLOB, None, row)
            continue
        group = decode_group_of(store, BLOB, None, row)
        assert group.first_row <= row < group.end
        assert group.table.column("n").to_pylist() == list(range(group.first_row, group.end))
