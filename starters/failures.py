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


def is_fault(failure: BaseException) -> bool:
    """Tell whether Python or our own code is at fault, and so will be again.

    Otherwise a service may be away: clients of services have errors of their own, or say so with
    those of the system; the SDK of Durable raises Exception itself.
    """
    if not isinstance(failure, Exception):
        return True
    kinds = type(failure).__mro__[: type(failure).__mro__.index(Exception)]
    is_from_python = any(kind.__module__ == "builtins" for kind in kinds)
    return is_from_python and not isinstance(failure, OSError)
