"""Moments as text: ISO 8601 in UTC, as rows and messages have them."""

from datetime import datetime, timedelta


def moment_text(moment: datetime) -> str:
    """Write an aware moment in UTC: ``2026-01-01T00:00:00.000000Z``."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def round_moment(moment: datetime) -> datetime:
    """The millisecond in which a moment lies, which is what keys of rows have."""
    return moment - timedelta(microseconds=moment.microsecond % 1000)


def parse_moment(text: str) -> datetime:
    """The inverse of `moment_text`; takes any other ISO 8601, too."""
    return datetime.fromisoformat(text)


def seconds_between(start: str, end: str) -> float:
    """How long after `start` the moment `end` is; below 0 if it is before."""
    return (parse_moment(end) - parse_moment(start)).total_seconds()
