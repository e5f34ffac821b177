"""Threads that work for whoever started them: they see its context variables."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any


class ContextPool(ThreadPoolExecutor):
    """A pool of threads; what is submitted runs in a copy of the context of who submits it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a function called in one of the threads."""
        return super().submit(copy_context().run, fn, *args, **kwargs)
