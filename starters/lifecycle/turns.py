"""Waking runs that wait for their turn."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from fanout.adapters.rows import places
from fanout.adapters.rows.rows import Rows
from fanout.adapters.telemetry.logs import logger
from fanout.naming import events, instance_ids
from fanout.naming.moments import moment_text
from fanout.printable import describe_failure
from starters.lifecycle.attempts import Attempt

log = logger("runs")


async def leave_place(attempt: Attempt, client: Any, rows: Rows) -> None:
    """Free the place of an attempt that has ended, and wake those that have it now."""
    instance = instance_ids.attempt_instance(attempt.run_id, attempt.number)
    at = moment_text(datetime.now(UTC))
    await wake(await asyncio.to_thread(places.leave, rows, instance, at), client)


async def wake(instances: Iterable[str], client: Any) -> None:
    """Tell orchestrations that wait for their turn to ask; they would do so later by themselves."""
    for instance in instances:
        try:
            await client.raise_event(instance, events.TURN)
        except Exception as error:  # noqa: BLE001  the SDK raises Exception itself
            log.warning("cannot wake '%s': %s", instance, describe_failure(error))
