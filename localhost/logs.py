"""Log lines of the host and of user code: one line each on standard error, with who said it.

User code's lines carry the function's name and the invocation's id, whether they come from
`logging` or from `print`.
"""

import io
import logging
import sys
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

CURRENT: ContextVar[tuple[str, str] | None] = ContextVar("current_invocation", default=None)
# A user's own thread may set `invocation_id` on it (it is `context.thread_local_storage`), and what
# it logs then belongs to that invocation.
THREAD_LOCAL = threading.local()
_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 10,
}


class LineFormatter(logging.Formatter):
    """``[time] [function id] message``, the level named where it is no mere information."""

    def format(self, record: logging.LogRecord) -> str:
        """One record, its traceback included."""
        moment = datetime.fromtimestamp(record.created, UTC)
        level = "" if record.levelno in (logging.INFO, logging.DEBUG) else f"{record.levelname}: "
        return f"{_prefix(moment)}{level}{super().format(record)}"


class UserOutput(io.TextIOBase):
    """Stands in for `sys.stdout` in a worker: what is printed becomes log lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
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
        if lines:
            prefix = _prefix(datetime.now(UTC))
            self._stream.write("".join(f"{prefix}{line}\n" for line in lines))
            self._stream.flush()
        return len(text)

    def flush(self) -> None:
        """Lines leave when they end, so there is nothing to hurry."""


def configure(level: int, stream: TextIO | None = None) -> None:
    """Send every log record to standard error as lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter("%(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


def bear_any_text(stream: TextIO) -> None:
    """Let a stream write what it cannot encode as escapes, as standard error does."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def user_level(host_json: Mapping[str, Any]) -> int:
    """The level of host.json's `logging.logLevel` for user code, Information where it is silent."""
    levels = (host_json.get("logging") or {}).get("logLevel") or {}
    name = levels.get("Function", levels.get("default", "Information"))
    return _LEVELS.get(str(name).lower(), logging.INFO)


def _prefix(moment: datetime) -> str:
    stamp = f"[{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z] "
    current = CURRENT.get()
    if current is None:
        invocation_id = getattr(THREAD_LOCAL, "invocation_id", None)
        return stamp if invocation_id is None else f"{stamp}[{invocation_id}] "
    return f"{stamp}[{current[0]} {current[1]}] "
