"""Time spans as .NET reads and writes them: ``00:05:00``, ``1.00:00:00``."""

import re
from datetime import timedelta

_TIME_SPAN = re.compile(r"^(?:(\d{1,8})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?$")
_DAYS_SPAN = re.compile(r"^(\d{1,8}):(\d{1,2}):(\d{1,2})$")
_MAX_HOURS = 23


def parse_time_span(text: str) -> timedelta | None:
    """Read a .NET TimeSpan such as ``00:05:00`` or ``1.00:00:00``; None if it is none."""
    match = _TIME_SPAN.match(text)
    if match is not None and int(match[2]) <= _MAX_HOURS:
        days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    # .NET reads a first number above 23 as days: '24:00:00' is 24 days.
    by_days = _DAYS_SPAN.match(text)
    if by_days is None:
        return None
    days, hours, minutes = (int(group) for group in by_days.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def format_time_span(span: timedelta) -> str:
    """A time span as .NET writes it: ``00:05:00``, ``1.00:00:00``."""
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours:02}:{minutes:02}:{seconds:02}"
    return f"{span.days}.{clock}" if span.days else clock
