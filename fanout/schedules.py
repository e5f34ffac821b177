"""Schedules, pure: when they are due, which run a due time stands for, and what it is asked to do.

A tick is known by its due time, never by when it was delivered, so that a tick delivered twice, or
late, stands for the same run.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from croniter import CroniterError, croniter

from fanout.models.schedule import Overlap, Task

# A host may fire a timer some milliseconds before it is due, by its own clock.
EARLY = timedelta(milliseconds=100)
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_WEEKDAY = "sun|mon|tue|wed|thu|fri|sat"
_FIELDS = ("second", "minute", "hour", "day", "month", "weekday")
# No field has a longer one, and Python reads 4,300 digits at most.
_NUMBER = "[0-9]{1,4}"
_WORDS = {"month": rf"{_NUMBER}|{_MONTH}", "weekday": rf"[0-6]|{_WEEKDAY}"}
_PLACEHOLDER = re.compile(r"\{scheduled(?:([+-]\d{1,4})([dhm]))?:([^{}]*)\}")
_MISTAKEN = re.compile(r"\{sched\w*[^{}]*\}?")
_TIME = "%Y%m%dT%H%M%SZ"
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_FORMATS = {
    "yyyy": "%Y",
    "yy": "%y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
}
_TOKEN = re.compile("|".join(_FORMATS) + r"|[-_/.:, TZ]|(?P<unknown>.)", re.DOTALL)


class ScheduleError(ValueError):
    """A CRON expression or a placeholder makes no sense; the message says which and why."""


@dataclass(frozen=True)
class Schedule:
    """A schedule that is in force: its file, with the settings that it names put in.

    Attributes:
        cron: Six fields of NCRONTAB.
        trigger: What the timer trigger is given: `cron`, or the setting that holds it.
        zone: Where the host's clock is.
        is_enabled: Whether it has a timer at all.
    """

    name: str
    cron: str
    trigger: str
    on_overlap: Overlap = "skip"
    request: dict[str, Any] | None = None
    task: Task | None = None
    zone: tzinfo = UTC
    description: str = ""
    is_enabled: bool = True

    def run_id(self, due: datetime) -> str:
        """The id of the run that is due then: ``nightly-20261123T020000Z``."""
        return f"{self.name}-{due.astimezone(UTC):{_TIME}}"

    def request_at(self, due: datetime) -> dict[str, Any]:
        """The RunRequest that is due then.

        Raises:
            ScheduleError: A placeholder cannot be understood.
        """
        body = _fill_placeholders(self.request or {}, due.astimezone(self.zone))
        return {**body, "run_id": self.run_id(due)}

    def due_at(self, now: datetime, planned_due: datetime | None) -> datetime:
        """The due time that a tick stands for.

        Args:
            now: When it was delivered.
            planned_due: The due time that the host keeps; None for a timer that fires more often
                than once a minute. One still to come means that somebody ran the timer by hand.
        """
        if planned_due is None:
            return self._last_due(now + EARLY)
        if planned_due > now + EARLY:
            return now.replace(microsecond=0)
        return planned_due

    def next_due(self, now: datetime) -> datetime | None:
        """When it is due next after `now`; None if it is not enabled."""
        if not self.is_enabled:
            return None
        due: datetime = _iterator(self.cron, now.astimezone(self.zone)).get_next(datetime)
        return due.astimezone(UTC)

    def _last_due(self, now: datetime) -> datetime:
        # croniter looks strictly before a moment.
        before = now.astimezone(self.zone).replace(microsecond=0) + timedelta(seconds=1)
        due: datetime = _iterator(self.cron, before).get_prev(datetime)
        return due.astimezone(UTC)


class DueRun(NamedTuple):
    """A run of a schedule, and the due time that it stands for."""

    schedule: str
    due: datetime


def parse_run_id(run_id: str) -> DueRun | None:
    """The inverse of `Schedule.run_id`; None if no schedule gives such an id."""
    schedule, _, text = run_id.rpartition("-")
    try:
        return DueRun(schedule, datetime.strptime(text, _TIME).replace(tzinfo=UTC))
    except ValueError:
        return None


def due_time(schedule: str, run_id: str) -> datetime | None:
    """The due time that a run of a schedule stands for; None if it is none of its runs."""
    run = parse_run_id(run_id)
    return run.due if run is not None and run.schedule == schedule else None


def check_cron(expression: str) -> None:
    """Insist on six fields of NCRONTAB that name a time which comes.

    Raises:
        ScheduleError: The field that is wrong, or that there are not six.

    Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
    """
    words = expression.split()
    if len(words) != len(_FIELDS):
        raise ScheduleError(
            f"'{expression}' has {len(words)} fields; a schedule has the six {', '.join(_FIELDS)}"
        )
    for field, word in zip(_FIELDS, words, strict=True):
        _check_field(field, word)
    try:
        _iterator(expression, datetime.now(UTC)).get_next(datetime)
    except CroniterError as error:
        raise ScheduleError(f"'{expression}' is never due: {error}") from error


def _check_field(field: str, word: str) -> None:
    value = _WORDS.get(field, _NUMBER)
    part = rf"(?:\*|(?:{value})(?:-(?:{value}))?)(?:/{_NUMBER})?"
    if not re.fullmatch(rf"{part}(?:,{part})*", word, re.IGNORECASE):
        raise ScheduleError(f"{field}: '{word}' is none of *, a number, a list, a range or a step")
    for first, last in re.findall(r"([0-9]+)-([0-9]+)", word):
        if int(last) < int(first):
            raise ScheduleError(f"{field}: the range '{first}-{last}' runs backwards")


def _iterator(expression: str, moment: datetime) -> croniter:
    # Day and weekday must both match, unlike in Vixie cron.
    return croniter(expression, moment, second_at_beginning=True, day_or=False)


def _fill_placeholders(value: Any, due: datetime) -> Any:
    if isinstance(value, dict):
        return {key: _fill_placeholders(inner, due) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill_placeholders(inner, due) for inner in value]
    return _fill_text(value, due) if isinstance(value, str) else value


def _fill_text(text: str, due: datetime) -> str:
    def fill(match: re.Match[str]) -> str:
        amount, unit, date_format = match.groups()
        shift = timedelta(**{_UNITS[unit]: int(amount)}) if amount else timedelta()
        return _format_moment(due + shift, date_format)

    result = _PLACEHOLDER.sub(fill, text)
    if mistaken := _MISTAKEN.search(result):
        raise ScheduleError(
            f"'{mistaken[0]}' is no placeholder; write {{scheduled:yyyy-MM-dd}} or, for the day "
            "before, {scheduled-1d:yyyy-MM-dd}"
        )
    return result


def _format_moment(moment: datetime, date_format: str) -> str:
    def replace_token(token: re.Match[str]) -> str:
        if token["unknown"]:
            tokens = ", ".join(_FORMATS)
            raise ScheduleError(f"'{token[0]}' in the format '{date_format}' is none of {tokens}")
        return moment.strftime(_FORMATS[token[0]]) if token[0] in _FORMATS else token[0]

    if not date_format:
        raise ScheduleError("a placeholder needs a format, as in {scheduled:yyyy-MM-dd}")
    return _TOKEN.sub(replace_token, date_format)
