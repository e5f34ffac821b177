"""`Retry-After`: how long the other side of an HTTP call asks us to wait (RFC 9110, 10.2.3).

A header is text from a stranger. What has one of the legal forms is taken, and a wait is never
longer than `MAX_RETRY_AFTER_SECONDS`; anything else counts as no header, so that the caller's own
backoff holds.
"""

import re
from datetime import UTC, datetime, timedelta

MAX_RETRY_AFTER_SECONDS = 3600.0
_SECONDS = re.compile(r"[0-9]+")
_BLANKS = re.compile(r"[ \t]+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY, _MONTH = "(?P<day>[0-9]{1,2})", f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
# Senders write GMT. RFC 9110, 5.6.7, asks recipients to be robust: its other names are as clear.
_ZONE = r"(?:GMT|UTC|UT|Z|[+-]00:?00)"
# IMF-fixdate, the date of RFC 850, and that of C's asctime. No two tell the weekday apart.
_DATE_FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        rf"[a-z]+, ?{_DAY} {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} {_ZONE}",
        rf"[a-z]+, ?{_DAY}-{_MONTH}-(?P<year>[0-9]{{2}}|[0-9]{{4}}) {_TIME} {_ZONE}",
        rf"[a-z]+ {_MONTH} {_DAY} {_TIME} (?P<year>[0-9]{{4}})",
    )
)
_YEARS_AHEAD = 50


def parse_retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Read the header: a number of seconds, or a date in one of the forms of RFC 9110, 5.6.7.

    Args:
        header: Its text; None where there is none.
        now: The time, aware; None takes the clock's.

    Returns:
        The wait in seconds, from 0 (also for a date that has passed) to `MAX_RETRY_AFTER_SECONDS`;
        None for text of no legal form: a sign, a fraction, digits that are not ASCII, a date that
        no calendar has, an unknown zone, two headers in one. It never raises.
    """
    text = _BLANKS.sub(" ", header or "").strip(" \r\n")
    if _SECONDS.fullmatch(text):
        return _clamp(float(text))  # unlike `int`, it takes any number of digits
    now = now or datetime.now(UTC)
    date = _parse_date(text, now)
    return None if date is None else _clamp((date - now).total_seconds())


def _clamp(seconds: float) -> float:
    return min(max(0.0, seconds), MAX_RETRY_AFTER_SECONDS)


def _parse_date(text: str, now: datetime) -> datetime | None:
    match = next(filter(None, (form.fullmatch(text) for form in _DATE_FORMS)), None)
    if match is None:
        return None
    day, hour, minute, second = (int(match[name]) for name in ("day", "hour", "minute", "second"))
    year, month = _full_year(match["year"], now), 1 + _MONTHS.index(match["month"].lower())
    # The grammar allows a leap second, which `datetime` has not.
    leap = int(second == 60)
    try:
        date = datetime(year, month, day, hour, minute, second - leap, tzinfo=UTC)
        return date + timedelta(seconds=leap)
    except (ValueError, OverflowError):
        return None


def _full_year(digits: str, now: datetime) -> int:
    """Two digits mean the year with them that is at most 50 years ahead (RFC 9110, 5.6.7)."""
    if len(digits) == 4:
        return int(digits)
    year = now.year - now.year % 100 + int(digits)
    return year - 100 if year > now.year + _YEARS_AHEAD else year
