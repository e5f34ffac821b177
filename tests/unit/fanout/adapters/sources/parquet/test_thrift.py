"""Footers are read as PyArrow reads them, and nothing that is no footer ends the process."""

import contextlib
import io
import tracemalloc
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.sources.parquet.leaves import Leaf, LeafKind, read_group_footers
from fanout.adapters.sources.parquet.thrift import (
    MAX_DEPTH,
    MAX_LIST,
    NOTHING,
    Layout,
    ThriftError,
    decode_struct,
    decode_struct_at,
)
from tests.support.parquet import thrift_bytes as tb
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


EVERY_TYPE = bytes.fromhex(
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


def test_a_struct_holds_values_of_every_type():
    wanted = Layout({**dict.fromkeys([1, 2, 3, 4, 5, 6, 7, 8, 40]), 10: Layout({1: None})})
    assert decode_struct(EVERY_TYPE, wanted) == {
        **{1: True, 2: False, 3: 127, 4: -2, 5: 150, 6: 1.5, 7: b"hi", 8: [1, 2]},
        **{10: {1: True}, 40: 1},
    }


def test_what_nobody_reads_is_passed_over():
    assert decode_struct(EVERY_TYPE, Layout({40: None})) == {40: 1}
    assert decode_struct(EVERY_TYPE, Layout({10: NOTHING})) == {10: {}}
    end = len(EVERY_TYPE) - 1
    assert decode_struct_at(EVERY_TYPE, 0, NOTHING, 100) == ({}, end)


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (None, tb.field(1, tb.STRUCT, tb.struct())),
        (None, tb.field(1, tb.LIST, tb.empty_structs(3))),
        (None, tb.field(1, tb.LIST, tb.elements(tb.LIST, [b"\0"]))),
        (None, tb.field(1, tb.MAP, tb.pairs(tb.I32, tb.I32, []))),
        (NOTHING, tb.field(1, tb.I32, tb.whole(1))),
        (NOTHING, tb.field(1, tb.LIST, tb.elements(tb.I32, [tb.whole(1)]))),
        (NOTHING, tb.field(1, tb.LIST, tb.empty_structs(MAX_LIST + 1))),
    ],
    ids=["struct", "structs", "lists", "map", "number", "numbers", "too many"],
)
def test_a_value_that_the_format_has_not_there_is_refused(wanted: Layout | None, value: bytes):
    with pytest.raises(ThriftError):
        decode_struct(tb.struct(value), Layout({1: wanted}))


# A type, and a value of it.
Value = tuple[int, bytes]


