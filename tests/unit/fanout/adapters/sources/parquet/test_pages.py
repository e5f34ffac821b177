"""The headers of pages say what PyArrow says of them."""

import io
import tracemalloc
from typing import Any

import pyarrow.parquet as pq
import pytest

from fanout.adapters.sources.parquet.pages import MAX_PAGES, read_pages
from fanout.adapters.sources.parquet.thrift import ThriftError
from tests.support.parquet import thrift_bytes as tb
from tests.support.parquet.files import write_table


def column_of(data: bytes) -> tuple[bytes, Any]:
    """The bytes of the only column of the only row group, and its metadata."""
    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
    begin = column.dictionary_page_offset or column.data_page_offset
    return data[begin : begin + column.total_compressed_size], column


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_pages_hold_all_values_and_bytes_of_their_column(
    version: str, compression: str, use_dictionary: bool
):
    data = write_table(
        {"a": [f"text {n % 50}" for n in range(10_000)]},
        data_page_version=version,
        compression=compression,
        use_dictionary=use_dictionary,
        data_page_size=1000,
    )
    content, column = column_of(data)
    pages = read_pages(content, column.num_values)
    assert sum(page.values for page in pages if not page.is_dictionary) == 10_000
    assert [page.is_dictionary for page in pages].count(True) == use_dictionary
    assert all(page.has_indices == use_dictionary for page in pages if not page.is_dictionary)
    headers = len(content) - sum(page.stored for page in pages)
    assert sum(page.size for page in pages) + headers == column.total_uncompressed_size


def test_what_follows_the_last_value_is_left_alone():
    content, column = column_of(write_table({"a": [1, 2, 3]}, use_dictionary=False))
    assert len(read_pages(content + b"no page", column.num_values)) == 1


FRACTION = bytes.fromhex("000000000000f83f")
SIZES = tb.field(2, tb.I32, b"\0") + tb.field(3, tb.DOUBLE, FRACTION)


@pytest.mark.parametrize(
    "damage",
    [
        b"\0",
        b"\x15\x00",
        b"\xff" * 20,
        b"\xf9" + b"\x19" * 600,
        tb.struct(tb.field(1, tb.I32, tb.whole(1)), SIZES),  # of a kind that nobody counts
    ],
    ids=["empty", "cut off", "no types", "lists in lists", "fraction"],
)
def test_a_malformed_header_is_refused(damage: bytes):
    with pytest.raises(ThriftError):
        read_pages(damage, 1)


def test_pages_without_end_are_refused():
    content, _ = column_of(write_table({"a": [1]}, use_dictionary=False))
    (page,) = read_pages(content, 1)
    empty = content[: page.begin + page.stored] * (MAX_PAGES + 1)
    with pytest.raises(ThriftError, match="more than"):
        read_pages(empty, MAX_PAGES + 2)


def test_a_header_may_have_long_statistics_and_what_later_versions_add():
    statistics = tb.struct(tb.field(1, tb.BINARY, tb.binary(bytes(3_000_000))))
    more = tb.field(99, tb.LIST, tb.elements(tb.I64, [tb.whole(1)] * 50))
    header = tb.page_header(tb.DATA, 10, 2, 3, tb.field(98, tb.STRUCT, statistics), more)
    (page,) = read_pages(header + b"ab", 3)
    assert (page.begin, page.stored, page.size, page.values) == (len(header), 2, 10, 3)


@pytest.mark.parametrize(
    "unknown",
    [
        tb.field(99, tb.LIST, tb.empty_structs(200_000)),
        tb.field(99, tb.LIST, tb.elements(tb.LIST, [b"\0"] * 200_000)),
        tb.field(99, tb.LIST, tb.elements(tb.I64, [tb.whole(10_000)] * 100_000)),
        b"\x11" * 200_000,
    ],
    ids=["structs", "lists", "numbers", "fields"],
)
def test_a_header_of_very_many_values_is_refused_before_they_are_read(unknown: bytes):
    data = tb.page_header(tb.DATA, 10, 2, 3, unknown) + b"ab"
    tracemalloc.start()
    try:
        with pytest.raises(ThriftError, match="more than"):
            read_pages(data, 3)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
