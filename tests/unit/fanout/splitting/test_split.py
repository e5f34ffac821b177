"""Every record of a blob is in exactly one batch, whatever the bytes and the chunks."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanout.models.plan import Cut
from fanout.models.request import BatchLimits
from fanout.records import Chunk, Record
from fanout.splitting.header import MAX_HEADER_BYTES, HeaderError
from fanout.splitting.records import parse_records
from fanout.splitting.scan import LineKind
from fanout.splitting.split import split
from tests.support import records_oracle as oracle

WIDE = BatchLimits(max_items=1_000_000, max_bytes=64 * 1_048_576)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Few different tokens, so that quotes, endings and separators meet in every order.
TOKENS = [
    b'"',
    b'""',
    b",",
    b"\n",
    b"\r\n",
    b"\r",
    b"a",
    b" ",
    b"\t",
    "é€𝄞".encode(),
    b"\xff",
    b"\0",
]
anything = st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join)
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=6)
limits = st.builds(BatchLimits, max_items=st.integers(1, 5), max_bytes=st.integers(1, 40))
run_limit = st.none() | st.integers(1, 6)


@st.composite
def csv_text(draw: st.DrawFn) -> bytes:
    """A well-formed CSV of two columns, written with every freedom the format allows."""
    field = st.text(st.sampled_from('ab,"\n\ré€𝄞 '), max_size=6)
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    rows = draw(st.lists(st.tuples(field, field), max_size=12))
    lines = [",".join('"' + f.replace('"', '""') + '"' for f in row) for row in rows]
    blank = draw(st.sampled_from(["", ending]))
    last = draw(st.sampled_from(["", ending]))
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return (mark + (ending + blank).join(["one,two", *lines]) + last).encode()


def in_chunks(blob: bytes, sizes: list[int]) -> list[bytes]:
    chunks, position, turn = [], 0, 0
    while position < len(blob):
        size = sizes[turn % len(sizes)]
        chunks.append(blob[position : position + size])
        position, turn = position + size, turn + 1
    return chunks


def cuts_of(blob: bytes, kind: LineKind, limits: BatchLimits = WIDE) -> list[Cut]:
    return list(split([blob], kind, limits).cuts)


def records_of(blob: bytes, kind: LineKind, limits: BatchLimits = WIDE) -> list[Record]:
    parts = split([blob], kind, limits)
    return [
        record
        for cut in parts.cuts
        for record in parse_records(
            Chunk(
                kind,
                blob[cut.offset : cut.end],
                parts.columns,
                cut.first_index,
                cut.first_line,
                cut.items,
            )
        )
    ]


def expected_cuts(
    records: list[oracle.OracleRecord], limits: BatchLimits, max_items: int | None
) -> list[Cut]:
    cuts, index = [], 0
    for batch in oracle.batches(records[:max_items], limits.max_items, limits.max_bytes):
        cuts.append(Cut(batch[0].start, batch[-1].end, index, len(batch), batch[0].line))
        index += len(batch)
    return cuts


def expected_fields(record: oracle.OracleRecord) -> list[str] | None:
    """The fields as text; None where the record is malformed or not UTF-8."""
    try:
        record.raw.decode()
    except UnicodeDecodeError:
        return None
    return None if record.fields is None else [value.decode() for value in record.fields]


@given(blob=anything, sizes=sizes, limits=limits, max_items=run_limit)
def test_any_jsonl_is_cut_as_the_oracle_cuts_it(blob, sizes, limits, max_items):
    cuts = list(split(in_chunks(blob, sizes), "jsonl", limits, max_items).cuts)
    assert cuts == expected_cuts(oracle.jsonl_records(blob), limits, max_items)


@given(body=anything, mark=st.booleans(), sizes=sizes, limits=limits, max_items=run_limit)
@example(body=b'"a"b"c\n', mark=False, sizes=[1], limits=WIDE, max_items=None)
@example(body=b'5"" pipe,"x\ny"\n', mark=True, sizes=[1], limits=WIDE, max_items=None)
@example(body=b'"open\n', mark=False, sizes=[3], limits=WIDE, max_items=None)
def test_any_csv_is_cut_as_the_oracle_cuts_it(body, mark, sizes, limits, max_items):
    blob = (BYTE_ORDER_MARK if mark else b"") + b"one,two\n" + body
    header, *records = oracle.csv_records(blob)
    parts = split(in_chunks(blob, sizes), "csv", limits, max_items)
    assert parts.columns == expected_fields(header)
    assert list(parts.cuts) == expected_cuts(records, limits, max_items)


@given(blob=csv_text(), sizes=sizes, limits=limits)
def test_a_well_formed_csv_is_cut_and_read_as_the_oracle_does(blob, sizes, limits):
    _, *records = oracle.csv_records(blob)
    parts = split(in_chunks(blob, sizes), "csv", limits)
    assert list(parts.cuts) == expected_cuts(records, limits, None)
    values = [list(record.value.values()) for record in records_of(blob, "csv", limits)]
    assert values == [expected_fields(record) for record in records]


@given(body=anything, limits=limits)
def test_any_csv_is_parsed_as_the_oracle_parses_it(body, limits):
    blob = b"one,two\n" + body
    _, *expected = oracle.csv_records(blob)
    found = records_of(blob, "csv", limits)
    assert [record.index for record in found] == list(range(len(expected)))
    assert [record.line for record in found] == [record.line for record in expected]
    for record, wanted in zip(found, expected, strict=True):
        fields = expected_fields(wanted)
        if fields is not None and len(fields) == 2:
            assert (record.value, record.error) == (
                dict(zip(("one", "two"), fields, strict=True)),
                None,
            )
        else:
            assert record.value is None
            assert record.error is not None and f"line {wanted.line}:" in record.error.message


json_tokens = st.sampled_from(["{", "}", "[", "]", '"', ",", ":", "1", " ", "\r", '{"a":1}', "\n"])


@given(text=st.lists(json_tokens, max_size=25).map("".join))
@example(text="[1\n2]\n3,4")
@example(text="[1\n2]\n3,4,5")
@example(text='{"a":[{"x":1}\n{"b":1}]}\n{"c":1},{"d":2}')
@example(text="1\n2\n3,4")
@example(text="1],[2\n3")
def test_any_jsonl_is_parsed_line_by_line(text):
    blob = text.encode()
    expected = oracle.jsonl_records(blob)
    found = records_of(blob, "jsonl")
    assert [record.line for record in found] == [record.line for record in expected]
    for record, wanted in zip(found, expected, strict=True):
        try:
            value = json.loads(wanted.raw)
        except ValueError:
            assert record.error is not None and record.error.type == "JsonLineError"
        else:
            assert (record.value, record.error) == (value, None)


@given(blob=anything, sizes=sizes)
def test_the_chunks_do_not_matter(blob, sizes):
    blob = b"one\n" + blob
    cuts = list(split(in_chunks(blob, sizes), "csv", WIDE).cuts)
    assert cuts == cuts_of(blob, "csv")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("blob", [b"", BYTE_ORDER_MARK, b"\n", b"\r\n\r\n", b"\n\n\n"])
def test_a_blob_without_records_has_no_batches(kind, blob):
    parts = split([blob], kind, WIDE)
    assert (parts.columns, list(parts.cuts)) == (None, [])


@pytest.mark.parametrize("blob", [b"a,b", b"a,b\n", b"\xef\xbb\xbfa,b\r\n", b"\n\r\na,b\n\n"])
def test_a_header_alone_has_columns_and_no_batches(blob):
    parts = split([blob], "csv", WIDE)
    assert (parts.columns, list(parts.cuts)) == (["a", "b"], [])


def test_the_header_may_be_quoted_over_several_lines():
    parts = split([b'"a\nb","c""d"\n1,2\n'], "csv", WIDE)
    assert parts.columns == ["a\nb", 'c"d']
    assert list(parts.cuts) == [Cut(13, 17, 0, 1, 3)]


def test_blank_lines_before_the_header_count_as_lines():
    assert cuts_of(b"\n\r\na\n\n1\n", "csv") == [Cut(6, 8, 0, 1, 5)]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (b"a,b,a,b,c\n", r"more than once: 'a' \(columns 1, 3\), 'b' \(columns 2, 4\);"),
        (b"caf\xe9\n", "not UTF-8"),
        (b"\xff\xfea\0,\0b\0\n", "not UTF-8"),
        (b'"a"b,c\n', "text follows the closing quote"),
        (b'"a,b\n1,2\n', "not closed"),
        (b"a" * (MAX_HEADER_BYTES + 1) + b"\n", "no complete header"),
        (b'"' + b"a\n" * MAX_HEADER_BYTES, "no complete header"),
        (b"\n" * 2 * MAX_HEADER_BYTES + b"a\n", "no complete header"),
    ],
)
def test_a_header_that_names_no_columns_is_refused(header, fault):
    with pytest.raises(HeaderError, match=fault):
        split([header], "csv", WIDE)


def test_a_huge_record_is_a_batch_of_its_own():
    blob = b"1\n2\n" + b"3" * 100 + b"\n4\n5\n"
    cuts = cuts_of(blob, "jsonl", BatchLimits(max_items=10, max_bytes=10))
    assert [(cut.offset, cut.end, cut.items) for cut in cuts] == [
        (0, 4, 2),
        (4, 105, 1),
        (105, 109, 2),
    ]


def test_a_batch_may_have_exactly_the_bytes_of_the_limit():
    cuts = cuts_of(b"1\n2\n3\n4\n5", "jsonl", BatchLimits(max_items=10, max_bytes=4))
    assert [(cut.offset, cut.end) for cut in cuts] == [(0, 4), (4, 8), (8, 9)]


def test_blank_lines_between_batches_belong_to_none():
    cuts = cuts_of(b"1\n\n \n2\n", "jsonl", BatchLimits(max_items=1))
    assert cuts == [Cut(0, 2, 0, 1, 1), Cut(5, 7, 1, 1, 4)]


def test_reading_ends_where_the_run_has_its_items():
    def chunks():
        yield b"1\n2\n3\n"
        raise AssertionError("one chunk is enough")

    cuts = list(split(chunks(), "jsonl", BatchLimits(max_items=2), max_items=3).cuts)
    assert [cut.items for cut in cuts] == [2, 1]


def test_many_pieces_make_the_batches_of_one():
    rows = b"".join(b'%d,"say ""%d"",\n5"\n' % (i, i) for i in range(40_000))
    blob = b"one,two\n" + rows
    cuts = cuts_of(blob, "csv", BatchLimits(max_items=1000))
    assert [cut.items for cut in cuts] == [1000] * 40
    assert cuts[-1].first_line == 2 + 2 * 39_000
    assert [cut.offset for cut in cuts[1:]] == [cut.end for cut in cuts[:-1]]
    assert cuts[-1].end == len(blob)
