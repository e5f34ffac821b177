"""Each row of a Parquet is read, or fails by itself and says why."""

import io
import json
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.parquet.files import counts, texts, write_table
from tests.support.parquet.readings import cells_of, chunks_of, records_of, refusal_of, store_of

DAY_NS = 86_400 * 10**9


def errors_of(data: bytes) -> list[tuple[str, str] | None]:
    return [
        record.error and (record.error.type, record.error.message) for record in records_of(data)
    ]


# INT96


def int96(*moments: datetime | None) -> bytes:
    table = {"a": pa.array(moments, pa.timestamp("us"))}
    return write_table(table, use_deprecated_int96_timestamps=True)


def test_int96_out_of_nanoseconds_is_read_in_the_unit_that_holds_it():
    moments = [datetime(9999, 12, 31, 2), datetime(1000, 1, 1), datetime(2024, 1, 1, 20, 34, 56, 7)]
    data = int96(*moments, None)
    assert pq.ParquetFile(io.BytesIO(data)).schema.column(0).physical_type == "INT96"
    assert cells_of(data) == [
        "9999-12-31T02:00:00",
        "1000-01-01T00:00:00",
        "2024-01-01T20:34:56.000007",
        None,
    ]


@given(
    moments=st.lists(
        st.none() | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), min_size=1
    )
)
def test_any_int96_of_microseconds_is_what_was_written(moments: list[datetime | None]):
    found = cells_of(int96(*moments))
    assert [None if text is None else datetime.fromisoformat(text) for text in found] == moments


def test_int96_keeps_its_nanoseconds_beside_moments_that_nanoseconds_cannot_count():
    fine = counts(pa.timestamp("ns"), 1_700_000_000_123_456_789, None)
    data = write_table({"a": fine}, use_deprecated_int96_timestamps=True)
    assert cells_of(data) == ["2023-11-14T22:13:20.123456789", None]
    assert int96_of_days(2_440_588, 2_440_588 + 1_000_000) == [
        "1970-01-01T00:00:00.000000001",
        f"{date(1970, 1, 1) + timedelta(1_000_000)}T00:00:00.000000001",
    ]


def int96_of_days(*days: int) -> list[str]:
    """Read timestamps a nanosecond after midnight of Julian days, written as raw bytes."""
    whole = write_table(
        {"a": counts(pa.timestamp("ns"), *(range(len(days))))},
        use_deprecated_int96_timestamps=True,
        use_dictionary=False,
        compression="none",
        write_statistics=False,
    )
    for number, day in enumerate(days):
        old = number.to_bytes(8, "little") + (2_440_588).to_bytes(4, "little")
        new = (1).to_bytes(8, "little") + day.to_bytes(4, "little", signed=True)
        at = whole.rindex(old)
        whole = whole[:at] + new + whole[at + 12 :]
    return cells_of(whole)


def test_int96_of_a_year_that_python_has_not_fails_its_row():
    far = int96_of_days(2_440_588, 2**31 - 1, -1, -(2**31))
    assert far[0] == "1970-01-01T00:00:00.000000001"
    for message, row, year in zip(
        far[1:], (2, 3, 4), ("5874898", "-4713", "-5884323"), strict=True
    ):
        assert message.startswith(f"row {row}: column 'a': the date {year}-")
        assert message.endswith("is not within the years 1 to 9999")


def test_int96_within_lists_and_structs_is_read_too():
    values = [[datetime(9999, 1, 2), None], None, [], [datetime(2020, 1, 1)]]
    lists = pa.array(values, pa.list_(pa.timestamp("us")))
    structs = pa.array(
        [{"t": datetime(1001, 1, 1), "n": n} for n in range(4)],
        pa.struct([("t", pa.timestamp("us")), ("n", pa.int64())]),
    )
    data = write_table({"l": lists, "s": structs}, use_deprecated_int96_timestamps=True)
    assert [record.value for record in records_of(data, most=3)] == [
        {"l": made, "s": {"t": "1001-01-01T00:00:00", "n": n}}
        for n, made in enumerate([["9999-01-02T00:00:00", None], None, [], ["2020-01-01T00:00:00"]])
    ]


# texts


