from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localhost.triggers.ncrontab import ConstantSchedule, ScheduleError, parse

NOW = datetime(2026, 11, 23, 12, 34, 56, 789_000, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("0 */5 * * * *", "2026-11-23 12:35:00"),
        ("*/5 * * * *", "2026-11-23 12:35:00"),
        ("* * * * * *", "2026-11-23 12:34:57"),
        ("0 0 3 * * *", "2026-11-24 03:00:00"),
        ("0 30 9 * * Mon-Fri", "2026-11-24 09:30:00"),
        ("0 30 12 * * 1", "2026-11-30 12:30:00"),
        ("0 0 0 1 Jan *", "2027-01-01 00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29 00:00:00"),
        ("15,45 59 23 31 12 *", "2026-12-31 23:59:15"),
        ("0 10/20 * * * *", "2026-11-23 12:50:00"),
        ("0 0 0 13 * Fri", "2027-08-13 00:00:00"),
        ("30 * * * * *", "2026-11-23 12:35:30"),
        ("56 34 12 * * *", "2026-11-24 12:34:56"),
        ("57 34 12 * * *", "2026-11-23 12:34:57"),
        ("*/15 * * * * *", "2026-11-23 12:35:00"),
        ("*/7 * * * * *", "2026-11-23 12:35:00"),
        ("5-10 35 12 * * *", "2026-11-23 12:35:05"),
        ("0 0 * * * *", "2026-11-23 13:00:00"),
        ("0 35 * * * *", "2026-11-23 12:35:00"),
        ("0 34 * * * *", "2026-11-23 13:34:00"),
        ("0 0,30 * * * *", "2026-11-23 13:00:00"),
        ("0 15-45/15 * * * *", "2026-11-23 12:45:00"),
        ("0 0 */2 * * *", "2026-11-23 14:00:00"),
        ("0 0 9-17 * * *", "2026-11-23 13:00:00"),
        ("0 0 9-17 * * Sat", "2026-11-28 09:00:00"),
        ("0 0 0,12 * * *", "2026-11-24 00:00:00"),
        ("0 59 23 * * *", "2026-11-23 23:59:00"),
        ("0 0 0 * * *", "2026-11-24 00:00:00"),
        ("0 0 0 * * Sun", "2026-11-29 00:00:00"),
        ("0 0 0 * * 0", "2026-11-29 00:00:00"),
        ("0 0 0 * * monday", "2026-11-30 00:00:00"),
        ("0 0 0 * * Tue,Thu", "2026-11-24 00:00:00"),
        ("0 0 0 * * 2-4", "2026-11-24 00:00:00"),
        ("0 0 0 * * */3", "2026-11-25 00:00:00"),
        ("0 0 0 1 * *", "2026-12-01 00:00:00"),
        ("0 0 0 31 * *", "2026-12-31 00:00:00"),
        ("0 0 0 30 * *", "2026-11-30 00:00:00"),
        ("0 0 0 */10 * *", "2026-12-01 00:00:00"),
        ("0 0 0 10-20/5 * *", "2026-12-10 00:00:00"),
        ("0 0 6 24 Dec *", "2026-12-24 06:00:00"),
        ("0 0 6 24 DECEMBER *", "2026-12-24 06:00:00"),
        ("0 0 0 1 Jan-Mar *", "2027-01-01 00:00:00"),
        ("0 0 0 1 */6 *", "2027-01-01 00:00:00"),
        ("0 0 0 1 2,4 *", "2027-02-01 00:00:00"),
        ("0 0 0 31 4-5 *", "2027-05-31 00:00:00"),
        ("0 0 12 15 Nov Mon", "2027-11-15 12:00:00"),
        ("0 0 0 29 Feb Sun", "2032-02-29 00:00:00"),
    ],
)
def test_the_next_due_time_is_the_first_match_after_now(expression, due):
    assert parse(expression).next_after(NOW) == at(due)


@pytest.mark.parametrize(
    ("expression", "interval"),
    [
        ("00:05:00", timedelta(minutes=5)),
        ("1.02:00:00", timedelta(days=1, hours=2)),
        ("24:00:00", timedelta(days=24)),
        ("01:30", timedelta(hours=1, minutes=30)),
    ],
)
def test_a_time_span_is_a_constant_interval(expression, interval):
    assert parse(expression) == ConstantSchedule(interval)
    assert parse(expression).next_after(NOW) == NOW + interval


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "neither"),
        ("0 0 0 * *  * *", "neither"),
        ("0 60 * * * *", "minute: 60"),
        ("0 * * * * 7", "weekday: 7"),
        ("0 */0 * * * *", "at least 1"),
        ("0 5-1 * * * *", "backwards"),
        ("0 x * * * *", "no number"),
        (f"0 {'9' * 5000} * * * *", "no number"),
        ("00:00:00", "neither"),
        ("0 0 24 * * *", "hour: 24"),
        ("0 0 0 0 * *", "day: 0"),
        ("0 0 0 1 13 *", "month: 13"),
        ("0 0 0 1 Foo *", "month: 'Foo'"),
        ("0 0 0 * * Xyz", "weekday: 'Xyz'"),
        ("60 * * * * *", "second: 60"),
        ("0 -1 * * * *", "no number"),
        ("0 1- * * * *", "no number"),
        ("0 */ * * * *", "no number"),
        ("0 , * * * *", "no number"),
    ],
)
def test_what_is_no_schedule_is_refused_with_its_field(expression, why):
    with pytest.raises(ScheduleError, match=why):
        parse(expression)


def test_a_date_that_never_comes_is_an_error():
    with pytest.raises(ScheduleError, match="no date"):
        parse("0 0 0 30 2 *").next_after(NOW)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(["0 */7 * * * *", "*/13 5 */3 * * *", "0 0 0 */10 * 1-5"]),
)
def test_due_times_go_forward_and_none_is_left_out(moment, expression):
    schedule = parse(expression)
    first = schedule.next_after(moment)
    assert first > moment
    assert schedule.next_after(first - timedelta(seconds=1)) == first
    assert schedule.next_after(first) > first
