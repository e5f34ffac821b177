"""Runs user code in the host's own process, where a debugger sees it (`--workers 0`)."""

import asyncio
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from localhost.execution.contract import FunctionInfo, Invocation, InvocationResult, OnResults
from localhost.execution.dispatch import GRACE_SECONDS, Dispatcher, Examine
from localhost.log_levels import LogLevels
from localhost.logs import bear_any_text, limit_user_code
from localhost.worker.indexing import load_app
from localhost.worker.invocation import CallableFunction
from localhost.worker.loops import UserLoop
from localhost.worker.runner import Runner


class InProcessExecutor:
    """An `Executor` over threads; coroutine functions have a loop and a thread of their own.

    Args:
        app_dir: The folder of the app.
        environment: What is set in this process's environment at `start`.
        timeout: How long a call may take; None means for ever.
        examine: Takes the functions found; returns those to run, or raises `AppLoadError`.
        log_levels: How much of user code's log records is shown; None leaves logging alone.
    """

    def __init__(
        self,
        app_dir: Path,
        environment: Mapping[str, str],
        *,
        timeout: timedelta | None = None,
        examine: Examine = list,
        log_levels: LogLevels | None = None,
    ) -> None:
        self.environment = dict(environment)
        self._app_dir = app_dir
        self._examine = examine
        self._log_levels = log_levels
        self._functions: Sequence[FunctionInfo] = ()
        self._dispatcher = Dispatcher(timeout)
        self._results: list[InvocationResult] = []
        self._results_lock = threading.Lock()
        self._host_loop: asyncio.AbstractEventLoop | None = None
        self._coroutines = UserLoop()
        self._user_thread = threading.Thread(
            target=self._coroutines.run, name="functions", daemon=True
        )
        self._runner: Runner | None = None

    @property
    def functions(self) -> Sequence[FunctionInfo]:
        """See `Executor`."""
        return self._functions

    async def prepare(self) -> None:
        """Nothing can be done before the environment is known."""

    async def start(self) -> None:
        """See `Executor`."""
        self._host_loop = asyncio.get_running_loop()
        os.environ.update(self.environment)
        bear_any_text(sys.stdout)
        if self._log_levels is not None:
            limit_user_code(self._log_levels)
        functions = load_app(self._app_dir)
        self._functions = self._examine([function.info for function in functions])
        callables = {f.info.name: CallableFunction(f, self._app_dir) for f in functions}
        self._user_thread.start()
        self._runner = Runner(callables, self._coroutines.loop, self._on_result)
        self._dispatcher.serve(self._functions)
        self._dispatcher.add(self)

    async def stop(self) -> None:
        """See `Executor`. A thread cannot be stopped: calls that go on end with the process."""
        await self._dispatcher.drain(GRACE_SECONDS)
        if self._runner is not None:
            self._runner.stop()
        self._dispatcher.remove(self, "HostStopping: the host is stopping")
        self._dispatcher.abandon("HostStopping: the host is stopping")
        self._coroutines.end()
        if self._user_thread.is_alive():
            await asyncio.to_thread(self._user_thread.join, GRACE_SECONDS)
        else:
            self._coroutines.loop.close()

    def bind(self, inputs: Mapping[str, dict[str, str]]) -> None:
        """See `HostedExecutor`."""
        self._dispatcher.bind(inputs)

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        """See `Executor`."""
        self._dispatcher.submit(invocations, on_results)

    def send(self, invocations: Sequence[Invocation]) -> None:
        """Run these on threads; see `Lane`."""
        if self._runner is not None:
            self._runner.submit(invocations)

    def _on_result(self, result: InvocationResult) -> None:
        with self._results_lock:
            self._results.append(result)
            is_first = len(self._results) == 1
        if is_first and self._host_loop is not None:
            self._host_loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        with self._results_lock:
            results, self._results = self._results, []
        self._dispatcher.finish(self, results)
