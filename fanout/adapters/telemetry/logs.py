"""Log lines as JSON, one shape everywhere (``docs/log.schema.json``).

Ids are bound once for an invocation and once for an item, so that whatever is logged meanwhile has
them, the lines of a workload's own logger included.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Protocol

from fanout.adapters.telemetry import worker_logs
from fanout.adapters.telemetry.trace_parent import TraceParent
from fanout.printable import describe_error, describe_value, name_type
from fanout.redaction import redact_secrets

LOGGER = "fanout"
# They log every HTTP request, headers included, and every change of a link, at INFO.
CHATTY = ("azure.core", "azure.identity", "azure.servicebus")
EXTRAS = ("run_id", "task_id", "error_type", "error_message", "duration_ms")

_invocation: ContextVar[dict[str, str]] = ContextVar("invocation")
_host_trace: ContextVar[str | None] = ContextVar("host_trace", default=None)
_task_id: ContextVar[str | None] = ContextVar("task_id", default=None)


class Invocation(Protocol):
    """What is asked of the `context` that the Functions worker hands to a function."""

    @property
    def function_name(self) -> str: ...
    @property
    def invocation_id(self) -> str: ...


@contextmanager
def bind_invocation(
    context: Invocation, run_id: str | None = None, trace: str | None = None
) -> Iterator[None]:
    """Give every line that is logged meanwhile the ids of this invocation, and of no item.

    Args:
        context: What the Functions worker hands to a function.
        run_id: The run that it is about, if it is about one.
        trace: The W3C `traceparent` that goes with the run; without one, the host's trace counts.
    """
    host = getattr(getattr(context, "trace_context", None), "trace_parent", None) or None
    ids = {"function_name": context.function_name, "request_id": context.invocation_id}
    if run_id:
        ids["run_id"] = run_id
    if (parent := TraceParent.parse(trace or host)) is not None:
        ids["trace_id"] = f"{parent.trace_id:032x}"
    invocation, task, outer_trace = _invocation.set(ids), _task_id.set(None), _host_trace.set(host)
    bound = worker_logs.bind(context)
    try:
        yield
    finally:
        worker_logs.release(bound)
        _host_trace.reset(outer_trace)
        _task_id.reset(task)
        _invocation.reset(invocation)


def host_trace() -> str | None:
    """The W3C `traceparent` that the host gave to this invocation, if it traces."""
    return _host_trace.get()


def bind_task(item_id: str) -> None:
    """Give the lines that follow the id of an item, until another one's or the invocation's end."""
    _task_id.set(item_id)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; `extra` may add or override ids."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "log_level": record.levelname,
            **_invocation.get({}),
        }
        if (task_id := _task_id.get()) is not None:
            line["task_id"] = task_id
        line["message"] = redact_secrets(_message_of(record))
        for name in EXTRAS:
            if (value := getattr(record, name, None)) is not None:
                line[name] = _plain(value)
        if record.exc_info and record.exc_info[1] is not None:
            line["error_type"] = name_type(record.exc_info[1])
            line["error_message"] = redact_secrets(describe_error(record.exc_info[1]))
        return json.dumps(line)


def _plain(value: Any) -> Any:
    """A number as it is, anything else as text: a workload gives what it likes as `extra`."""
    if type(value) is int or (type(value) is float and isfinite(value)):
        return value
    return redact_secrets(describe_value(value))


def _message_of(record: logging.LogRecord) -> str:
    """The message of a record; without its arguments where these cannot be shown."""
    try:
        return record.getMessage()
    except BaseException as error:  # noqa: BLE001  the arguments are objects of user code
        text = describe_value(record.msg)
        return f"{text} (its arguments cannot be shown: {name_type(error)})"


def configure(level: str) -> None:
    """Send the lines of Fanout's loggers where `LineHandler` sends them, once."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    if not any(isinstance(h.formatter, JsonFormatter) for h in logger.handlers):
        handler = worker_logs.LineHandler()
        handler.setFormatter(JsonFormatter())
        logger.addHandler(handler)
        logger.propagate = False


def logger(name: str) -> logging.Logger:
    """A logger below `fanout`."""
    return logging.getLogger(f"{LOGGER}.{name}")
