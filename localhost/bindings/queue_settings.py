"""The `queues` section of host.json, for the trigger and the output of Storage queues.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#hostjson-settings
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from localhost.bindings.contract import BindingError
from localhost.time_spans import parse_time_span

LARGEST_BATCH = 32
LEAST_POLLING = timedelta(milliseconds=100)
BASE64 = "base64"
ENCODINGS = (BASE64, "none")


@dataclass(frozen=True)
class QueueSettings:
    """Names and defaults are those of the extension, with Core Tools' own `max_polling`.

    Attributes:
        max_polling: The longest wait between two looks at an empty queue.
        visibility: How long a message whose function failed stays out of sight.
        new_batch_threshold: So few calls run when the next messages are fetched.
    """

    max_polling: timedelta = timedelta(seconds=2)
    visibility: timedelta = timedelta(0)
    batch_size: int = 16
    max_dequeue_count: int = 5
    new_batch_threshold: int = 8
    encoding: str = BASE64

    @classmethod
    def of_host_json(cls, section: Mapping[str, Any]) -> "QueueSettings":
        """Read the section.

        Raises:
            BindingError: A value is of the wrong kind; the message names it.
        """
        batch_size = _number(section, "batchSize", cls.batch_size, 1, LARGEST_BATCH)
        encoding = str(section.get("messageEncoding", BASE64)).lower()
        if encoding not in ENCODINGS:
            raise _field_error("messageEncoding", f"{encoding!r} is neither base64 nor none")
        return cls(
            max_polling=_span(section, "maxPollingInterval", cls.max_polling, LEAST_POLLING),
            visibility=_span(section, "visibilityTimeout", cls.visibility),
            batch_size=batch_size,
            max_dequeue_count=_number(section, "maxDequeueCount", cls.max_dequeue_count, 1),
            new_batch_threshold=_number(section, "newBatchThreshold", batch_size // 2, 0),
            encoding=encoding,
        )

    def encode(self, body: str | bytes) -> str:
        """A message's body as it is stored.

        Raises:
            UnicodeDecodeError: Bytes that are no text, and the encoding is none.
        """
        data = body.encode() if isinstance(body, str) else body
        return base64.b64encode(data).decode() if self.encoding == BASE64 else data.decode()

    def decode(self, content: str) -> bytes:
        """A message's body.

        Raises:
            ValueError: It was not stored in this encoding.
        """
        if self.encoding != BASE64:
            return content.encode()
        try:
            return base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise ValueError(f"its content is no base64 ({error})") from error


def _number(
    section: Mapping[str, Any], key: str, default: int, least: int, most: int | None = None
) -> int:
    value = section.get(key, default)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number or value < least or (most is not None and value > most):
        upper = "" if most is None else f" and at most {most}"
        raise _field_error(key, f"{value!r} is no whole number of at least {least}{upper}")
    return int(value)


def _span(
    section: Mapping[str, Any], key: str, default: timedelta, least: timedelta = timedelta(0)
) -> timedelta:
    if key not in section:
        return default
    value = section[key]
    is_number = isinstance(value, int) and not isinstance(value, bool)
    span = timedelta(milliseconds=value) if is_number else parse_time_span(str(value))
    if span is None or span < least:
        raise _field_error(
            key,
            f"{value!r} is no time span such as '00:00:02' of at least {least.total_seconds()} s",
        )
    return span


def _field_error(key: str, reason: str) -> BindingError:
    return BindingError(f"host.json: 'extensions.queues.{key}': {reason}.")
