"""The guard on what passes through histories: references and counts, never data."""

from typing import Any

from pydantic import BaseModel

MAX_PAYLOAD_BYTES = 4096


class PayloadTooLargeError(Exception):
    """A message between an orchestrator and an activity is no longer a reference."""


def dump(message: BaseModel) -> dict[str, Any]:
    """Make a message ready for the history.

    Raises:
        PayloadTooLargeError: It takes more than 4 KiB of JSON.
    """
    size = len(message.model_dump_json())
    if size > MAX_PAYLOAD_BYTES:
        raise PayloadTooLargeError(f"{type(message).__name__} takes {size} bytes of history")
    return message.model_dump(mode="json")
