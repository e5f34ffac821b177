"""Schedules by the clock of a time zone, over changes to and from daylight saving time.

The timer trigger reckons on the wall clock. A wall time that does not exist, or exists twice, is
taken as standard time. So a schedule of one time a day is due once a day: a time that the clock
leaps over comes an hour later, and one that it passes twice comes the second time. A schedule of
every hour keeps its pace instead.

Source: TimerListener.cs and CronSchedule.cs of the WebJobs SDK extensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from localhost.triggers.ncrontab import CronSchedule, Schedule

SETTING = "WEBSITE_TIME_ZONE"


class TimeZoneError(Exception):
    """The app's setting names no time zone; the message names the setting."""


def read_zone(environment: Mapping[str, str]) -> tzinfo:
    """The time zone of an app's schedules; UTC where it names none.

    Raises:
        TimeZoneError: There is no such zone.
    """
    name = environment.get(SETTING)
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise TimeZoneError(
            f"{SETTING} is '{name}', which names no time zone; it takes a name of the tz database "
            "such as Europe/Berlin."
        ) from error


def zoned_schedule(schedule: Schedule, zone: tzinfo) -> Schedule:
    """A schedule by the clock of a zone; intervals are the same everywhere."""
    if zone is UTC or not isinstance(schedule, CronSchedule):
        return schedule
    return ZonedSchedule(schedule, zone)


@dataclass(frozen=True)
class ZonedSchedule:
    """When a timer is due by the clock of a zone."""

    schedule: CronSchedule
    zone: tzinfo

    def next_after(self, moment: datetime) -> datetime:
        """The first due time strictly after `moment`, in UTC.

        Raises:
            ScheduleError: No date within eight years matches.
        """
        wall = moment.astimezone(self.zone).replace(tzinfo=None)
        if self.schedule.is_every_hour:
            return moment.astimezone(UTC) + (self.schedule.next_after(wall) - wall)
        while True:
            wall = self.schedule.next_after(wall)
            due = _standard_time(wall, self.zone)
            if due > moment:
                return due


def _standard_time(wall: datetime, zone: tzinfo) -> datetime:
    """The moment of a wall time; by standard time where it does not exist, or exists twice."""
    moments = [wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    offsets = [moment.utcoffset() or timedelta(0) for moment in moments]
    return (wall - min(offsets)).replace(tzinfo=UTC)
