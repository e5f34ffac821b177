"""The logging of Microsoft's worker, which is no package that tests could have."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import jsonschema

from fanout.adapters.telemetry import logs

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "log.schema.json").read_text())
Sent = list[tuple[str, str | None, dict[str, Any]]]


class WorkerHandler(logging.Handler):
    """Notes level, invocation and message of what the worker would send to the host."""

    def __init__(self) -> None:
        super().__init__()
        self.storage = threading.local()
        self.variable: ContextVar[str | None] | None = None
        self.sent: Sent = []

    def emit(self, record: logging.LogRecord) -> None:
        found = None if self.variable is None else self.variable.get()
        invocation_id = found or getattr(self.storage, "invocation_id", None)
        line = json.loads(self.format(record))
        jsonschema.validate(line, SCHEMA, format_checker=jsonschema.FormatChecker())
        self.sent.append((record.levelname, invocation_id, line))

    def context(self, invocation_id: str, *, has_storage: bool = True) -> Any:
        storage = self.storage if has_storage else threading.local()
        return SimpleNamespace(
            function_name="process_batch", invocation_id=invocation_id, thread_local_storage=storage
        )


@contextmanager
def worker_logging() -> Iterator[WorkerHandler]:
    """Have the lines of the app go through the handler meanwhile."""
    handler, root, log = WorkerHandler(), logging.getLogger(), logging.getLogger(logs.LOGGER)
    before = (list(log.handlers), log.propagate, log.level)
    log.handlers = []
    logs.configure("DEBUG")
    root.addHandler(handler)
    try:
        with patch.object(WorkerHandler, "__module__", "azure_functions_worker.dispatcher"):
            yield handler
    finally:
        root.removeHandler(handler)
        log.handlers, log.propagate = before[0], before[1]
        log.setLevel(before[2])
