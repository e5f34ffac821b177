"""The guard on what passes through histories: references and counts, never data."""

import json
from bisect import bisect_right
from itertools import accumulate
from typing import Any

from pydantic import BaseModel

MAX_PAYLOAD_BYTES = 4096
# What a ticket adds to a question or an answer (`fanout.messages.tickets`).
TICKET_BYTES = 48
# Of the text that says why a run failed.
MAX_ERROR_BYTES = 1000


class PayloadTooLargeError(Exception):
    """A message between an orchestrator and an activity is no longer a reference."""


def dump(message: BaseModel) -> dict[str, Any]:
    """Make a message ready for the history.

    Raises:
        PayloadTooLargeError: It takes more than 4 KiB there, with its ticket.
    """
    dumped = message.model_dump(mode="json")
    size = _size(dumped)
    if size + TICKET_BYTES > MAX_PAYLOAD_BYTES:
        raise PayloadTooLargeError(f"{type(message).__name__} takes {size} bytes of history")
    return dumped


def shorten(text: str, max_bytes: int) -> str:
    """Cut a text to what takes so many bytes in a history, quotes left out of account."""
    sizes = accumulate(_size(character) - 2 for character in text[:max_bytes])
    return text[: bisect_right(list(sizes), max_bytes)]


def _size(value: Any) -> int:
    # As the SDK writes it: whatever is not ASCII takes six bytes or twelve.
    return len(json.dumps(value))
