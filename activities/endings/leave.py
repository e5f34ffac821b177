"""Leaving a place among the runs that go on, for those whose turn it is then."""

from activities.events import RaiseEvent
from fanout.adapters.rows import places
from fanout.adapters.rows.rows import Rows
from fanout.naming import events


def leave_place(instance: str, at: str, rows: Rows, raise_event: RaiseEvent) -> None:
    """Free the place of an attempt that has ended, and wake those that have it now.

    A crash in between leaves them asleep, with places: the watchdog wakes them, or their timers.

    Args:
        instance: Its orchestration.
        at: When that is, ISO 8601 in UTC.
        rows: The rows.
        raise_event: Wakes an orchestration.
    """
    for waiting in places.leave(rows, instance, at):
        raise_event(waiting, events.TURN)
