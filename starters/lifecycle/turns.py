"""Waking runs that wait for their turn."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from fanout.adapters.rows import places
from fanout.adapters.rows.rows import Rows
from fanout.adapters.telemetry.logs import logger
from fanout.durable.client import raise_event
from fanout.naming import events, instance_ids
from fanout.naming.moments import moment_text
from fanout.printable import describe_failure
from starters.lifecycle.attempts import Attempt

log = logger("runs")
# Whoever asks for the same again meanwhile raises no further event: those of an orchestration that
# cannot take them yet are kept.
WAKE_EVERY_SECONDS = 30.0
MAX_KEPT = 1_000
_woken_at: OrderedDict[str, float] = OrderedDict()


async def leave_place(attempt: Attempt, client: Any, rows: Rows) -> None:
    """Free the place of an attempt that has ended, and wake those that have it now."""
    instance = instance_ids.attempt_instance(attempt.run_id, attempt.number)
    at = moment_text(datetime.now(UTC))
    await wake(await asyncio.to_thread(places.leave, rows, instance, at), client)


async def wake_once(instance: str, client: Any) -> None:
    """Tell an orchestration to ask for its turn, unless this process has just done so."""
    now = time.monotonic()
    if now - _woken_at.get(instance, -WAKE_EVERY_SECONDS) < WAKE_EVERY_SECONDS:
        return
    _woken_at[instance] = now
    if len(_woken_at) > MAX_KEPT:
        _woken_at.popitem(last=False)
    await wake([instance], client)


async def wake(instances: Iterable[str], client: Any) -> None:
    """Tell orchestrations that wait for their turn to ask; they would do so later by themselves."""
    for instance in instances:
        try:
            await raise_event(client, instance, events.TURN)
        except Exception as error:  # noqa: BLE001  the SDK raises Exception itself
            log.warning("cannot wake '%s': %s", instance, describe_failure(error))
