from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fanout.schedules import Schedule, ScheduleError, check_cron, due_time

NOW = datetime(2026, 11, 23, 12, 34, 56, 789_000, tzinfo=UTC)
DUE = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


def schedule(cron: str = "*/2 * * * * *", **more: Any) -> Schedule:
    return Schedule(name="nightly", cron=cron, trigger=cron, **more)


def test_a_run_is_named_after_its_schedule_and_due_time_in_utc():
    local = DUE.astimezone(ZoneInfo("Europe/Oslo"))
    assert schedule().run_id(local) == schedule().run_id(DUE) == "nightly-20261123T023000Z"


def test_the_due_time_of_a_run_can_be_read_back_and_only_of_its_own_schedule():
    assert due_time("nightly", "nightly-20261123T023000Z") == DUE
    for other in ("nightly", "nightly-1", "nightly_b-20261123T023000Z", "x-nightly"):
        assert due_time("nightly", other) is None


def test_a_tick_stands_for_the_due_time_that_the_host_keeps_however_late_it_comes():
    assert schedule().due_at(NOW, DUE) == DUE
    assert schedule().due_at(DUE - timedelta(milliseconds=50), DUE) == DUE


def test_a_timer_run_by_hand_stands_for_now_and_takes_no_later_ticks_place():
    assert schedule().due_at(NOW, NOW + timedelta(hours=3)) == NOW.replace(microsecond=0)


@pytest.mark.parametrize(
    ("cron", "now", "due"),
    [
        ("*/2 * * * * *", "12:34:56.789", "12:34:56"),
        ("*/2 * * * * *", "12:34:57.999", "12:34:58"),
        ("*/2 * * * * *", "12:34:56", "12:34:56"),
        ("*/2 * * * * *", "12:34:55.95", "12:34:56"),
        ("*/2 * * * * *", "12:34:55.5", "12:34:54"),
        ("5,35 * * * * *", "12:35:04", "12:34:35"),
    ],
)
def test_where_the_host_keeps_none_a_tick_stands_for_the_last_due_time(
    cron: str, now: str, due: str
):
    moment, wanted = (
        datetime.fromisoformat(f"2026-11-23T{text}").replace(tzinfo=UTC) for text in (now, due)
    )
    assert schedule(cron).due_at(moment, None) == wanted


def test_due_times_that_are_reckoned_follow_the_clock_of_the_host():
    berlin = ZoneInfo("Europe/Berlin")
    found = schedule("*/30 * 3 * * *", zone=berlin).due_at(NOW, None)
    assert found == datetime(2026, 11, 23, 2, 59, 30, tzinfo=UTC)


def test_placeholders_are_filled_at_any_depth_with_the_due_time():
    request = {
        "source": {"blob": "in/{scheduled:yyyy/MM/dd}/{scheduled:HHmmss}.csv", "n": 1},
        "parameters": {"days": ["{scheduled-1d:yyyy-MM-dd}", "{scheduled+2h:yy-MM-ddTHH:mm}", {}]},
        "{not}": "a {brace}",
    }
    assert schedule(request=request).request_at(DUE) == {
        "source": {"blob": "in/2026/11/23/023000.csv", "n": 1},
        "parameters": {"days": ["2026-11-22", "26-11-23T04:30", {}]},
        "{not}": "a {brace}",
        "run_id": "nightly-20261123T023000Z",
    }


def test_placeholders_tell_the_time_of_the_hosts_zone():
    found = schedule(request={"d": "{scheduled:dd HH}"}, zone=ZoneInfo("Asia/Tokyo")).request_at(
        DUE
    )
    assert found["d"] == "23 11"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{scheduled}", "no placeholder"),
        ("{schedule:yyyy}", "no placeholder"),
        ("{scheduled:yyyy", "no placeholder"),
        ("{scheduled-1w:yyyy}", "no placeholder"),
        ("{scheduled:YYYY}", "'Y' in the format"),
        ("{scheduled:}", "needs a format"),
    ],
)
def test_a_placeholder_that_makes_no_sense_is_refused(text: str, says: str):
    with pytest.raises(ScheduleError, match=says):
        schedule(request={"a": [text]}).request_at(DUE)


@pytest.mark.parametrize(
    "cron",
    [
        "0 */5 * * * *",
        "* * * * * *",
        "0 30 9 * * Mon-Fri",
        "0 0 0 1 jan,JUL *",
        "15,45 59 23 31 12 *",
        "0 10/20 * * * *",
        "0 0 8-18/2 * * 1-5",
        "0 0 0 29 2 *",
    ],
)
def test_expressions_of_ncrontab_are_taken(cron: str):
    check_cron(cron)


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("*/5 * * * *", "has 5 fields"),
        ("00:05:00", "has 1 fields"),
        ("@daily", "has 1 fields"),
        ("60 * * * * *", "60"),
        ("0 0 24 * * *", "24"),
        ("0 0 0 L * *", "day: 'L'"),
        ("0 0 0 ? * *", r"day: '\?'"),
        ("0 0 0 * * 7", "weekday: '7'"),
        ("0 0 0 * * Fri#2", "weekday"),
        ("0 mon * * * *", "minute: 'mon'"),
        ("0 */0 * * * *", "never due"),
        ("0 0 0 30 2 *", "never due"),
        ("0 5-1 * * * *", "minute: the range '5-1' runs backwards"),
    ],
)
def test_an_expression_that_a_host_would_not_take_is_refused(cron: str, says: str):
    with pytest.raises(ScheduleError, match=says):
        check_cron(cron)
