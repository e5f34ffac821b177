"""Log lines as JSON, one shape everywhere (design, section 6)."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

LOGGER = "fanout"
# They log every HTTP request, headers included, at INFO.
CHATTY = ("azure.core", "azure.identity")
FIELDS = ("function_name", "request_id", "run_id", "task_id", "duration_ms")


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; ids come in through `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "log_level": record.levelname,
            "message": record.getMessage(),
        }
        line |= {name: value for name in FIELDS if (value := getattr(record, name, None))}
        if record.exc_info and record.exc_info[0] is not None:
            line["error_type"] = record.exc_info[0].__name__
            line["error_message"] = str(record.exc_info[1])
        return json.dumps(line, default=str)


def configure(level: str) -> None:
    """Send the lines of Fanout's loggers to standard error, once."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    if not any(isinstance(h.formatter, JsonFormatter) for h in logger.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
        logger.addHandler(handler)
        logger.propagate = False


def logger(name: str) -> logging.Logger:
    """A logger below `fanout`."""
    return logging.getLogger(f"{LOGGER}.{name}")