def test_text_that_is_not_utf_8_fails_its_row_with_column_and_byte():
    data = write_table({"id": [1, 2, 3], "name": texts(b"caf\xe9", b"tea", b"\xff")})
    assert errors_of(data) == [
        ("EncodingError", "row 1: column 'name': byte 4 of the text, 0xe9, is not UTF-8"),
        None,
        ("EncodingError", "row 3: column 'name': byte 1 of the text, 0xff, is not UTF-8"),
    ]
    assert records_of(data)[1].value == {"id": 2, "name": "tea"}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_every_kind_of_text_is_checked(kind: pa.DataType, use_dictionary: bool):
    column = texts(b"ok", b"\xc3", None, b"ok", data_type=kind)
    data = write_table({"a": column}, use_dictionary=use_dictionary)
    assert cells_of(data) == [
        "ok",
        "row 2: column 'a': byte 1 of the text, 0xc3, is not UTF-8",
        None,
        "ok",
    ]


def categories(index_type: pa.DataType) -> bytes:
    """Two row groups of texts of a category each; one text of the second is not UTF-8."""
    tables = [
        pa.table({"a": pa.DictionaryArray.from_arrays(pa.array(numbers, index_type), names)})
        for numbers, names in [([0, None], texts(b"fine")), ([0, 1, 0], texts(b"ok", b"\xe9"))]
    ]
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    return sink.getvalue()


def test_a_category_that_is_not_utf_8_fails_only_the_rows_that_use_it():
    fault = "row 4: column 'a': byte 1 of the text, 0xe9, is not UTF-8"
    assert cells_of(categories(pa.int32())) == ["fine", None, "ok", fault, "ok"]


def test_categories_that_pyarrow_has_to_convert_together_fail_the_rows_of_their_group():
    fault = "row group 1 cannot be decoded: column 'a': Invalid UTF8 payload"
    assert cells_of(categories(pa.int8())) == ["fine", None, fault, fault, fault]


def test_a_fault_deep_in_a_row_is_named_by_its_path():
    lists = pa.ListArray.from_arrays([0, 2, 3], texts(b"x", b"\xe9", b"y"))
    structs = pa.StructArray.from_arrays([lists, pa.array([1, 2])], ["words", "n"])
    pairs = pa.MapArray.from_arrays([0, 1, 2], texts(b"\xe8", b"k"), pa.array([1, 2]))
    data = write_table({"s": structs, "m": pairs})
    assert errors_of(data)[0] == (
        "EncodingError",
        "row 1: column 's.words[1]': byte 1 of the text, 0xe9, is not UTF-8",
    )
    assert records_of(data)[1].value == {"s": {"words": ["y"], "n": 2}, "m": [["k", 2]]}
    assert errors_of(write_table({"m": pairs}))[0] == (
        "EncodingError",
        "row 1: column 'm[0].key': byte 1 of the text, 0xe8, is not UTF-8",
    )


# times


@pytest.mark.parametrize(
    ("data_type", "numbers", "expected"),
    [
        (
            pa.timestamp("ns"),
            [0, 1, 1_700_000_000_123_456_000, 1_700_000_000_123_456_789, -1, -(2**63)],
            [
                "1970-01-01T00:00:00",
                "1970-01-01T00:00:00.000000001",
                "2023-11-14T22:13:20.123456",
                "2023-11-14T22:13:20.123456789",
                "1969-12-31T23:59:59.999999999",
                "1677-09-21T00:12:43.145224192",
            ],
        ),
        (
            pa.timestamp("ns", "UTC"),
            [1_700_000_000_000_000_000, 1_700_000_000_000_000_001],
            ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20.000000001Z"],
        ),
        (
            pa.timestamp("ns", "America/New_York"),
            [1_700_000_000_000_000_001],
            ["2023-11-14T17:13:20.000000001-05:00"],
        ),
        (
            pa.time64("ns"),
            [0, 1, 86_399_999_999_999, 5_000],
            ["00:00:00", "00:00:00.000000001", "23:59:59.999999999", "00:00:00.000005"],
        ),
        (
            pa.duration("ns"),
            [0, 1, -1, 90_061_000_000_001, 2 * DAY_NS + 5, 5_000, -2 * DAY_NS],
            [
                "PT0S",
                "PT0.000000001S",
                "-PT0.000000001S",
                "P1DT1H1M1.000000001S",
                "P2DT0.000000005S",
                "PT0.000005S",
                "-P2D",
            ],
        ),
        (pa.duration("ns"), [3600 * 10**9 + 1], ["PT1H0.000000001S"]),
    ],
    ids=str,
)
def test_nanoseconds_keep_their_digits(data_type, numbers, expected):
    assert cells_of(write_table({"a": counts(data_type, *numbers, None)})) == [*expected, None]