def nest(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    """Lists, maps and structs of values."""
    lists = st.tuples(values, st.integers(0, 4)).map(
        lambda drawn: (tb.LIST, tb.elements(drawn[0][0], [drawn[0][1]] * drawn[1]))
    )
    maps = st.tuples(values, values, st.integers(0, 4)).map(
        lambda drawn: (
            tb.MAP,
            tb.pairs(drawn[0][0], drawn[1][0], [(drawn[0][1], drawn[1][1])] * drawn[2]),
        )
    )
    structs = st.lists(values, max_size=3).map(
        lambda drawn: (tb.STRUCT, tb.struct(*(tb.field(1, kind, raw) for kind, raw in drawn)))
    )
    return lists | maps | structs


plain_values = st.one_of(
    st.tuples(st.sampled_from([tb.I32, tb.I64]), st.integers(-(2**31), 2**31).map(tb.whole)),
    st.tuples(st.just(tb.DOUBLE), st.binary(min_size=8, max_size=8)),
    st.tuples(st.just(tb.BINARY), st.binary(max_size=200).map(tb.binary)),
)


@given(st.lists(st.recursive(plain_values, nest, max_leaves=8), max_size=4), st.integers())
def test_fields_among_any_others_are_found(others: list[Value], seed: int):
    wanted = tb.field(7, tb.I32, tb.whole(seed % 1000))
    unknown = [tb.field(100, kind, raw) for kind, raw in others]
    middle = seed % (len(unknown) + 1)
    data = tb.struct(*unknown[:middle], wanted, *unknown[middle:])
    fields, end = decode_struct_at(data + b"rest", 0, Layout({7: None}), len(data))
    assert (fields, end) == ({7: seed % 1000}, len(data))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_struct_or_are_refused(data: bytes):
    with contextlib.suppress(ThriftError):
        assert isinstance(decode_struct(data, Layout({1: None, 2: NOTHING})), dict)


def test_a_struct_cut_short_is_refused():
    _, footer = footer_of(write_table({"a": [1], "b": ["x"]}))
    decode_struct(footer, NOTHING)
    for length in range(len(footer)):
        with pytest.raises(ThriftError):
            decode_struct(footer[:length], NOTHING)


# what no writer would write


def nested(kind: int, depth: int) -> bytes:
    """Lists, maps or structs in each other, as a value."""
    value = {tb.LIST: b"\0", tb.MAP: b"\0", tb.STRUCT: b"\0"}[kind]
    for _ in range(depth - 1):
        if kind == tb.LIST:
            value = tb.elements(tb.LIST, [value])
        elif kind == tb.MAP:
            value = tb.pairs(tb.I32, tb.MAP, [(tb.whole(1), value)])
        else:
            value = tb.struct(tb.field(1, tb.STRUCT, value))
    return value


@pytest.mark.parametrize("kind", [tb.LIST, tb.MAP, tb.STRUCT])
@pytest.mark.parametrize("depth", [600, 100_000])
def test_deep_nesting_is_refused_by_its_depth(kind: int, depth: int):
    decode_struct(tb.struct(tb.field(9, kind, nested(kind, MAX_DEPTH - 1))), NOTHING)
    head = {tb.LIST: b"\x19", tb.MAP: b"\x01\x5b\x02", tb.STRUCT: b"\x1c"}[kind]
    with pytest.raises(ThriftError, match="nested deeper"):
        decode_struct(bytes([0xF0 | kind]) + head * depth, NOTHING)


def read_footer(footer: bytes) -> list[object]:
    data = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    return list(read_group_footers(lambda begin, size: data[begin : begin + size], len(data)))


UNKNOWN: dict[str, Callable[[], tuple[int, bytes]]] = {
    "structs": lambda: (tb.LIST, tb.empty_structs(200_000)),
    "lists": lambda: (tb.LIST, tb.elements(tb.LIST, [b"\0"] * 200_000)),
    "numbers": lambda: (tb.LIST, tb.elements(tb.I64, [tb.whole(10_000)] * 100_000)),
    "bytes": lambda: (tb.BINARY, tb.binary(bytes(200_000))),
    "pairs": lambda: (tb.MAP, tb.pairs(tb.I32, tb.STRUCT, [(tb.whole(1), b"\0")] * 100_000)),
}


@pytest.mark.parametrize("content", UNKNOWN)
def test_a_footer_takes_no_memory_for_what_nobody_reads(content: str):
    unknown = tb.field(100, *UNKNOWN[content]())
    _, footer = footer_of(write_table({"a": [1], "b": ["x"]}))
    expected, more = read_footer(footer), footer[:-1] + unknown + tb.STOP
    tracemalloc.start()
    try:
        found = read_footer(more)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == expected
    assert peak < 5 * len(more)  # the bytes are cut out of the blob a few times


SCHEMA, ROW_GROUPS = 2, 4


@pytest.mark.parametrize("number", [SCHEMA, ROW_GROUPS])
def test_a_footer_of_empty_structs_takes_little_memory(number: int):
    footer = tb.struct(tb.field(number, tb.LIST, tb.empty_structs(200_000)))
    tracemalloc.start()
    try:
        with pytest.raises(ThriftError):
            read_footer(footer)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * len(footer)


def test_a_footer_of_more_columns_than_it_can_tell_of_is_refused():
    leaf = tb.struct(tb.field(1, tb.I32, tb.whole(1)), tb.field(4, tb.BINARY, tb.binary(b"a")))
    root = tb.struct(tb.field(5, tb.I32, tb.whole(1000)))
    encrypted = tb.struct(tb.field(8, tb.STRUCT, tb.struct()))
    columns = tb.field(1, tb.LIST, tb.elements(tb.STRUCT, [encrypted] * 1000))
    group = tb.struct(columns, tb.field(3, tb.I64, tb.whole(1)))

    def footer(groups: int) -> bytes:
        schema = tb.elements(tb.STRUCT, [root] + [leaf] * 1000)
        listed = tb.elements(tb.STRUCT, [group] * groups)
        return tb.struct(tb.field(2, tb.LIST, schema), tb.field(4, tb.LIST, listed))

    assert len(read_footer(footer(10))) == 10
    schema = tb.elements(tb.STRUCT, [root] + [leaf] * 60_000)
    with pytest.raises(ThriftError, match="60001 nodes"):
        read_footer(tb.struct(tb.field(2, tb.LIST, schema), tb.field(4, tb.LIST, b"\x0c")))
    with pytest.raises(ThriftError, match="301 row groups of 1000 columns"):
        read_footer(footer(301))


@pytest.mark.parametrize("kind", [tb.DOUBLE, tb.BINARY])
def test_a_number_of_another_type_is_refused(kind: int):
    infinity = bytes.fromhex("000000000000f07f")
    raw = infinity if kind == tb.DOUBLE else tb.binary(b"1")
    schema = tb.elements(tb.STRUCT, [tb.struct(tb.field(5, tb.I32, tb.whole(0)))])
    group = tb.struct(tb.field(1, tb.LIST, tb.empty_structs(0)), tb.field(3, kind, raw))
    groups = tb.elements(tb.STRUCT, [group])
    with pytest.raises(ThriftError):
        read_footer(tb.struct(tb.field(2, tb.LIST, schema), tb.field(4, tb.LIST, groups)))
