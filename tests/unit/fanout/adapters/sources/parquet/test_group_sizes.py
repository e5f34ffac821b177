"""How much memory the texts of a row group may take: never too little, and known soon."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.sources.parquet.group_sizes import (
    MAX_COUNTS,
    GroupSize,
    GroupTooLargeError,
    measure_group,
)
from fanout.adapters.sources.parquet.leaves import (
    GroupFooter,
    Leaf,
    LeafKind,
    read_group_footers,
)
from fanout.adapters.sources.parquet.ranged_blob import RangedBlob
from fanout.adapters.sources.parquet.thrift import ThriftError
from fanout.models.plan import BlobRef
from tests.support.doubles.memory_store import MemoryStore
from tests.support.parquet import thrift_bytes as tb
from tests.support.parquet.files import write_table

MIB = 1_048_576
UNCOMPRESSED, ZSTD = 0, 6  # as the format numbers them
TEXT = LeafKind(is_text=True, is_repeated=False, width=0)
# Where a text begins and how long it is, and whether it is null.
PLACE = 17


def blob_of(data: bytes) -> RangedBlob:
    store = MemoryStore()
    etag = store.write("inbox", "data", data)
    return RangedBlob(store, BlobRef(container="inbox", blob="data", etag=etag), len(data))


def measure(data: bytes) -> GroupSize:
    """Bound the first row group of a file."""
    blob = blob_of(data)
    (group, *_) = read_group_footers(blob.take, len(data))
    return measure_group(blob, group, frozenset({"a"}), 64 * MIB)


def column_of(dictionary: bytes, entries: int, codec: int = ZSTD, values: int = 1) -> bytes:
    """A column of values that stand in a dictionary."""
    stored = bytes(pa.compress(dictionary, "zstd", asbytes=True)) if codec == ZSTD else dictionary
    header = tb.page_header(tb.DICTIONARY, len(dictionary), len(stored), entries)
    return header + stored + tb.page_header(tb.DATA, 2, 2, values) + b"\0\0"


def measure_columns(
    *columns: bytes, codec: int = ZSTD, max_bytes: int = 1024 * MIB, rows: int = 1
) -> GroupSize:
    """Bound a row group of some columns."""
    begins = [sum(map(len, columns[:number])) for number in range(len(columns))]
    leaves = [
        Leaf("a", 1, 1, begin, len(column), codec, TEXT)
        for begin, column in zip(begins, columns, strict=True)
    ]
    group = GroupFooter(rows, leaves)
    return measure_group(blob_of(b"".join(columns)), group, frozenset({"a"}), max_bytes)


def entries_of(*texts: bytes) -> bytes:
    """Texts in plain encoding."""
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


@given(
    st.lists(st.text(max_size=300), min_size=1, max_size=50),
    st.sampled_from(["none", "snappy", "zstd", "gzip", "brotli"]),
    st.booleans(),
)
def test_a_row_may_take_what_its_longest_text_does(
    texts: list[str], compression: str, use_dictionary: bool
):
    options = {"compression": compression, "use_dictionary": use_dictionary}
    size = measure(write_table({"a": texts}, **options))
    longest = max(len(text.encode()) for text in texts)
    decoded = pq.read_table(io.BytesIO(write_table({"a": texts}, **options)))["a"].nbytes
    assert size.texts + size.row * len(texts) >= decoded
    if use_dictionary and sum(len(text.encode()) for text in set(texts)) > 64:
        assert size.row == longest + PLACE


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=30), st.integers(0, 40))
def test_a_dictionary_may_say_another_number_of_texts_than_it_has(texts: list[bytes], says: int):
    """One that says less has those alone; one that says more cannot be decoded."""
    column = column_of(entries_of(*texts), says, UNCOMPRESSED)
    size = measure_columns(column, codec=UNCOMPRESSED)
    if says <= len(texts):
        assert size.row >= max(map(len, texts[:says]), default=0) + PLACE
    assert size.row <= len(entries_of(*texts)) + PLACE


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF, 1000])
def test_a_length_beyond_the_dictionary_is_no_more_than_the_dictionary(length: int):
    content = entries_of(b"x" * 100) + length.to_bytes(4, "little") + b"y" * 50
    size = measure_columns(column_of(content, 2, UNCOMPRESSED), codec=UNCOMPRESSED)
    assert 100 + PLACE <= size.row <= len(content) + PLACE


LONG = b"x" * 1000


def test_a_dictionary_of_some_texts_is_looked_through():
    texts = [b"abc"] * 100_000
    assert measure_columns(column_of(entries_of(*texts, LONG), 100_001)).row == 1000 + PLACE


def test_a_dictionary_of_very_many_texts_is_not_looked_through():
    """Some kilobytes would keep everybody else from reading for seconds."""
    content = entries_of(LONG) + bytes(4 * 8_000_000) + entries_of(*[b"abc"] * 1_000_000)
    column = column_of(content, 9_000_001)
    assert len(column) < 10_000
    size = measure_columns(column)
    assert size.row == 1000 + 3 * 1_000_000 + PLACE  # all that is no length


def test_dictionaries_of_many_texts_together_are_not_all_looked_through():
    column = column_of(entries_of(LONG) + bytes(4 * 3_000_000) + b"\x01\0\0\0x" * 100, 3_000_101)
    exact, bound = 1000 + PLACE, 1100 + PLACE
    assert measure_columns(*[column] * 4).row == 2 * exact + 2 * bound


def test_a_dictionary_takes_memory_for_each_of_its_texts():
    column = column_of(bytes(4 * 1_000_000), 1_000_000)
    measure_columns(column, max_bytes=32 * MIB)
    with pytest.raises(GroupTooLargeError, match="a page takes 24000000 bytes"):
        measure_columns(column, max_bytes=16 * MIB)


def test_dictionaries_that_are_in_memory_together_must_have_room():
    """Rows are decoded some at a time, for all may have the longest text."""
    column = column_of(entries_of(LONG) + bytes(4 * 100_000), 100_001)
    measure_columns(*[column] * 4, max_bytes=4 * MIB, rows=10_000)
    with pytest.raises(GroupTooLargeError, match="decoded some at a time"):
        measure_columns(*[column] * 5, max_bytes=4 * MIB, rows=10_000)
    measure_columns(*[column] * 5, max_bytes=4 * MIB, rows=100)  # one after the other


def test_pages_of_columns_that_are_the_same_bytes_are_counted_for_each():
    """A footer may say of any number of columns that they are where one is."""
    header = tb.page_header(tb.DATA, 0, 0, 1)
    pages = header * 40_000
    leaves = [Leaf("a", 40_000, 1, 0, len(pages), ZSTD, TEXT)] * 3
    with pytest.raises(ThriftError, match="more than 20000 pages"):
        measure_group(blob_of(pages), GroupFooter(40_000, leaves), frozenset({"a"}), 64 * MIB)


def test_texts_in_lists_of_very_many_columns_are_not_all_counted():
    """To count those of a column takes as long as to read it."""
    column = column_of(entries_of(LONG * 10), 1, values=3)
    kind = LeafKind(is_text=True, is_repeated=True, width=0)
    leaves = [Leaf("a", 3, 1, 0, len(column), ZSTD, kind)] * (MAX_COUNTS + 5)
    counted: list[int] = []

    def count(leaf: int) -> int:
        counted.append(leaf)
        return 5

    with pytest.raises(GroupTooLargeError):
        measure_group(
            blob_of(column), GroupFooter(1, leaves), frozenset({"a"}), 20_000, count_texts=count
        )
    assert len(counted) == MAX_COUNTS
