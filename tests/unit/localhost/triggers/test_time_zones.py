"""Due times by the clock of a zone, checked by hand against the calendar of its changes."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localhost.triggers.ncrontab import parse
from localhost.triggers.time_zones import TimeZoneError, read_zone, zoned_schedule

# In 2026 New York goes forward on 8 March at 02:00 and back on 1 November at 02:00, Berlin on
# 29 March at 02:00 and 25 October at 03:00.
NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "expression", "now", "due"),
    [
        (BERLIN, "0 30 9 * * *", "2026-01-15 00:00:00", "2026-01-15 08:30:00"),
        (BERLIN, "0 30 9 * * *", "2026-07-15 00:00:00", "2026-07-15 07:30:00"),
        (NEW_YORK, "0 0 0 1 * *", "2026-01-31 12:00:00", "2026-02-01 05:00:00"),
        (NEW_YORK, "0 0 0 1 * *", "2026-06-15 12:00:00", "2026-07-01 04:00:00"),
        ("Asia/Kolkata", "0 0 9 * * *", "2026-11-23 00:00:00", "2026-11-23 03:30:00"),
        ("Pacific/Auckland", "0 0 1 * * Mon", "2026-11-20 00:00:00", "2026-11-22 12:00:00"),
        # The clock leaps over 02:30: it comes at 03:30, which is 02:30 by standard time.
        (NEW_YORK, "0 30 2 * * *", "2026-03-08 05:00:00", "2026-03-08 07:30:00"),
        (NEW_YORK, "0 30 2 * * *", "2026-03-08 07:30:00", "2026-03-09 06:30:00"),
        (BERLIN, "0 30 2 * * *", "2026-03-29 00:00:00", "2026-03-29 01:30:00"),
        # The clock passes 01:30 twice: it comes the second time, and once.
        (NEW_YORK, "0 30 1 * * *", "2026-11-01 04:00:00", "2026-11-01 06:30:00"),
        (NEW_YORK, "0 30 1 * * *", "2026-11-01 06:30:00", "2026-11-02 06:30:00"),
        (BERLIN, "0 30 2 * * *", "2026-10-24 23:00:00", "2026-10-25 01:30:00"),
        # Times that the change does not touch keep to the wall.
        (NEW_YORK, "0 0 9 * * *", "2026-03-07 20:00:00", "2026-03-08 13:00:00"),
        (NEW_YORK, "0 0 9 * * *", "2026-10-31 20:00:00", "2026-11-01 14:00:00"),
        # Every hour, or oftener, keeps its pace through both changes.
        (NEW_YORK, "0 0 * * * *", "2026-03-08 06:30:00", "2026-03-08 07:00:00"),
        (NEW_YORK, "0 0 * * * *", "2026-03-08 07:00:00", "2026-03-08 08:00:00"),
        (NEW_YORK, "0 */20 * * * *", "2026-11-01 05:50:00", "2026-11-01 06:00:00"),
        (NEW_YORK, "0 */20 * * * *", "2026-11-01 06:00:00", "2026-11-01 06:20:00"),
    ],
)
def test_a_schedule_is_due_by_the_clock_of_its_zone(zone, expression, now, due):
    schedule = zoned_schedule(parse(expression), ZoneInfo(zone))
    assert schedule.next_after(utc(now)) == utc(due)


@given(st.sampled_from([NEW_YORK, BERLIN]), st.integers(0, 23), st.integers(0, 59))
def test_a_time_of_the_day_is_due_once_a_day_all_year(zone: str, hour: int, minute: int):
    schedule = zoned_schedule(parse(f"0 {minute} {hour} * * *"), ZoneInfo(zone))
    now, dates = utc("2026-02-20 12:00:00"), []
    for _ in range(60):
        now = schedule.next_after(now)
        standard = now.astimezone(timezone(ZoneInfo(zone).utcoffset(datetime(2026, 1, 1))))
        dates.append(
            standard.date() if standard.hour == hour else now.astimezone(ZoneInfo(zone)).date()
        )
    assert dates == [dates[0] + timedelta(days=n) for n in range(60)]


def test_an_app_without_a_zone_keeps_to_utc():
    assert read_zone({}) is UTC
    assert zoned_schedule(parse("0 0 9 * * *"), UTC) == parse("0 0 9 * * *")
    interval = parse("00:05:00")
    assert zoned_schedule(interval, ZoneInfo(BERLIN)) is interval


@pytest.mark.parametrize("name", ["Nowhere/At_all", "../etc/passwd", "Eastern Standard Time"])
def test_what_is_no_zone_is_refused_with_its_setting(name):
    with pytest.raises(TimeZoneError, match="WEBSITE_TIME_ZONE"):
        read_zone({"WEBSITE_TIME_ZONE": name})
