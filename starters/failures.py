"""What is raised while a trigger starts runs: it fails the call, and never the worker.

A worker that is told of `StopIteration` or `CancelledError`, or of text that UTF-8 cannot hold,
gives no answer; `SystemExit` and `KeyboardInterrupt` end its process, and with it all other calls.
"""

import asyncio
from collections.abc import Awaitable

from fanout.printable import describe_failure
from fanout.telling import can_be_told


class StartError(Exception):
    """What a starter raised, in a form that every worker can tell."""


async def find_failure(work: Awaitable[object]) -> BaseException | None:
    """Do work, and give what it raises; that the call itself is cancelled is raised on."""
    try:
        await work
    except BaseException as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return error
    return None


async def insist_on(work: Awaitable[object]) -> None:
    """Do work, and raise what it raises, or what a worker can tell instead.

    Raises:
        StartError: It raised what no worker can tell.
    """
    failure = await find_failure(work)
    if failure is None:
        return
    if can_be_told(failure):
        raise failure
    raise StartError(describe_failure(failure))
