import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.workloads.report_runs import chunks, report, summary
from workloads.reports.parameters import DateKey, ReportParameters
from workloads.reports.reading.dates import truncate_dates


def keys(texts: list[str | None], every: str) -> list[str | None]:
    key = DateKey.model_validate({"column": "at", "every": every})
    return truncate_dates(pl.Series(texts, dtype=pl.String), key).keys.to_list()


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("hour", "2013-05-15T17:00"),
        ("day", "2013-05-15"),
        ("week", "2013-05-13"),
        ("month", "2013-05"),
        ("quarter", "2013-Q2"),
        ("year", "2013"),
    ],
)
def test_a_time_falls_into_its_bucket(every, expected):
    assert keys(["2013-05-15T17:45:10Z"], every) == [expected]


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2013-01-05", "2013-01-05T00:00"),
        ("2013-01-05T17:30", "2013-01-05T17:00"),
        ("2013-01-05 17:30:59", "2013-01-05T17:00"),
        ("2013-01-05T17:30:59.123456789", "2013-01-05T17:00"),
        ("2013-01-05T17:30:59,5Z", "2013-01-05T17:00"),
        ("2013-01-05T17:30:00Z", "2013-01-05T17:00"),
        ("2013-01-05T17:30:00+02:00", "2013-01-05T15:00"),
        ("2013-01-05T17:30:00-0530", "2013-01-05T23:00"),
        ("2013-01-01T00:30+01:00", "2012-12-31T23:00"),
        ("2012-02-29", "2012-02-29T00:00"),
        ("1969-07-20T20:17:40Z", "1969-07-20T20:00"),
        ("0001-01-01", "0001-01-01T00:00"),
    ],
)
def test_dates_and_times_are_read_as_they_stand_or_in_utc(text, hour):
    assert keys([text], "hour") == [hour]


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "05/01/2013",
        "2013-13-01",
        "2013-02-30",
        "2013-1-5",
        "2013-01-05T25:00",
        "2013-01-05T17",
        "2013-01-05Z",
        " 2013-01-05",
        "2013-01-05 ",
        "20130105",
        "2013-01-05T17:61",
        "2013-01-05\n",
        "1357344000",
        "-2013-01-05",
        "2013-01-05T17:30 +02:00",
    ],
)
def test_other_texts_are_refused(text):
    key = DateKey(column="at", every="day")
    found = truncate_dates(pl.Series(["2013-01-05", text, None]), key)
    assert found.keys.to_list() == ["2013-01-05", None, None]
    assert found.invalid is not None
    assert found.invalid.to_list() == [False, True, False]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.datetimes().map(lambda at: at.isoformat()))))
def test_each_text_has_the_bucket_it_has_alone(texts):
    together = keys(texts, "week")
    assert together == [keys([text], "week")[0] for text in texts]
    assert [key is None for key in together] == [text is None for text in texts]


def test_a_bad_date_fails_its_row_alone_and_says_so():
    parameters = ReportParameters.model_validate({"group_by": [{"column": "at", "every": "month"}]})
    data = b"at,x\n2013-01-05,1\nsoon,2\n,3\n2013-01-09,4\n"
    partial, failures = summary(list(chunks(data)), parameters)
    assert [(f.index, f.error.type, f.error.message) for f in failures] == [
        (1, "CsvValueError", "line 3: column 'at' has 'soon', which is not a date")
    ]
    assert partial is not None
    assert {key: group.rows for key, group in partial.views[0].groups.items()} == {
        ("2013-01",): 2,
        (None,): 1,
    }


def test_a_date_may_be_grouped_twice_and_as_a_text_too():
    by = ["at", {"column": "at", "every": "year"}, {"column": "at", "every": "month"}]
    made = report(b"at\n2013-01-05\n2013-02-05\n", group_by=by)
    assert [group["key"] for group in made["groups"]] == [
        {"at": "2013-01-05", "at.year": "2013", "at.month": "2013-01"},
        {"at": "2013-02-05", "at.year": "2013", "at.month": "2013-02"},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2013-01-05T17:30+24:00",
        "2013-01-05T17:30+99:99",
        "2013-01-05T17:30-00:60",
        "2013-01-05T17:30+\uff10\uff12:\uff10\uff10",
        "2013-01-05T17:30+02:0\u0660",
        "\uff12\uff10\uff11\uff13-01-05",
        "0000-01-01",
        "0001-01-01T00:00+02:00",
        "9999-12-31T23:30-02:00",
    ],
)
@pytest.mark.parametrize("every", ["hour", "week", "year"])
def test_offsets_that_no_clock_has_and_years_that_no_calendar_has_are_refused(text, every):
    assert keys([text, "2013-01-05"], every)[0] is None


def test_the_first_and_the_last_moment_of_the_calendar_are_dates():
    moments = ["0001-01-01T00:00Z", "9999-12-31T23:59:59.999Z"]
    assert keys(moments, "hour") == ["0001-01-01T00:00", "9999-12-31T23:00"]
    assert keys(moments, "week") == ["0001-01-01", "9999-12-27"]
