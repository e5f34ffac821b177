"""A worker: loads the app and runs the invocations that come over a socket inherited from the host.

First it reads a `WorkerConfig`, then it answers with what it loaded (or why it could not), then
batches of invocations come in and batches of results go out. When the host is gone, so is it.
"""

import argparse
import asyncio
import contextlib
import faulthandler
import os
import queue
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from localhost import logs
from localhost.execution import wire
from localhost.execution.contract import AppLoadError, InvocationResult
from localhost.worker.indexing import load_app
from localhost.worker.invocation import CallableFunction
from localhost.worker.runner import Runner

# Importing it takes time that the host has while it prepares the environment.
with contextlib.suppress(ImportError):
    import azure.durable_functions  # noqa: F401

RESULTS_A_FRAME = 256


class ResultWriter:
    """Sends results, those that have gathered meanwhile in one frame."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._queue: queue.SimpleQueue[InvocationResult] = queue.SimpleQueue()
        self.put = self._queue.put

    def start(self) -> None:
        """Begin, on a thread of its own."""
        threading.Thread(target=self._write, name="results", daemon=True).start()

    def _write(self) -> None:
        while True:
            results = [self._queue.get()]
            with contextlib.suppress(queue.Empty):
                while len(results) < RESULTS_A_FRAME:
                    results.append(self._queue.get_nowait())
            try:
                self._connection.sendall(wire.frame(wire.pack_results(results)))
            except OSError:  # the host is gone; the reader ends this process
                return


def main() -> None:
    """Run a worker until the host tells it to stop, or dies."""
    parser = argparse.ArgumentParser(prog="localhost.worker.process")
    parser.add_argument("--socket", type=int, required=True)
    descriptor = parser.parse_args().socket
    # The user's own child processes must not hold this end open after the worker is dead.
    os.set_inheritable(descriptor, False)
    faulthandler.enable()
    connection = socket.socket(fileno=descriptor)
    stream = connection.makefile("rb")
    try:
        config = wire.read_frame(stream)
    except EOFError:
        return
    if config == wire.STOP:  # the host could not start
        return
    _enter(config)
    try:
        functions = load_app(config.app_dir)
    except AppLoadError as error:
        connection.sendall(wire.frame(wire.LoadReport([], str(error))))
        return
    callables = {f.info.name: CallableFunction(f, config.app_dir) for f in functions}
    connection.sendall(wire.frame(wire.LoadReport([function.info for function in functions])))
    asyncio.run(_serve(connection, stream, callables))


def _enter(config: wire.WorkerConfig) -> None:
    os.environ.clear()
    os.environ.update(config.environment)
    package_root = str(Path(__file__).parents[2])
    sys.path[:] = [*(folder for folder in sys.path if folder != package_root), package_root]
    os.chdir(config.app_dir)
    logs.configure(config.log_level, sys.stderr)
    sys.stdout = logs.UserOutput(sys.stdout)
    sys.stderr = logs.UserOutput(sys.stderr)


async def _serve(
    connection: socket.socket, stream: BinaryIO, functions: Mapping[str, CallableFunction]
) -> None:
    loop = asyncio.get_running_loop()
    writer = ResultWriter(connection)
    runner = Runner(functions, loop, writer.put)
    writer.start()
    stop = asyncio.Event()

    def read() -> None:
        _read(stream, runner)
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read, name="invocations", daemon=True).start()
    await stop.wait()


def _read(stream: BinaryIO, runner: Runner) -> None:
    try:
        while (rows := wire.read_frame(stream)) != wire.STOP:
            runner.submit(wire.unpack_invocations(rows))
    except (EOFError, OSError):
        # What is running would be redelivered by the next host, so it must not go on here.
        os._exit(1)


if __name__ == "__main__":
    main()
