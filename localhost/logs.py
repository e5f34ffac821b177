"""Log lines of the host and of user code: one line each on standard error, with who said it.

User code's lines carry the function's name and the invocation's id, whether they come from
`logging` or from `print`.
"""

import io
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

from localhost.log_levels import CONSOLE, FUNCTIONS, LogLevels

# The function, the id of the call, and the thread that it is in: a thread that the function has
# started with its own context (`asyncio.to_thread`) is in no call, as in the Functions worker.
CURRENT: ContextVar[tuple[str, str, int] | None] = ContextVar("current_invocation", default=None)
# A user's own thread may set `invocation_id` on it (it is `context.thread_local_storage`), and what
# it logs then belongs to that invocation.
THREAD_LOCAL = threading.local()
DEBUG_SETTING = "PYTHON_ENABLE_DEBUG_LOGGING"
_TRUE = frozenset({"1", "true", "t", "yes", "y"})
# By these words the Functions host tells how grave a line on standard error is.
_ERROR_WORDS = ("error", "fail", "severe", "unhandled exception")


class LineFormatter(logging.Formatter):
    """``[time] [function id] message``, the level named where it is no mere information."""

    def format(self, record: logging.LogRecord) -> str:
        """One record, its traceback included."""
        level = "" if record.levelno in (logging.INFO, logging.DEBUG) else f"{record.levelname}: "
        return f"{_prefix(record.created)}{level}{super().format(record)}"


class UserHandler(logging.StreamHandler[TextIO]):
    """Shows of each function's log records those that host.json's `logLevel` lets through.

    Args:
        outside: The least level of what is logged outside of a call.
    """

    def __init__(self, stream: TextIO, levels: LogLevels, outside: int) -> None:
        super().__init__(stream)
        self._levels = levels
        self._least_level: dict[str | None, int] = {None: outside}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is shown."""
        current = _current_call()
        name = None if current is None else current[0]
        level = self._least_level.get(name)
        if level is None:
            level = self._least_level[name] = self._levels.of_function(str(name))
        return record.levelno >= level


class UserOutput(io.TextIOBase):
    """Stands in for `sys.stdout` in a worker: what is printed becomes log lines.

    Args:
        grade: Tells how grave a line is.
        least_level: The least level of the lines that are shown.
    """

    def __init__(
        self,
        stream: TextIO,
        grade: Callable[[str], int] = lambda line: logging.INFO,
        least_level: int = logging.INFO,
    ) -> None:
        self._stream = stream
        self._grade = grade
        self._least_level = least_level
        self._partial = threading.local()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What `print` is told of the stream below."""
        return self._stream.encoding

    @property
    def buffer(self) -> Any:
        """The bytes below, for those who write bytes; such output is passed on as it is."""
        return self._stream.buffer

    def fileno(self) -> int:
        """The descriptor below."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str, /) -> int:
        """Pass on every whole line, and keep the rest until its end comes."""
        *lines, partial = (getattr(self._partial, "text", "") + text).split("\n")
        self._partial.text = partial
        if self._least_level > logging.INFO:
            lines = [line for line in lines if self._grade(line) >= self._least_level]
        if lines:
            prefix = _prefix(time.time())
            self._stream.write("".join(f"{prefix}{line}\n" for line in lines))
            self._stream.flush()
        return len(text)

    def flush(self) -> None:
        """Lines leave when they end, so there is nothing to hurry."""


def configure(level: int, stream: TextIO | None = None) -> None:
    """Send every log record to standard error as lines."""
    _use(logging.StreamHandler(stream or sys.stderr), level)


def configure_user_code(levels: LogLevels, environment: Mapping[str, str]) -> None:
    """Set up a worker: what functions log and print becomes lines, as far as it is to be shown.

    Like the Functions worker, it takes records from INFO on, whatever host.json says, unless a
    logger of the app has a level of its own; with `PYTHON_ENABLE_DEBUG_LOGGING` from DEBUG on.
    """
    is_debug = environment.get(DEBUG_SETTING, "").lower().strip() in _TRUE
    # What is logged outside of a call counts as of functions in general.
    handler = UserHandler(sys.stderr, levels, levels.of_category(FUNCTIONS))
    _use(handler, logging.DEBUG if is_debug else logging.INFO)
    bear_any_text(sys.stdout)
    least_level = levels.of_category(CONSOLE)
    sys.stdout = UserOutput(sys.stdout, least_level=least_level)
    sys.stderr = UserOutput(sys.stderr, error_grade, least_level)


def limit_user_code(levels: LogLevels) -> None:
    """Show of what functions log in the host's own process what is to be shown."""
    _use(UserHandler(sys.stderr, levels, logging.NOTSET), logging.getLogger().level)


def error_grade(line: str) -> int:
    """How grave a line on standard error is, by its words."""
    words = line.lower()
    if "warn" in words:
        return logging.WARNING
    return logging.ERROR if any(word in words for word in _ERROR_WORDS) else logging.INFO


def _use(handler: logging.Handler, level: int) -> None:
    handler.setFormatter(LineFormatter("%(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


def bear_any_text(stream: TextIO) -> None:
    """Let a stream write what it cannot encode as escapes, as standard error does."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _prefix(seconds: float) -> str:
    whole = int(seconds)
    stamp = f"[{_second_text(whole)}.{int((seconds - whole) * 1000):03d}Z] "
    current = _current_call()
    if current is None:
        invocation_id = getattr(THREAD_LOCAL, "invocation_id", None)
        return stamp if invocation_id is None else f"{stamp}[{invocation_id}] "
    return f"{stamp}[{current[0]} {current[1]}] "


@lru_cache(maxsize=4)
def _second_text(seconds: int) -> str:
    # Most lines have their second in common with the line before.
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _current_call() -> tuple[str, str, int] | None:
    current = CURRENT.get()
    return current if current is not None and current[2] == threading.get_ident() else None
