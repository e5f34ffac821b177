"""What comes out of a batch: a value for each record, or why there is none and on which line."""

import pytest

from fanout.models.outcome import ErrorInfo
from fanout.models.selection import IndexSelector
from fanout.records import Chunk, Record
from fanout.splitting.records import parse_records


def csv(data: bytes, count: int, columns=("a", "b"), first_index=0, first_line=2) -> list[Record]:
    return list(parse_records(Chunk("csv", data, list(columns), first_index, first_line, count)))


def jsonl(data: bytes, count: int, first_index=0, first_line=1) -> list[Record]:
    return list(parse_records(Chunk("jsonl", data, None, first_index, first_line, count)))


def fault(record: Record) -> tuple[str, str]:
    assert record.value is None and record.error is not None
    assert record.error.retryable is False
    return record.error.type, record.error.message


def test_a_csv_record_maps_columns_to_text():
    assert csv(b'1,"x ""y"" z"\r\n,\n', 2, first_index=7) == [
        Record(7, 2, {"a": "1", "b": 'x "y" z'}),
        Record(8, 3, {"a": "", "b": ""}),
    ]


def test_a_stray_quote_in_an_unquoted_field_is_a_character():
    assert csv(b'5" pipe,a"b"\n', 1)[0].value == {"a": '5" pipe', "b": 'a"b"'}


def test_a_carriage_return_alone_ends_a_record_and_within_quotes_is_data():
    records = csv(b'1,2\r"a\rb",c\r\r\n3,4\r', 3)
    assert [list(record.value.values()) for record in records] == [
        ["1", "2"],
        ["a\rb", "c"],
        ["3", "4"],
    ]
    assert [record.line for record in records] == [2, 3, 6]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"1\n", "line 9: the header has 2 columns, this row has 1"),
        (b"1,2,3\n", "line 9: the header has 2 columns, this row has 3"),
        (b'1,"x"y\n', "line 9: text follows the closing quote of a field"),
        (b'"x"y"z,"1"\n', "line 9: text follows the closing quote of a field"),
        (b'1,"x', "line 9: a quoted field is not closed"),
        (b'1,"x""\n', "line 9: a quoted field is not closed"),
    ],
)
def test_a_malformed_row_is_refused_with_its_line(row, message):
    assert [fault(record) for record in csv(row, 1, first_line=9)] == [("CsvRowError", message)]


def test_lines_are_right_after_quoted_and_blank_ones():
    records = csv(b'1,"x\ny\nz"\n\n\r\n2\n3,4\n', 3)
    assert [record.line for record in records] == [2, 7, 8]
    assert "line 7:" in fault(records[1])[1]


def test_bytes_that_are_not_utf_8_are_refused_in_their_record_alone():
    records = csv(b"1,caf\xe9\n2,caf\xc3\xa9\n", 2)
    assert fault(records[0]) == (
        "EncodingError",
        "line 2: byte 6 of the record, 0xe9, is not UTF-8",
    )
    assert records[1].value == {"a": "2", "b": "café"}


def test_a_csv_of_one_column_tells_an_empty_value_from_a_blank_line():
    assert [record.value for record in csv(b'""\n\n" "\n', 2, ["a"])] == [{"a": ""}, {"a": " "}]


def test_a_line_of_json_may_be_any_value():
    values = [record.value for record in jsonl(b'{"a":1}\r\n [1,2] \nnull\n\n"x"\n1e3\n', 5)]
    assert values == [{"a": 1}, [1, 2], None, "x", 1000.0]
    assert [record.line for record in jsonl(b"1\n\n\t\n2", 2, first_line=5)] == [5, 8]


@pytest.mark.parametrize(
    "line", [b"{", b"1 2", b"1,2", b"[1", b"nul", b"NaN", b"-Infinity", b"'a'"]
)
def test_a_line_that_is_not_json_is_refused_and_its_neighbours_are_not(line):
    records = jsonl(b'{"a":1}\n' + line + b"\n2\n", 3, first_index=10)
    assert [record.value for record in records] == [{"a": 1}, None, 2]
    assert [record.index for record in records] == [10, 11, 12]
    kind, message = fault(records[1])
    assert kind == "JsonLineError" and message.startswith("line 2: ")
    assert "line 1" not in message


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"[1,", "line 2: EOF while parsing a value at column 3"),
        (b"9" * 4301, "line 2: number out of range at column 4301"),
        (b'"a', "line 2: EOF while parsing a string at column 2"),
    ],
)
def test_the_end_of_a_line_is_on_that_line(line, says):
    assert fault(jsonl(b"1\n" + line + b"\n2\n", 3)[1])[1] == says


def test_a_fault_within_an_item_of_many_lines_is_told_by_the_line_of_the_source():
    chunk = Chunk("json", b'1,\n\n{"a":\n nul}', None, 0, 1, 2)
    _, record = parse_records(chunk)
    assert fault(record)[1].startswith("line 3: expected ident at line 4, column")


@pytest.mark.parametrize("last", [b"3,4", b"3,4,5"])
def test_malformed_lines_do_not_make_up_for_one_another(last):
    records = jsonl(b"[1\n2]\n" + last + b"\n", 3)
    assert [fault(record)[0] for record in records] == ["JsonLineError"] * 3


@pytest.mark.parametrize("line", [b'"\xff"', b'{"\xff":1}', b'{"a":"\xc3"}'])
def test_json_that_is_not_utf_8_is_an_encoding_error(line):
    records = jsonl(b"1\n" + line + b"\n", 2)
    kind, message = fault(records[1])
    assert kind == "EncodingError" and message.startswith("line 2: byte ")


def test_deep_nesting_is_refused_not_a_crash():
    assert fault(jsonl(b"[" * 100_000 + b"]" * 100_000, 1)[0])[0] == "JsonLineError"


def test_inline_items_have_an_index_and_no_line():
    chunk = Chunk("inline", b'[{"a":1},null]', None, 5, 1, 2)
    assert list(parse_records(chunk)) == [Record(5, None, {"a": 1}), Record(6, None, None)]


def test_a_batch_that_could_not_be_read_is_one_refused_record():
    error = ErrorInfo(type="RecordTooLargeError", message="line 3: too large")
    chunk = Chunk("csv", b"", ["a"], 4, 3, 1, fault=error)
    assert list(parse_records(chunk)) == [Record(4, 3, None, error)]


@pytest.mark.parametrize("selection", [{}, {"n": IndexSelector(index=True)}], ids=["", "select"])
def test_items_that_could_not_be_read_are_refused_with_their_own_errors(selection):
    error = ErrorInfo(type="EncodingError", message="row 9: column 'a': not UTF-8")
    data, faults = b'{"a":1}\nnull\n{"a":3}\n', {8: error}
    chunk = Chunk("jsonl", data, None, 7, 0, 3, selection=selection, faults=faults)
    first, refused, last = parse_records(chunk)
    assert refused == Record(8, None, None, error)
    assert (first.value["a"], last.value["a"], first.error, last.error) == (1, 3, None, None)


def test_bytes_with_another_number_of_records_than_planned_are_an_error():
    with pytest.raises(ValueError, match="from item 3 on holds 2 items, not 3"):
        jsonl(b"1\n2\n", 3, first_index=3)


def test_an_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="'parquet'"):
        list(parse_records(Chunk("parquet", b"", None, 0, 1, 0)))
