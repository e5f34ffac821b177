"""Runs user code in worker processes, and replaces those that die."""

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from localhost.execution import wire
from localhost.execution.contract import AppLoadError, FunctionInfo, Invocation, OnResults
from localhost.execution.dispatch import GRACE_SECONDS, Dispatcher, Examine
from localhost.execution.import_path import PYTHON_PATH, resolve_python_path
from localhost.log_levels import LogLevels

logger = logging.getLogger(__name__)

EXIT_SECONDS = 1.0
# A worker that dies sooner than this after its start is likely to be killed by what it runs.
SHORT_LIFE_SECONDS = 1.0
FREE_RESTARTS = 3
LONGEST_PAUSE_SECONDS = 5.0
LONGEST_LOAD_PAUSE_SECONDS = 30.0
_COUNT = re.compile(r"[1-9][0-9]{0,2}")
_PACKAGE_ROOT = Path(__file__).parents[2]
# Threads of Python take turns, so a heap for each of them is of no use, and keeps in memory what
# that thread needed at most. https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
_FEW_HEAPS = {"MALLOC_ARENA_MAX": "2"}


class WorkerLane(asyncio.Protocol):
    """One worker process and the socket to it."""

    def __init__(self, dispatcher: Dispatcher, python: Path | None = None) -> None:
        self._dispatcher = dispatcher
        self._python = python
        self._loop = asyncio.get_running_loop()
        self._buffer = wire.FrameBuffer()
        self._transport: asyncio.WriteTransport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._exit_code: asyncio.Future[int] = self._loop.create_future()
        self._closed = asyncio.Event()
        self._load_report: asyncio.Future[wire.LoadReport] = self._loop.create_future()
        self.ready_at = 0.0

    @property
    def pid(self) -> int:
        """The process's id, 0 before `spawn`."""
        return 0 if self._process is None else self._process.pid

    async def spawn(self, python_path: Sequence[str] = ()) -> None:
        """Start the process; it imports the libraries at once and then waits for `load`.

        Args:
            python_path: Where it looks for modules before anywhere else.
        """
        own_end, other_end = socket.socketpair()
        own_end.setblocking(False)
        with other_end:
            self._process = _launch(other_end.fileno(), self._python, python_path)
        threading.Thread(target=self._wait, args=[self._process], daemon=True).start()
        await self._loop.create_unix_connection(lambda: self, sock=own_end)

    async def load(self, config: wire.WorkerConfig) -> Sequence[FunctionInfo]:
        """Let the process load the app.

        Raises:
            AppLoadError: The app cannot be loaded, or the process died of it.
        """
        self._write(wire.frame(config))
        report = await self._load_report
        if report.error is not None:
            raise AppLoadError(report.error)
        self.ready_at = self._loop.time()
        return report.functions

    async def wait_for_end(self) -> str:
        """Wait for its end and say how it ended."""
        code = await asyncio.shield(self._exit_code)
        # A process that user code forked may hold the socket open; what was sent is read by then.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), EXIT_SECONDS)
        self.close()
        return _end_text(code)

    async def stop(self) -> None:
        """Let the interpreter end, exit handlers included; kill it if it takes too long."""
        self._write(wire.frame(wire.STOP))
        try:
            await asyncio.wait_for(self.wait_for_end(), EXIT_SECONDS)
        except TimeoutError:
            self.kill()
            await self.wait_for_end()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.abort()

    def send(self, invocations: Sequence[Invocation]) -> None:
        """Run these; see `Lane`."""
        self._write(wire.frame(wire.pack_invocations(invocations)))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is in use; see `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - a socket's always is
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take results, or at first what was loaded; see `asyncio.Protocol`."""
        for message in self._buffer.feed(data):
            if isinstance(message, wire.LoadReport):
                self._answer(message)
            else:
                self._dispatcher.finish(self, wire.unpack_results(message))

    def connection_lost(self, exc: Exception | None) -> None:
        """The worker is dead, or deaf and of no more use; see `asyncio.Protocol`."""
        self._closed.set()
        self.kill()
        self._answer(wire.LoadReport([], "The worker process ended while it loaded the app."))

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        # Not asyncio's own subprocess: its `kill` may reap the child behind the back of its
        # watcher, which then knows no exit code (https://github.com/python/cpython/issues/87744).
        code = process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody asks any more
            self._loop.call_soon_threadsafe(self._exit_code.set_result, code)

    def _answer(self, report: wire.LoadReport) -> None:
        # It may be set already: `load` has its answer, or `stop` has cancelled it.
        if not self._load_report.done():
            self._load_report.set_result(report)

    def _write(self, data: bytes) -> None:
        # `wait_for_end` notices a dead worker, and its calls are delivered again then.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


class ProcessExecutor:
    """An `Executor` over worker processes.

    Args:
        app_dir: The folder of the app.
        environment: All of the workers' environment; it may be added to until `start`.
        count: How many workers.
        log_levels: How much of user code's log records is shown.
        timeout: How long a call may take; None means for ever.
        examine: Takes the functions found; returns those to run, or raises `AppLoadError`.

    Attributes:
        python: The interpreter of the workers, to be set before they start; None means the host's.
    """

    def __init__(
        self,
        app_dir: Path,
        environment: Mapping[str, str],
        *,
        count: int = 1,
        log_levels: LogLevels | None = None,
        timeout: timedelta | None = None,
        examine: Examine = list,
    ) -> None:
        self.python: Path | None = None
        self.environment = dict(environment)
        self._app_dir = app_dir
        self._count = count
        self._log_levels = log_levels or LogLevels()
        self._examine = examine
        self._functions: Sequence[FunctionInfo] = ()
        self._dispatcher = Dispatcher(timeout, self._replace_soon)
        self._replaced: set[WorkerLane] = set()
        self._lanes: list[WorkerLane] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self._short_lives = 0
        self._python_path = resolve_python_path(environment, app_dir)

    @property
    def functions(self) -> Sequence[FunctionInfo]:
        """See `Executor`."""
        return self._functions

    @property
    def worker_pids(self) -> list[int]:
        """The ids of the processes now running."""
        return [lane.pid for lane in self._lanes]

    def find_worker(self, invocation_id: str) -> int | None:
        """The id of the process that runs a call; None if none has it now."""
        running = (n.pid for n in self._lanes if self._dispatcher.is_running(n, invocation_id))
        return next(running, None)

    async def prepare(self) -> None:
        """Start the processes, so that they import libraries while the host does other things."""
        lanes = [WorkerLane(self._dispatcher, self.python) for _ in range(self._count)]
        await asyncio.gather(*(lane.spawn(self._python_path) for lane in lanes))
        self._lanes += lanes

    async def start(self) -> None:
        """See `Executor`."""
        if not self._lanes:
            await self.prepare()
        config = self._config()
        try:
            function_lists = await asyncio.gather(*(lane.load(config) for lane in self._lanes))
            self._functions = self._examine(function_lists[0])
        except AppLoadError:
            await self.stop()
            raise
        self._dispatcher.serve(self._functions)
        for lane in self._lanes:
            self._use(lane)

    async def stop(self) -> None:
        """See `Executor`."""
        await self._dispatcher.drain(GRACE_SECONDS)
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        lanes, self._lanes = self._lanes, []
        await asyncio.gather(*(lane.stop() for lane in lanes))
        for lane in lanes:
            self._dispatcher.remove(lane, "HostStopping: the host is stopping")
        self._dispatcher.abandon("HostStopping: the host is stopping")

    def bind(self, inputs: Mapping[str, dict[str, str]]) -> None:
        """See `HostedExecutor`."""
        self._dispatcher.bind(inputs)

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        """See `Executor`."""
        self._dispatcher.submit(invocations, on_results)

    def _config(self) -> wire.WorkerConfig:
        return wire.WorkerConfig(str(self._app_dir), self.environment, self._log_levels)

    def _use(self, lane: WorkerLane) -> None:
        self._dispatcher.add(lane)
        self._keep(self._watch(lane))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        watcher = asyncio.create_task(work)
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    def _replace_soon(self, lane: WorkerLane) -> None:
        if lane in self._lanes and lane not in self._replaced:
            self._replaced.add(lane)
            self._keep(self._replace(lane))

    async def _replace(self, lane: WorkerLane) -> None:
        """Replace a worker that is stuck; its other calls end first.

        A thread cannot be stopped, so a process is; nothing that still gets on is lost by it.
        """
        logger.error("Worker process %d is stuck in a call; replacing it.", lane.pid)
        self._use(await self._start_replacement())
        await self._dispatcher.retire(lane)
        lane.kill()

    async def _watch(self, lane: WorkerLane) -> None:
        end_text = await lane.wait_for_end()
        if lane in self._replaced:
            self._replaced.discard(lane)
            self._lanes.remove(lane)
            self._dispatcher.remove(lane, f"WorkerProcessExited: the worker process {end_text}")
            return
        names = sorted({call.function for call in self._dispatcher.running_calls(lane)})
        logger.error(
            "Worker process %d %s%s; starting another.",
            lane.pid,
            end_text,
            f" while it ran {', '.join(names)}" if names else "",
        )
        self._lanes.remove(lane)
        self._dispatcher.remove(lane, f"WorkerProcessExited: the worker process {end_text}")
        lifetime = asyncio.get_running_loop().time() - lane.ready_at
        self._short_lives = self._short_lives + 1 if lifetime < SHORT_LIFE_SECONDS else 0
        await asyncio.sleep(_pause(self._short_lives))
        self._use(await self._start_replacement())

    async def _start_replacement(self) -> WorkerLane:
        pause = 1.0
        while True:
            lane = WorkerLane(self._dispatcher, self.python)
            await lane.spawn(self._python_path)
            self._lanes.append(lane)
            try:
                await lane.load(self._config())
            except AppLoadError as error:
                self._lanes.remove(lane)
                await lane.stop()
                logger.error("%s\nTrying again in %.0f s.", error, pause)  # noqa: TRY400
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_LOAD_PAUSE_SECONDS)
            else:
                return lane


def _launch(
    descriptor: int, python: Path | None, python_path: Sequence[str]
) -> subprocess.Popen[bytes]:
    environment = {**_FEW_HEAPS, **os.environ}
    if python_path:
        environment[PYTHON_PATH] = os.pathsep.join(python_path)
    return subprocess.Popen(  # noqa: S603 - an interpreter of the user's and our own module
        [python or sys.executable, "-m", "localhost.worker.process", "--socket", str(descriptor)],
        cwd=_PACKAGE_ROOT,
        env=environment,
        pass_fds=[descriptor],
        start_new_session=True,  # Ctrl-C in the terminal is for the host alone
        stdin=subprocess.DEVNULL,
        stdout=sys.__stderr__,
        stderr=sys.__stderr__,
    )


def _pause(short_lives: int) -> float:
    if short_lives <= FREE_RESTARTS:
        return 0.0
    return min(0.2 * 2.0 ** (short_lives - FREE_RESTARTS), LONGEST_PAUSE_SECONDS)


def _end_text(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with code {code}"


def default_count(environment: Mapping[str, str]) -> int:
    """How many workers the Functions setting asks for; one where it is silent."""
    text = environment.get("FUNCTIONS_WORKER_PROCESS_COUNT", "")
    return int(text) if _COUNT.fullmatch(text) else 1
