"""The quick way and the record by record one read the same, or the quick one steps aside."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fanout.records import Chunk, CsvDialect
from fanout.splitting.records import parse_records
from tests.support.report_runs import chunks
from workloads.reports.reading.tidy import read_tidy

HEADERS = [b"a\n", b"a,b\n", b"a,b,c\n"]
pieces = st.sampled_from(
    [
        b"x",
        b"1",
        b" ",
        b",",
        b",",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b'"',
        b'""',
        b'"y"',
        b'"p,q"',
        b'"l\nm"',
        b'"l\r\nm"',
        b"\xc3\xa9",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\x00",
        b"#",
    ]
)


def slowly(chunk: Chunk) -> list[dict[str, str]] | None:
    """Every record of the chunk, or None if one of them does not parse."""
    records = list(parse_records(chunk))
    return None if any(record.error for record in records) else [r.value for r in records]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(HEADERS), st.lists(pieces, max_size=14).map(b"".join))
@example(HEADERS[1], b'a"b,2\nc"d,3\n')
@example(HEADERS[0], b'a"b\nc"d\n\n')
@example(HEADERS[0], b"x\n\n")
@example(HEADERS[0], b"x\n\r\r\n")
@example(HEADERS[0], b'""\n""')
@example(HEADERS[1], b"\r,")
@example(HEADERS[1], b"1\n2,3,4\n")
@example(HEADERS[1], b"1,2,3\n4\n")
@example(HEADERS[1], b'1,a"b"\n')
@example(HEADERS[1], b'1,a"b,c"\n')
@example(HEADERS[1], b'1,"')
@example(HEADERS[1], b'1,"x')
@example(HEADERS[1], b'1,"a"b\n')
@example(HEADERS[1], b'1,"a"\r\n')
@example(HEADERS[1], b'"a"\r,b\n')
@example(HEADERS[1], b'"a"",b\n",c\n')
@example(HEADERS[1], b"\xef\xbb\xbfa,b\n")
@example(HEADERS[1], b"1,\xff\n")
def test_a_tidy_chunk_reads_as_its_records_do(header, body):
    for chunk in chunks(header + body):
        records = slowly(chunk)
        # Of columns that are not wanted polars overlooks what is wrong with them.
        for wanted in (chunk.columns or [], ["a"], (chunk.columns or [])[-1:]):
            frame = read_tidy(chunk, wanted)
            if frame is not None:
                assert records is not None
                assert frame.rows(named=True) == [{c: row[c] for c in wanted} for row in records]


@pytest.mark.parametrize(
    "body",
    [
        b"1,2\n",
        b"1,2",
        b"1,2\r\n3,4\r\n",
        b'"1",""\n,\n',
        b'"a,b","c\nd"\n"say ""hi""",2\r\n',
        "é,\N{SNOWMAN}\n".encode(),
    ],
)
def test_usual_csv_takes_the_quick_way(body):
    (chunk,) = chunks(b"a,b\n" + body)
    frame = read_tidy(chunk, ["a", "b"])
    assert frame is not None
    assert frame.rows(named=True) == slowly(chunk)


@pytest.mark.parametrize("body", [b"1\n", b"1,2,3\n", b"1\n2,3,4\n", b'a"b,2\n', b"\xff,1\n"])
def test_anything_unusual_is_left_to_the_records(body):
    (chunk,) = chunks(b"a,b\n" + body)
    assert read_tidy(chunk, ["a"]) is None


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_other_delimiters_are_read_alike(delimiter):
    data = f'1{delimiter}"x{delimiter}y"\n,2{delimiter}\n'.encode()
    chunk = Chunk("csv", data, ["a", "b"], 0, 2, 2, dialect=CsvDialect(delimiter=delimiter))
    frame = read_tidy(chunk, ["a", "b"])
    assert frame is not None
    assert frame.rows(named=True) == slowly(chunk)


def test_only_wanted_columns_are_read_in_any_order():
    (chunk,) = chunks(b"a,b,c\n1,2,3\n")
    frame = read_tidy(chunk, ["c", "a"])
    assert frame is not None
    assert frame.rows(named=True) == [{"a": "1", "c": "3"}]


def test_a_chunk_of_another_size_than_planned_is_left_to_the_records():
    (chunk,) = chunks(b"a,b\n1,2\n3,4\n")
    assert read_tidy(replace(chunk, count=3), ["a"]) is None
