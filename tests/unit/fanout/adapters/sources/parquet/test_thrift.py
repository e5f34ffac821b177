"""Footers are read as PyArrow reads them, and nothing that is no footer ends the process."""

import contextlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.sources.parquet.leaves import Leaf, LeafKind, read_group_footers
from fanout.adapters.sources.parquet.thrift import ThriftError, decode_struct
from tests.support.parquet.files import footer_of, write_table

SNAPPY = 1  # as the format numbers it
TABLE = pa.table(
    {
        "n": list(range(20)),
        "a.b": [float(n) for n in range(20)],
        "s": [{"a": n, "b": [str(n)] * n} for n in range(20)],
        **{f"column {n}": [True] * 20 for n in range(20)},
    }
)


@given(rows=st.integers(0, 20), group=st.integers(1, 9), codec=st.sampled_from(["none", "zstd"]))
def test_leaves_are_those_that_pyarrow_finds(rows: int, group: int, codec: str):
    data = write_table(TABLE.slice(0, rows), row_group_size=group, compression=codec)
    metadata = pq.ParquetFile(io.BytesIO(data)).metadata
    footers = read_group_footers(lambda begin, length: data[begin : begin + length], len(data))
    assert [footer.rows for footer in footers] == [
        metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)
    ]
    for number, footer in enumerate(footers):
        chunks = [metadata.row_group(number).column(leaf) for leaf in range(len(footer.leaves))]
        sizes = [(chunk.num_values, chunk.total_uncompressed_size) for chunk in chunks]
        assert [(leaf.values, leaf.size) for leaf in footer.leaves] == sizes
        tops = [leaf.column for leaf in footer.leaves]
        assert tops[:5] == ["n", "a.b", "s", "s", "column 0"]
        assert footer.size(frozenset(["a.b", "s"])) == sum(size for _, size in sizes[1:4])


def test_a_long_footer_is_read_whole():
    table = pa.table({"n": [1]}).replace_schema_metadata({"note": "x" * 200_000})
    data = write_table(table)
    (footer,) = read_group_footers(lambda begin, length: data[begin : begin + length], len(data))
    (leaf,) = footer.leaves
    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
    assert leaf == Leaf(
        "n",
        1,
        column.total_uncompressed_size,
        column.dictionary_page_offset,
        column.total_compressed_size,
        SNAPPY,
        LeafKind(is_text=False, is_repeated=False, width=8),
    )


def test_a_struct_holds_values_of_every_type():
    data = bytes.fromhex(
        "11"  # 1: true
        "12"  # 2: false
        "13 7f"  # 3: the byte 127
        "15 03"  # 4: -2
        "16 ac02"  # 5: 150
        "17 000000000000f83f"  # 6: 1.5
        "18 02 6869"  # 7: "hi"
        "19 25 02 04"  # 8: a list of 1 and 2
        "1b 01 85 01 61 02"  # 9: a map of "a" to 1
        "1c 11 00"  # 10: a struct
        "05 50 02"  # 40: 1, its number written out
        "00 ff"
    )
    assert decode_struct(data) == {
        **{1: True, 2: False, 3: 127, 4: -2, 5: 150, 6: 1.5, 7: b"hi", 8: [1, 2]},
        **{9: [(b"a", 1)], 10: {1: True}, 40: 1},
    }


@given(st.binary(max_size=60))
def test_any_bytes_are_a_struct_or_are_refused(data: bytes):
    with contextlib.suppress(ThriftError):
        assert isinstance(decode_struct(data), dict)


def test_a_struct_cut_short_is_refused():
    _, footer = footer_of(write_table({"a": [1], "b": ["x"]}))
    decode_struct(footer)
    for length in range(len(footer)):
        with pytest.raises(ThriftError):
            decode_struct(footer[:length])
