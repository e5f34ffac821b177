"""Runs whose orchestrations die on the way, and are taken up as the watchdog does."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import count

from fanout.messages.run import RunEnd
from fanout.models.request import RunRequest
from tests.support.replays.local_hub import LocalHub

Listener = Callable[[], object]


async def run_dying(
    local: LocalHub,
    run_id: str,
    request: RunRequest,
    calls: Iterable[int],
    listen: Callable[[Listener], None],
) -> RunEnd:
    """Carry out a run that dies now and then.

    Args:
        local: Where it is carried out.
        run_id: The run.
        request: What it is to do.
        calls: It dies after so many calls of its workload, and again after so many more.
        listen: Has somebody told of every call of the workload.
    """
    going = asyncio.ensure_future(local.run(run_id, request))
    for number in calls:
        dying = asyncio.ensure_future(_counted(number, listen))
        await asyncio.wait([going, dying], return_when=asyncio.FIRST_COMPLETED)
        listen(lambda: None)
        dying.cancel()
        if going.done():
            break
        going.cancel()
        going = asyncio.ensure_future(local.take_over(run_id))
    return await going


async def _counted(number: int, listen: Callable[[Listener], None]) -> None:
    """Wait until there were so many calls."""
    are_over, left = asyncio.Event(), count(number - 1, -1)
    listen(lambda: next(left) == 0 and are_over.set())
    await are_over.wait()
