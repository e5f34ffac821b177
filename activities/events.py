"""Raising events of orchestrations from within an activity.

The SDK's client works on an event loop only, activities work on threads.
"""

import asyncio
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol, TypeVar

import azure.functions as func

from fanout.adapters.telemetry.logs import logger
from fanout.durable import client as durable
from fanout.printable import describe_failure

# Durable takes an event in some milliseconds; whoever waits for one looks by a timer, too.
PATIENCE_SECONDS = 10.0
# What the worker is told of the threads of functions that are not async.
THREADS_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
# More threads than a process can have are a slip of the pen.
_COUNT = re.compile(r"[1-9][0-9]{0,3}")

Answer = TypeVar("Answer")
log = logger("events")


class RaiseEvent(Protocol):
    """What raises an event of an orchestration."""

    def __call__(self, instance: str, name: str, value: Any = None) -> object:
        """As `Events.raise_event` does."""
        ...


@dataclass(frozen=True)
class Events:
    """What raises events; from any thread but the loop's own.

    Attributes:
        client: The durable client.
        loop: Where the client works.
    """

    client: Any
    loop: asyncio.AbstractEventLoop

    def raise_event(self, instance: str, name: str, value: Any = None) -> bool:
        """Raise an event of an orchestration; tell whether Durable has taken it.

        It may be lost all the same, come twice, or come before the orchestration waits for it:
        whoever waits for an event waits for a timer as well.
        """
        raised = asyncio.run_coroutine_threadsafe(
            durable.raise_event(self.client, instance, name, value), self.loop
        )
        try:
            raised.result(PATIENCE_SECONDS)
        except Exception as error:  # noqa: BLE001  the SDK raises Exception itself
            raised.cancel()
            fault = describe_failure(error)
            log.warning("cannot raise '%s' of '%s': %s", name, instance, fault)
            return False
        return True


def raise_nothing(instance: str, name: str, value: Any = None) -> None:
    """Where there is no client: whoever waits hears of it by its timer, or from the watchdog."""


async def work_on_thread(context: func.Context, work: Callable[[], Answer]) -> Answer:
    """Do the work of an activity on a thread, so that the loop is free for the client."""

    def work_with_id() -> Answer:
        # By this the worker tells whose log lines those of a thread are. Source:
        # https://learn.microsoft.com/azure/azure-functions/functions-reference-python#logging-from-created-threads
        context.thread_local_storage.invocation_id = context.invocation_id
        try:
            return work()
        finally:
            context.thread_local_storage.invocation_id = None

    run = partial(copy_context().run, work_with_id)
    return await asyncio.get_running_loop().run_in_executor(_threads(), run)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """As many threads as the worker has for functions that are not async."""
    count = os.environ.get(THREADS_SETTING, "")
    return ThreadPoolExecutor(int(count) if _COUNT.fullmatch(count) else None, "activity")
