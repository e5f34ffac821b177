"""A worker: loads the app and runs the invocations that come over a socket inherited from the host.

First it reads a `WorkerConfig`, then it answers with what it loaded (or why it could not), then
batches of invocations come in and batches of results go out. When the host is gone, so is it.
"""

import argparse
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
from localhost.texts import describe_error, format_stack, make_printable
from localhost.worker.indexing import load_app
from localhost.worker.invocation import CallableFunction
from localhost.worker.loops import UserLoop
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
                self._connection.sendall(_frame(results))
            except OSError:  # the host is gone; the reader ends this process
                return


def _frame(results: list[InvocationResult]) -> bytes:
    try:
        return wire.frame(wire.pack_results(results))
    except BaseException as error:  # noqa: BLE001  without this thread no call has an end
        if len(results) == 1:
            problem = f"the result cannot be sent to the host: {describe_error(error)}"
            results = [InvocationResult(results[0].id, error=problem)]
            return wire.frame(wire.pack_results(results))
        return b"".join(_frame([result]) for result in results)


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
    app_dir = Path(config.app_dir)
    _enter(config)
    try:
        functions = load_app(app_dir)
    except AppLoadError as error:
        connection.sendall(wire.frame(wire.LoadReport([], make_printable(str(error)))))
        return
    except BaseException as error:  # noqa: BLE001  told, not died of
        connection.sendall(wire.frame(wire.LoadReport([], format_stack(error))))
        return
    callables = {f.info.name: CallableFunction(f, app_dir) for f in functions}
    connection.sendall(wire.frame(wire.LoadReport([function.info for function in functions])))
    _serve(connection, stream, callables)


def _enter(config: wire.WorkerConfig) -> None:
    os.environ.clear()
    os.environ.update(config.environment)
    os.chdir(config.app_dir)
    logs.configure_user_code(config.log_levels, config.environment)


def _serve(
    connection: socket.socket, stream: BinaryIO, functions: Mapping[str, CallableFunction]
) -> None:
    coroutines = UserLoop()
    writer = ResultWriter(connection)
    runner = Runner(functions, coroutines.loop, writer.put)
    writer.start()

    def read() -> None:
        _read(stream, runner)
        coroutines.end()

    threading.Thread(target=read, name="invocations", daemon=True).start()
    coroutines.run()


def _read(stream: BinaryIO, runner: Runner) -> None:
    try:
        while (rows := wire.read_frame(stream)) != wire.STOP:
            runner.submit(wire.unpack_invocations(rows))
    except BaseException as error:  # noqa: BLE001  a worker that does not read is of no use
        if not isinstance(error, EOFError | OSError):
            print(format_stack(error), file=sys.stderr, flush=True)
        # What is running would be redelivered by the next host, so it must not go on here.
        os._exit(1)


if __name__ == "__main__":
    main()
