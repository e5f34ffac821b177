"""What a Storage queue trigger delivers beside the body, under the names that the worker reads.

Source: QueueTriggerBinding.cs of the Storage extension.
"""

from datetime import UTC, datetime
from typing import Any

from azure.storage.queue import QueueMessage

from localhost.triggers.body_values import with_body_values

LATEST = "9999-12-31T23:59:59Z"


def message_metadata(message: QueueMessage, body: str | None) -> dict[str, Any]:
    """The metadata of a message; `body` is None where it is no text."""
    metadata: dict[str, Any] = {
        "Id": message.id,
        "DequeueCount": message.dequeue_count,
        "ExpirationTime": _text(message.expires_on),
        "InsertionTime": _text(message.inserted_on),
        "NextVisibleTime": _text(message.next_visible_on),
        "PopReceipt": message.pop_receipt,
    }
    if body is None:
        return metadata
    return with_body_values({**metadata, "QueueTrigger": body}, body)


def _text(moment: datetime | None) -> str:
    if moment is None:
        return LATEST
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
