"""Threads that work for whoever started them: they see its context variables."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

Value = TypeVar("Value")


class ContextPool(ThreadPoolExecutor):
    """A pool of threads; what is submitted runs in a copy of the context of who submits it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a function called in one of the threads."""
        return super().submit(copy_context().run, fn, *args, **kwargs)


async def call_in_thread(function: Callable[..., Value], *given: Any, **named: Any) -> Value:
    """Call a function in a thread, as `asyncio.to_thread` does.

    What it raises is raised here, `StopIteration` as a RuntimeError (PEP 479): a future takes none,
    and whoever waited for it would do so for ever.
    """

    def call() -> Value:
        try:
            return function(*given, **named)
        except StopIteration as error:
            raise RuntimeError("a function in a thread raised StopIteration") from error

    return await asyncio.to_thread(call)
