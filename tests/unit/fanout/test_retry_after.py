from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.retry_after import MAX_RETRY_AFTER_SECONDS, parse_retry_after

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
# The same moment, 90 s ahead, in each form of RFC 9110, 5.6.7, and in ways that senders have.
AHEAD = [
    "Mon, 23 Nov 2026 12:01:30 GMT",
    "Monday, 23-Nov-26 12:01:30 GMT",
    "Mon Nov 23 12:01:30 2026",
    "mon, 23 nov 2026 12:01:30 gmt",
    "Mon,  23 Nov 2026  12:01:30\tGMT",
    "Mon, 23 Nov 2026 12:01:30 UTC",
    "Mon, 23 Nov 2026 12:01:30 +0000",
    "Mon, 23-Nov-2026 12:01:30 GMT",
    "\t Mon, 23 Nov 2026 12:01:30 GMT \r\n",
]


@pytest.mark.parametrize("header", AHEAD)
def test_every_form_of_a_date_is_the_time_until_then(header: str):
    assert parse_retry_after(header, NOW) == 90


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("30", 30),
        (" \t30 ", 30),
        ("0000000000000000000030", 30),
        ("3601", MAX_RETRY_AFTER_SECONDS),
        (str(10**400), MAX_RETRY_AFTER_SECONDS),
        ("9" * 5000, MAX_RETRY_AFTER_SECONDS),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
        ("Sun Nov  6 08:49:37 1994", 0),
        ("Sun, 6 Nov 1994 08:49:37 GMT", 0),
        ("Sat, 01 Jan 0001 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER_SECONDS),
        ("Fri, 31 Dec 9999 23:59:60 GMT", None),
        ("Tue, 29 Feb 2028 00:00:00 GMT", MAX_RETRY_AFTER_SECONDS),
        ("Mon, 23 Nov 2026 11:59:60 GMT", 0),
        ("Mon, 23 Nov 2026 12:00:60 GMT", 60),
    ],
)
def test_what_is_legal_is_taken_and_kept_within_an_hour(header: str, seconds: float | None):
    assert parse_retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "soon",
        "-5",
        "+5",
        "1.5",
        "1e3",
        "0x10",
        "1_000",
        "nan",
        "inf",
        "²",
        "٣٠",
        "３０",
        "\u00a030",
        "30, 60",
        "30 s",
        "Mon, 23 Nov 2026 12:01:30",
        "Mon, 23 Nov 2026 12:01:30 EST",
        "Mon, 23 Nov 2026 12:01:30 +0100",
        "Mon, 23 Nov 2026 25:01:30 GMT",
        "Mon, 31 Nov 2026 12:01:30 GMT",
        "Sun, 29 Feb 2026 00:00:00 GMT",
        "Mon, 00 Nov 2026 12:01:30 GMT",
        "Sat, 01 Jan 0000 00:00:00 GMT",
        "Mon, 23 Foo 2026 12:01:30 GMT",
        "Mon, 23 Nov 20266 12:01:30 GMT",
        "2026-11-23T12:01:30Z",
        "Mon, ٢٣ Nov 2026 12:01:30 GMT",
        "\ud800",
        "\x00",
    ],
)
def test_what_has_no_legal_form_counts_as_no_header(header: str | None):
    assert parse_retry_after(header, NOW) is None


def test_two_digits_of_a_year_mean_one_at_most_fifty_years_ahead():
    assert parse_retry_after("Monday, 23-Nov-76 12:00:00 GMT", NOW) == MAX_RETRY_AFTER_SECONDS
    assert parse_retry_after("Tuesday, 23-Nov-77 12:00:00 GMT", NOW) == 0


def test_the_clock_of_the_caller_may_be_in_any_zone():
    now = NOW.astimezone(timezone(timedelta(hours=9)))
    assert parse_retry_after(AHEAD[0], now) == 90


@given(st.integers(min_value=-86_400, max_value=86_400))
def test_a_date_that_the_standard_library_writes_is_read_back(seconds: int):
    header = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert parse_retry_after(header, NOW) == min(max(0, seconds), MAX_RETRY_AFTER_SECONDS)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"))
def test_no_text_raises_or_asks_for_more_than_an_hour(header: str):
    seconds = parse_retry_after(header)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_SECONDS
