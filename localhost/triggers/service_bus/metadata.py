"""What a Service Bus trigger delivers beside the body, under the names that the worker reads.

Source: ServiceBusTriggerBindingStrategy.cs of the WebJobs SDK extension, `ToRpcStringArray` of the
Functions host, and azure.functions' servicebus.py. `TimeToLive` is left out where .NET's text for
it would not be read.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from azure.servicebus import ServiceBusReceivedMessage

from localhost.triggers.body_values import with_body_values

Metadata = dict[str, Any]
# What the extension hands over as `string[]`. Its moments are dates, its counts numbers.
_TEXTS = frozenset(
    {
        "MessageId",
        "LockToken",
        "ContentType",
        "CorrelationId",
        "Subject",
        "Label",
        "To",
        "ReplyTo",
        "ReplyToSessionId",
        "SessionId",
        "PartitionKey",
        "DeadLetterSource",
        "DeadLetterReason",
        "DeadLetterErrorDescription",
    }
)


def message_metadata(message: ServiceBusReceivedMessage, *, is_binary: bool = False) -> Metadata:
    """The metadata of a message; what it does not have is left out.

    Values of its body win, unless the function asks for bytes; so it is for no message of a batch.
    """
    values = _message_values(message)
    if not is_binary:
        values = with_body_values(values, message_body(message).decode(errors="replace"))
    return {name: value for name, value in values.items() if value is not None}


def batch_metadata(messages: Sequence[ServiceBusReceivedMessage]) -> Metadata:
    """The metadata of a batch: a list for each name.

    A text that is missing or empty has no place in its list, and those behind it move up: so does
    Azure's host send them to a worker. Whoever reads such a list by position reads another
    message's text, unless the list is as long as the batch.
    """
    rows = [_message_values(message) for message in messages]
    return {f"{name}Array": _column(name, [row[name] for row in rows]) for name in rows[0]}


def _column(name: str, values: list[Any]) -> list[Any]:
    return [value for value in values if value] if name in _TEXTS else values


def message_body(message: ServiceBusReceivedMessage) -> bytes:
    """The body as bytes; a body that is an AMQP value is its text."""
    if isinstance(body := message.body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    # A sequence of sections, or of values where the sender used AMQP itself.
    parts = body if not isinstance(body, Mapping) else [str(body)]
    try:
        return b"".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)
    except TypeError:  # a number, None
        return str(body).encode() if body is not None else b""


def _message_values(message: ServiceBusReceivedMessage) -> Metadata:
    properties = _properties(message.application_properties)
    enqueued, expires = _text(message.enqueued_time_utc), _text(message.expires_at_utc)
    return {
        "MessageId": message.message_id,
        "DeliveryCount": (message.delivery_count or 0) + 1,
        "SequenceNumber": message.sequence_number,
        "EnqueuedSequenceNumber": message.enqueued_sequence_number,
        "LockToken": str(message.lock_token),
        "LockedUntil": _text(message.locked_until_utc),
        "EnqueuedTimeUtc": enqueued,
        "EnqueuedTime": enqueued,
        "ExpiresAtUtc": expires,
        "ExpiresAt": expires,
        "ScheduledEnqueueTimeUtc": _text(message.scheduled_enqueue_time_utc),
        "ContentType": message.content_type,
        "CorrelationId": message.correlation_id,
        "Subject": message.subject,
        "Label": message.subject,
        "To": message.to,
        "ReplyTo": message.reply_to,
        "ReplyToSessionId": message.reply_to_session_id,
        "SessionId": message.session_id,
        "PartitionKey": message.partition_key,
        "DeadLetterSource": message.dead_letter_source,
        "DeadLetterReason": message.dead_letter_reason,
        "DeadLetterErrorDescription": message.dead_letter_error_description,
        "ApplicationProperties": properties,
        "UserProperties": properties,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _properties(raw: Mapping[Any, Any] | None) -> dict[str, Any]:
    return {_json_value(key): _json_value(value) for key, value in (raw or {}).items()}


def _json_value(value: Any) -> Any:
    """A value as JSON can carry it."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, datetime):
        return _text(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
