"""Where log lines go: to the host through Microsoft's worker, or else to standard error.

Microsoft's worker has a handler on the root logger, which sends a record to the host with its level
and the id of its invocation; what a process writes to its streams, the host grades by the words in
it, and knows no invocation of. The embedded host's worker has no such handler.

The host drops what comes through that handler without the id of an invocation that goes on. The
worker knows the id in its own thread or task alone; here it goes with the context of the function,
which threads that work for it have a copy of. Lines of no invocation go to the streams, and so do
those of threads that outlive theirs.

Source: dispatcher.py of `azure_functions_worker` (up to Python 3.12) and `proxy_worker` (from 3.13
on); `Log` of GrpcWorkerChannel.cs of the Functions host.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from functools import lru_cache
from typing import Any, TextIO

WORKERS = ("azure_functions_worker", "proxy_worker")
# What carries out the functions below `proxy_worker`; its variable is asked before the threads.
RUNTIME = "azure_functions_runtime"


class _Invocation:
    """What the worker knows an invocation by, for the function's context and all copies of it."""

    __slots__ = ("has_ended", "invocation_id", "storage")

    def __init__(self, invocation_id: str, storage: Any) -> None:
        self.invocation_id, self.storage = invocation_id, storage
        # Copies of a context keep the variable when the function's own is reset.
        self.has_ended = False


_current: ContextVar[_Invocation | None] = ContextVar("told_invocation", default=None)
Bound = tuple[_Invocation, Token[_Invocation | None]]


def bind(context: Any) -> Bound:
    """Give the lines that follow, in this context and its copies, the id of an invocation.

    Args:
        context: What the Functions worker hands to a function.

    Returns:
        What `release` takes.
    """
    storage = getattr(context, "thread_local_storage", None)
    invocation = _Invocation(context.invocation_id, storage)
    return invocation, _current.set(invocation)


def release(bound: Bound) -> None:
    """Give the lines that follow what they had before `bind`, and those of copies no id."""
    invocation, before = bound
    invocation.has_ended = True
    _current.reset(before)


class LineHandler(logging.Handler):
    """Hands a record on as one line of text."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send the line where such lines go."""
        try:
            line = self.format(record)
            # Looked up for each line: the worker takes its handler away when it loses the host.
            handlers = [one for one in logging.root.handlers if _is_of_worker(type(one).__module__)]
            if handlers:
                _send(record, line, handlers)
            else:
                _write(sys.stderr, line)
        except Exception:  # noqa: BLE001  as every handler of Python does
            self.handleError(record)


@lru_cache
def _is_of_worker(module: str) -> bool:
    return module.partition(".")[0] in WORKERS


def _send(record: logging.LogRecord, line: str, handlers: list[logging.Handler]) -> None:
    current = _current.get()
    if current is None or current.has_ended:
        # Of a line on standard output the host thinks no ill, whatever its words.
        _write(sys.stderr if record.levelno >= logging.ERROR else sys.stdout, line)
        return
    fields = {"name": record.name, "levelno": record.levelno, "msg": line}
    sent = logging.makeLogRecord({**fields, "levelname": record.levelname})
    with _known_to_worker(current.invocation_id, current.storage):
        for handler in handlers:
            handler.handle(sent)


def _write(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


@contextmanager
def _known_to_worker(invocation_id: str, storage: Any) -> Iterator[None]:
    """Let the worker find the id on this thread, too, which may be one that it did not start."""
    variable = getattr(sys.modules.get(RUNTIME), "invocation_id_cv", None)
    token = None if variable is None else variable.set(invocation_id)
    before = getattr(storage, "invocation_id", None)
    if storage is not None:
        storage.invocation_id = invocation_id
    try:
        yield
    finally:
        if storage is not None:
            storage.invocation_id = before
        if variable is not None:
            variable.reset(token)
