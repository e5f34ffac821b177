"""An event loop for user code: it ends, whatever the code has left running in it."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

# How long a task that is cancelled may take to end; `asyncio.run` waits for ever.
CANCEL_SECONDS = 1.0


@contextmanager
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Make an event loop, and close it.

    `asyncio.run` waits for each task that does not let itself be cancelled, and for each thread
    that a coroutine has started (`asyncio.to_thread`). Here such are left to themselves: with one
    item that hangs, its batch would.
    """
    loop = asyncio.new_event_loop()
    executor = ThreadPoolExecutor(thread_name_prefix="item")
    loop.set_default_executor(executor)
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        try:
            _end_tasks(loop)
        finally:
            executor.shutdown(wait=False)
            asyncio.set_event_loop(None)
            loop.close()


def run_coroutine(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end, as `asyncio.run` does, in such a loop."""
    with event_loop() as loop:
        return loop.run_until_complete(work)


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=CANCEL_SECONDS))
    generators = loop.create_task(loop.shutdown_asyncgens())
    loop.run_until_complete(asyncio.wait((generators,), timeout=CANCEL_SECONDS))
