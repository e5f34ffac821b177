"""Runs invocations in one process: plain functions on threads, coroutine functions on one loop.

All plain functions share one pool, as in Microsoft's worker: while activities hold every thread,
orchestrators and entities wait. An app that gives the pool too few threads waits here, too.
"""

import asyncio
import logging
import os
import queue
import re
import threading
from collections.abc import Callable, Mapping, Sequence

from localhost.execution.contract import HttpStreamData, Invocation, InvocationResult
from localhost.texts import format_stack
from localhost.worker.http_stream import HttpStreams
from localhost.worker.invocation import CallableFunction, failure

logger = logging.getLogger(__name__)

THREADS_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
# More threads than a process can have are a slip of the pen.
_COUNT = re.compile(r"[1-9][0-9]{0,3}")
OnResult = Callable[[InvocationResult], None]


def thread_count() -> int:
    """How many plain functions run at once: the setting, else Python's own default for a pool."""
    text = os.environ.get(THREADS_SETTING, "")
    if _COUNT.fullmatch(text):
        return int(text)
    # From 3.13 on, Python counts the cores that the process may use.
    cores = getattr(os, "process_cpu_count", os.cpu_count)()
    return min(32, (cores or 1) + 4)


class Runner:
    """The functions of an app and the threads they run on.

    Args:
        functions: By name.
        loop: Runs coroutine functions; it may run on another thread.
        on_result: Called with each result on the thread that produced it; must be thread-safe.
    """

    def __init__(
        self,
        functions: Mapping[str, CallableFunction],
        loop: asyncio.AbstractEventLoop,
        on_result: OnResult,
    ) -> None:
        self._functions = functions
        self._loop = loop
        self._on_result = on_result
        self._pool = _Threads("function", thread_count(), self._run)
        self._tasks: set[asyncio.Task[None]] = set()
        is_streamed = any(function.info.is_streamed for function in functions.values())
        self._streams = HttpStreams(on_result) if is_streamed else None
        self._streamed: dict[str, OnResult] = {}

    def submit(self, invocations: Sequence[Invocation]) -> None:
        """Start these calls; never blocks."""
        coroutines = []
        for invocation in invocations:
            info = self._functions[invocation.function].info
            if info.is_async or info.is_streamed:
                coroutines.append(invocation)
            else:
                self._pool.put(invocation)
        if coroutines:
            self._loop.call_soon_threadsafe(self._start_tasks, coroutines)

    def stop(self) -> None:
        """End the threads once the calls they are running have ended."""
        self._pool.stop()

    def _run(self, invocation: Invocation) -> None:
        try:
            result = self._functions[invocation.function].run(invocation)
        except BaseException as error:  # noqa: BLE001  whatever it is, the thread goes on
            result = failure(invocation, error)
        if self._streamed and (done := self._streamed.pop(invocation.id, None)):
            done(result)
        else:
            self._on_result(result)

    def _start_tasks(self, invocations: Sequence[Invocation]) -> None:
        for invocation in invocations:
            if self._streams is not None and isinstance(invocation.payload, HttpStreamData):
                work = self._streams.serve(invocation, self._run_streamed)
            else:
                work = self._run_async(invocation)
            task = self._loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run_streamed(self, invocation: Invocation) -> InvocationResult:
        """Run a function whose request is at hand; a plain one on a thread."""
        function = self._functions[invocation.function]
        if function.info.is_async:
            return await function.run_async(invocation)
        ended: asyncio.Future[InvocationResult] = self._loop.create_future()

        def end(result: InvocationResult) -> None:
            self._loop.call_soon_threadsafe(_set_result, ended, result)

        self._streamed[invocation.id] = end
        self._pool.put(invocation)
        return await ended

    async def _run_async(self, invocation: Invocation) -> None:
        try:
            result = await self._functions[invocation.function].run_async(invocation)
        except BaseException as error:  # noqa: BLE001  as above
            result = failure(invocation, error)
        self._on_result(result)


def _set_result(future: "asyncio.Future[InvocationResult]", result: InvocationResult) -> None:
    if not future.done():
        future.set_result(result)


class _Threads:
    """A fixed number of threads over a queue in C: a tenth of the cost of a ThreadPoolExecutor."""

    def __init__(self, name: str, count: int, run: Callable[[Invocation], None]) -> None:
        self._queue: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._run = run
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(count)
        ]
        self.put = self._queue.put
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for _ in self._threads:
            self._queue.put(None)

    def _work(self) -> None:
        while (invocation := self._queue.get()) is not None:
            try:
                self._run(invocation)
            except BaseException as error:  # noqa: BLE001  a lost thread is lost for all calls
                logger.critical("call %s is lost:\n%s", invocation.id, format_stack(error))
