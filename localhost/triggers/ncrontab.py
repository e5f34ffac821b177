"""NCRONTAB expressions and constant intervals: when a timer trigger is due.

Six fields ``{second} {minute} {hour} {day} {month} {weekday}`` (five: without seconds). Day and
weekday must both match, unlike in Vixie cron.

Source: https://github.com/atifaziz/NCrontab and
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from localhost.time_spans import parse_time_span

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
HORIZON_YEARS = 8
HOURS_A_DAY = 24
_MAX_DIGITS = 9


class ScheduleError(ValueError):
    """The expression is no schedule; the message names the field and why."""


class Schedule(Protocol):
    """When a timer is due."""

    def next_after(self, moment: datetime) -> datetime:
        """The first due time strictly after `moment`, in the same time zone."""


@dataclass(frozen=True)
class ConstantSchedule:
    """Every `interval`, counted from the last run rather than aligned to the clock."""

    interval: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """The moment one interval later."""
        return moment + self.interval


@dataclass(frozen=True)
class CronSchedule:
    """The seconds, minutes, hours, days, months and weekdays on which a timer is due."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @property
    def is_every_hour(self) -> bool:
        """Whether it is due in every hour: an interval rather than a time of the day."""
        return len(self.hours) == HOURS_A_DAY

    def next_after(self, moment: datetime) -> datetime:
        """The first matching second strictly after `moment`.

        Raises:
            ScheduleError: No date within eight years matches (30 February, say).
        """
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        day = start.replace(hour=0, minute=0, second=0)
        last = start.year + HORIZON_YEARS
        earliest = (start.hour, start.minute, start.second)
        while day.year <= last:
            if self._matches(day):
                time = self._first_time(earliest)
                if time is not None:
                    return day.replace(hour=time[0], minute=time[1], second=time[2])
            day += timedelta(days=1)
            earliest = (0, 0, 0)
        raise ScheduleError("no date matches this schedule")

    def _matches(self, day: datetime) -> bool:
        weekday = day.isoweekday() % 7
        return day.day in self.days and day.month in self.months and weekday in self.weekdays

    def _first_time(self, earliest: tuple[int, int, int]) -> tuple[int, int, int] | None:
        for hour in (h for h in self.hours if h >= earliest[0]):
            for minute in self.minutes:
                if (hour, minute) < earliest[:2]:
                    continue
                for second in self.seconds:
                    if (hour, minute, second) >= earliest:
                        return hour, minute, second
        return None


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def parse(self, text: str) -> tuple[int, ...]:
        values = sorted({value for part in text.split(",") for value in self._part(part)})
        return tuple(values)

    def _part(self, part: str) -> range:
        body, _, step_text = part.partition("/")
        step = self._number(step_text, low=1) if step_text or part.endswith("/") else 1
        if body == "*":
            return range(self.low, self.high + 1, step)
        first_text, dash, last_text = body.partition("-")
        first = self._value(first_text)
        open_end = self.high if step_text else first
        last = self._value(last_text) if dash else open_end
        if last < first:
            raise ScheduleError(f"{self.name}: the range '{body}' runs backwards")
        return range(first, last + 1, step)

    def _value(self, text: str) -> int:
        word = text.lower()[:3]
        if self.words and word in self.words and text.isalpha():
            return self.words.index(word) + self.low
        return self._number(text, low=self.low, high=self.high)

    def _number(self, text: str, *, low: int, high: int | None = None) -> int:
        if not text.isdecimal() or len(text) > _MAX_DIGITS:
            raise ScheduleError(f"{self.name}: '{text}' is no number that a schedule has")
        number = int(text)
        if number < low or (high is not None and number > high):
            limits = f"{low} to {high}" if high is not None else f"at least {low}"
            raise ScheduleError(f"{self.name}: {number} is not {limits}")
        return number


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("weekday", 0, 6, WEEKDAYS),
)


def parse(expression: str) -> Schedule:
    """Read a six- or five-field NCRONTAB expression, or a .NET TimeSpan (``00:05:00``).

    Raises:
        ScheduleError: It is neither.
    """
    words = expression.split()
    if len(words) == len(_FIELDS) - 1:
        words = ["0", *words]
    if len(words) == len(_FIELDS):
        seconds, minutes, hours, days, months, weekdays = (
            field.parse(word) for field, word in zip(_FIELDS, words, strict=True)
        )
        return CronSchedule(
            seconds, minutes, hours, frozenset(days), frozenset(months), frozenset(weekdays)
        )
    interval = parse_time_span(expression.strip())
    if interval is None or interval <= timedelta(0):
        raise ScheduleError(
            f"'{expression}' is neither '{{second}} {{minute}} {{hour}} {{day}} {{month}} "
            "{weekday}' nor a time span such as '00:05:00'"
        )
    return ConstantSchedule(interval)
