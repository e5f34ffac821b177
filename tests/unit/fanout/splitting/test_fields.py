"""The fields of a CSV record are those that were written, or the record is refused."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.splitting.fields import MalformedRecordError, split_fields, strip_ending

texts = st.text(st.sampled_from("ab \",;\t'é\r\n"), max_size=8)


def quote(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'


@given(st.lists(texts, min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_fields_that_are_quoted_are_read_back(fields: list[str], delimiter: str):
    assert split_fields(delimiter.join(map(quote, fields)), delimiter) == fields


@given(st.lists(texts.map(lambda text: text.replace("\r", "").replace("\n", "")), min_size=1))
def test_a_record_is_read_as_the_standard_library_writes_it(fields: list[str]):
    written: list[str] = []

    class Lines:
        def write(self, text: str) -> None:
            written.append(text)

    csv.writer(Lines(), lineterminator="").writerow(fields)
    assert split_fields("".join(written)) == fields


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        ("", [""]),
        (",", ["", ""]),
        ('"",""', ["", ""]),
        ('a,"b",', ["a", "b", ""]),
        ('a"b,c', ['a"b', "c"]),
        ('"a,b",c', ["a,b", "c"]),
        ('"a""b"', ['a"b']),
    ],
)
def test_a_quote_counts_only_at_the_beginning_of_a_field(record: str, fields: list[str]):
    assert split_fields(record) == fields


@pytest.mark.parametrize(
    ("record", "message"),
    [('"a', "not closed"), ('a,"b""', "not closed"), ('"a"b', "text follows"), ('"a" ,b', "text")],
)
def test_a_record_whose_quotes_make_no_sense_is_refused(record: str, message: str):
    with pytest.raises(MalformedRecordError, match=message):
        split_fields(record)


@pytest.mark.parametrize(
    ("record", "content"),
    [(b"a\r\n", b"a"), (b"a\n", b"a"), (b"a\r", b"a"), (b"a\r\r\n", b"a\r"), (b"a\n\n", b"a\n")],
)
def test_one_line_ending_is_taken_off(record: bytes, content: bytes):
    assert strip_ending(record) == content
