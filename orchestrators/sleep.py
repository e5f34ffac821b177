"""Waiting, on a durable timer."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from fanout.durable import orchestration as durable
from orchestrators.accounts import note_message
from orchestrators.clock import now
from orchestrators.tasks import await_task

# How early a timer may fire; a wait that was cut short goes on with so much to spare.
TIMER_RESOLUTION_SECONDS = 1.0


def sleep(context: Any, seconds: float) -> Generator[Any, Any, None]:
    """Wait so long, or up to a second longer; never less, whenever the timer fires.

    The queues of Azure Storage hide a message for whole seconds, so the engine may fire a timer
    almost a second early. What comes may also be the answer, or failure, of what had its number.
    """
    until, margin = now(context) + timedelta(seconds=seconds), 0.0
    while (left := (until - now(context)).total_seconds()) > 0:
        yield from await_task(durable.start_timer(context, left + margin))
        note_message(context)
        margin = TIMER_RESOLUTION_SECONDS
