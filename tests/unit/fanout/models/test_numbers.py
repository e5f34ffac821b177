"""Moments are read as RFC 3339 has them, and lie in the calendar wherever they are told."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fanout.errors import InvalidRequestError
from fanout.models.limits import LimitsChange
from fanout.models.numbers import Moment, Rate, read_moment
from starters.lifecycle.parse import parse_body

OFFSETS = ["+99:99", "+24:00", "+05:99", "-23:60", "+9999", "+00:00:99", "+1:00", "+25", "-99"]
# One and the same.
DATES = ["2026-01-05", "20260105", "2026-W02-1", "2026W021", "2026-W02"]
BEYOND = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-00:01", "9999-12-31T12:00-23:59"]


@pytest.mark.parametrize("offset", OFFSETS)
def test_an_offset_that_no_clock_has_is_refused(offset: str):
    for text in (f"2024-01-01T00:00:00{offset}", f"2024-01-01 10:30{offset}"):
        with pytest.raises(ValueError, match=r"offset|ISO"):
            read_moment(text)
        with pytest.raises(ValidationError):
            TypeAdapter(Moment).validate_python(text)


@pytest.mark.parametrize("separator", [*"xX_-:;.,+0195Z|\t\n\0é٠🕐", "", "  ", "T "])
def test_between_date_and_time_is_a_t_or_a_space(separator: str):
    for date, offset in product(DATES, ("", "Z", "+05:00", "+05:99")):
        text = f"{date}{separator}10:00:00{offset}"
        with pytest.raises(ValueError, match=r"offset|ISO"):
            read_moment(text)
        with pytest.raises(ValidationError):
            TypeAdapter(Moment).validate_python(text)


@given(moment=st.datetimes(), separator=st.characters(), offset=st.sampled_from(["", *OFFSETS]))
def test_whatever_is_between_date_and_time_no_odd_offset_is_added_up(
    moment: datetime, separator: str, offset: str
):
    text = moment.replace(microsecond=0).isoformat(separator) + offset
    if offset or separator not in "Tt ":
        with pytest.raises(ValueError, match=r"offset|ISO"):
            read_moment(text)
    else:
        assert read_moment(text) == moment.replace(microsecond=0, tzinfo=UTC)


@pytest.mark.parametrize("separator", "Tt ")
@pytest.mark.parametrize("offset", ["+05:30", "+0530", "-05", "Z"])
def test_dates_and_times_of_iso_8601_are_read(separator: str, offset: str):
    minutes = {"+05:30": 330, "+0530": 330, "-05": -300, "Z": 0}[offset]
    zone = timezone(timedelta(minutes=minutes))
    for date in DATES:
        for time in ("10:20", "1020", "10:20:00.000"):
            told = read_moment(f"{date}{separator}{time}{offset}")
            assert told == datetime(2026, 1, 5, 10, 20, tzinfo=zone)
        assert read_moment(date) == datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", BEYOND)
def test_a_moment_beyond_the_calendar_of_utc_is_refused(text: str):
    with pytest.raises(ValueError, match="calendar"):
        read_moment(text)
    with pytest.raises(ValidationError, match="calendar"):
        TypeAdapter(Moment).validate_python(text)


@pytest.mark.parametrize(
    "odd", [1e999, 10**30, 1700000000, "1700000000", "1e9", "NaN", "", "9" * 99]
)
def test_a_number_is_no_moment(odd: object):
    with pytest.raises(ValidationError):
        TypeAdapter(Moment).validate_python(odd)


@given(
    moment=st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)),
    minutes=st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_any_other_is_read_as_it_is_written(moment: datetime, minutes: int):
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert read_moment(aware.isoformat()) == aware
    assert TypeAdapter(Moment).validate_python(aware.isoformat()) == aware
    assert read_moment(moment.isoformat()) == moment.replace(tzinfo=UTC)


@given(st.floats() | st.integers() | st.floats().map(str))
def test_a_rate_is_within_its_bounds_or_refused(number: float | str):
    try:
        rate = TypeAdapter(Rate).validate_python(number)
    except ValidationError:
        return
    assert 0.001 <= rate <= 1e9


@pytest.mark.parametrize(("kept", "rate"), [("1e-12", 0.001), ("1e300", 1e9), ("5", 5.0)])
def test_a_rate_that_an_earlier_version_kept_is_brought_within_bounds(kept: str, rate: float):
    text = f'{{"concurrency": {{"items_per_second": {kept}}}}}'
    change = LimitsChange.model_validate_json(text)
    assert change.concurrency is not None
    assert change.concurrency.items_per_second == rate
    if kept != "5":
        with pytest.raises(InvalidRequestError):
            parse_body(LimitsChange, text.encode(), 1_000)