@pytest.mark.parametrize(
    ("data_type", "number", "fault"),
    [
        (pa.date32(), 2_932_897, "the date 10000-01-01 is not within the years 1 to 9999"),
        (pa.date32(), -719_163, "the date 0-12-31 is not within the years 1 to 9999"),
        (pa.date32(), 2**31 - 1, "the date 5881580-07-11 is not within the years 1 to 9999"),
        (pa.timestamp("us"), 253_402_300_800_000_000, "the date 10000-01-01"),
        (pa.timestamp("us", "UTC"), -(2**63), "the date -290308-12-21"),
        (pa.timestamp("ms", "Asia/Tokyo"), 2**62, "is not within the years 1 to 9999"),
        (pa.time64("us"), -1, "-1000 nanoseconds from midnight are not within a day"),
        (pa.time64("us"), 86_400_000_000, "are not within a day"),
        (pa.time32("ms"), 86_400_000, "are not within a day"),
        (pa.time64("ns"), DAY_NS, "are not within a day"),
        (pa.duration("s"), 2**60, "are more than 999999999 days"),
        (pa.duration("us"), -(2**63), None),
    ],
    ids=str,
)
def test_a_time_that_python_cannot_hold_fails_its_row(data_type, number, fault):
    found = cells_of(write_table({"a": counts(data_type, 0, number, None, 0)}))
    assert found[0] == found[3] and found[2] is None
    if fault is not None:
        assert found[1].startswith("row 2: column 'a': ") and fault in found[1]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "+25:00", "UTC+1", "../etc/passwd", "Europe"])
def test_moments_in_a_zone_that_nobody_knows_are_given_in_utc(zone: str):
    column = counts(pa.timestamp("us", zone), 1_700_000_000_000_000, None)
    assert cells_of(write_table({"a": column})) == ["2023-11-14T22:13:20Z", None]


def test_a_moment_whose_offset_had_seconds_is_given_in_utc():
    year_1850 = -3_786_825_600_000_000
    column = counts(pa.timestamp("us", "Europe/Berlin"), year_1850, 1_700_000_000_000_000)
    assert cells_of(write_table({"a": column})) == [
        "1850-01-01T00:00:00Z",
        "2023-11-14T23:13:20+01:00",
    ]


def test_a_moment_whose_year_in_its_zone_has_no_name_is_given_in_utc():
    first = -62_135_596_800_000_000
    column = counts(pa.timestamp("us", "-05:00"), first)
    assert cells_of(write_table({"a": column})) == ["0001-01-01T00:00:00Z"]


ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})


@given(
    zone=st.sampled_from(ZONES),
    moments=st.lists(
        st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)), min_size=1
    ),
)
def test_a_moment_in_any_zone_is_the_same_moment(zone: str, moments: list[datetime]):
    found = cells_of(write_table({"a": pa.array(moments, pa.timestamp("us", zone))}))
    assert [datetime.fromisoformat(text) for text in found] == moments


# names, and types of all kinds


def test_a_struct_with_two_fields_of_one_name_fails_its_row():
    structs = pa.StructArray.from_arrays(
        [pa.array([1, 2]), pa.array([3, 4])], ["x", "x"], mask=pa.array([False, True])
    )
    data = write_table({"id": [1, 2], "a": structs})
    assert errors_of(data) == [
        ("ParquetError", "row 1: column 'a': the struct has two fields of the name 'x'"),
        None,
    ]
    assert records_of(data)[1].value == {"id": 2, "a": None}
    assert [r.value for r in records_of(data, columns=["id"])] == [{"id": 1}, {"id": 2}]


def test_columns_of_one_name_are_refused_and_others_can_be_read():
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["a", "b", "a"])
    assert [r.value for r in records_of(write_table(table), columns=["b"])] == [{"b": 2}]


def test_the_keys_of_a_map_need_not_be_texts_and_may_come_twice():
    column = pa.array(
        [[(1, "x"), (1, "y")], None, [], [(2, None)]], pa.map_(pa.int8(), pa.string())
    )
    assert cells_of(write_table({"a": column})) == [[[1, "x"], [1, "y"]], None, [], [[2, None]]]


def test_maps_of_times_keep_their_pairs():
    keys = counts(pa.timestamp("ns"), 1, 2)
    column = pa.MapArray.from_arrays([0, 0, 2], keys, counts(pa.time64("us"), 0, -1))
    assert cells_of(write_table({"a": column})) == [
        [],
        "row 2: column 'a[1].value': -1000 nanoseconds from midnight are not within a day",
    ]


