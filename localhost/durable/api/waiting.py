"""Waits for an instance to end, asking less and less often."""

import asyncio
import time

from localhost.durable.records import InstanceRecord
from localhost.durable.service import DurableService

FIRST_PAUSE_SECONDS = 0.002
PAUSE_GROWTH = 1.2


async def wait_for_end(
    service: DurableService, instance_id: str, timeout_seconds: float, longest_pause: float
) -> InstanceRecord | None:
    """Wait until it has ended or `timeout_seconds` are over; None then."""
    deadline = time.monotonic() + timeout_seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        record = await service.get_instance(instance_id)
        if record is not None and record.is_finished:
            return record
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        await asyncio.sleep(min(pause, left))
        pause = min(pause * PAUSE_GROWTH, longest_pause)
