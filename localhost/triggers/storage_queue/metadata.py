"""What a Storage queue trigger delivers beside the body, under the names that the worker reads.

As in Azure, what a message says of itself wins: where the body is a JSON object, its values of one
of these names replace those of the message, so that `{"id": "7"}` has the id 7.
Source: QueueTriggerBinding.cs of the Storage extension, Utility.cs of the Functions host;
azure-functions-python-worker issue 1373.
"""

import json
from datetime import UTC, datetime
from typing import Any

from azure.storage.queue import QueueMessage

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
    return _overlay({**metadata, "QueueTrigger": body}, body)


def _overlay(metadata: dict[str, Any], body: str) -> dict[str, Any]:
    if not (body.strip().startswith("{") and body.strip().endswith("}")):
        return metadata
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return metadata
    known = {name.lower(): name for name in metadata}
    for name, value in document.items():
        if value is not None and not isinstance(value, list):
            metadata[known.get(name.lower(), name)] = _json_value(value)
    return metadata


def _json_value(value: Any) -> Any:
    return value if isinstance(value, dict | str) else str(value)


def _text(moment: datetime | None) -> str:
    if moment is None:
        return LATEST
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