MANY = {
    "uint64": pa.array([2**64 - 1], pa.uint64()),
    "int64": pa.array([-(2**63)]),
    "half": pa.array([0.5], pa.float16()),
    "nan": pa.array([float("nan")], pa.float32()),
    "infinity": pa.array([float("-inf")]),
    "decimal": pa.array([Decimal("-1.10")], pa.decimal128(38, 2)),
    "wide": pa.array([Decimal("9" * 70 + ".123456")], pa.decimal256(76, 6)),
    "binary": pa.array([b"\xff\x00"]),
    "fixed": pa.array([b"ab"], pa.binary(2)),
    "null": pa.nulls(1),
    "bool": pa.array([True]),
    "date": pa.array([date(2026, 1, 2)]),
    "time": pa.array([time(1, 2, 3, 4)]),
    "span": pa.array([timedelta(days=1, microseconds=1)]),
    "fixed list": pa.array([[1, None]], pa.list_(pa.int8(), 2)),
    "large list": pa.array([[None, [1]]], pa.large_list(pa.list_(pa.int8()))),
    "large text": pa.array(["é"], pa.large_string()),
    "text view": pa.array(["é"], pa.string_view()),
    "category": pa.array(["x"]).dictionary_encode(),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"x" * 16], pa.binary(16))),
    "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a":1}'])),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())),
    "opaque": pa.ExtensionArray.from_storage(pa.opaque(pa.int64(), "t", "v"), pa.array([7])),
}


@pytest.mark.parametrize("with_times", [False, True])
def test_types_of_all_kinds_have_their_values(with_times: bool):
    """A column that is read value by value changes nothing in those beside it."""
    more = {"t": counts(pa.timestamp("ns"), 1)} if with_times else {}
    (record,) = records_of(write_table(MANY | more))
    assert record.value == {
        "uint64": 2**64 - 1,
        "int64": -(2**63),
        "half": 0.5,
        "nan": None,
        "infinity": None,
        "decimal": "-1.10",
        "wide": "9" * 70 + ".123456",
        "binary": "_wA=",
        "fixed": "YWI=",
        "null": None,
        "bool": True,
        "date": "2026-01-02",
        "time": "01:02:03.000004",
        "span": "P1DT0.000001S",
        "fixed list": [1, None],
        "large list": [None, [1]],
        "large text": "é",
        "text view": "é",
        "category": "x",
        "uuid": "78787878-7878-7878-7878-787878787878",
        "json": '{"a":1}',
        "bool8": True,
        "opaque": 7,
    } | ({"t": "1970-01-01T00:00:00.000000001"} if with_times else {})


def nested(depth: int) -> pa.Table:
    column: pa.Array = pa.array([1, 2])
    for _ in range(depth):
        column = pa.StructArray.from_arrays([column], ["x"])
    return pa.table({"a": column})


def test_rows_nested_deeply_are_read_and_deeper_than_pyarrow_goes_are_refused():
    first, _ = cells_of(write_table(nested(90)))
    assert json.dumps(first) == '{"x": ' * 90 + "1" + "}" * 90
    assert "is no Parquet: Parquet schema too deeply nested" in refusal_of(write_table(nested(300)))


@pytest.mark.parametrize(
    "table", [{"a": pa.array([], pa.int64())}, {}], ids=["no rows", "no columns"]
)
def test_a_file_without_rows_has_no_items(table: dict):
    assert records_of(write_table(table)) == []


def test_row_groups_without_rows_are_passed_over():
    sink = io.BytesIO()
    schema = pa.schema([("a", pa.timestamp("ns"))])
    with pq.ParquetWriter(sink, schema) as writer:
        for numbers in ([], [1], [], [2, 3], []):
            writer.write_table(pa.table({"a": counts(pa.timestamp("ns"), *numbers)}))
    assert [text[-1] for text in cells_of(sink.getvalue())] == ["1", "2", "3"]


def test_bad_rows_of_a_chunk_are_null_lines_with_their_faults():
    data = write_table({"a": texts(b"x", b"\xe9", b"y", b"z")})
    first, second = chunks_of(store_of(data), most=2)
    assert [json.loads(line) for line in first.data.splitlines()] == [{"a": "x"}, None]
    assert list(first.faults) == [1] and first.faults[1].type == "EncodingError"
    assert second.faults == {}
