"""An encoded AMQP message, taken apart no further than the broker must.

The body and the properties leave the broker as the bytes they came in, of whatever kind they are;
Proton's own `Message` would not keep them so. Only the header, the annotations and, for a dead
letter, the application properties are written anew.
Source: OASIS AMQP 1.0, part 3, section 3.2.
"""

from dataclasses import dataclass
from typing import Any

from proton import Data, Described, ProtonException, symbol, timestamp, uint, ulong

from localhost.stack.broker.message import Draft, Message, State
from localhost.stack.broker.settings import CorrelationFilter

HEADER = 0x70
DELIVERY_ANNOTATIONS = 0x71
ANNOTATIONS = 0x72
PROPERTIES = 0x73
APPLICATION_PROPERTIES = 0x74
DATA = 0x75
FOOTER = 0x78
DESCRIBED = 0x00

TIME_TO_LIVE_FIELD = 2
DELIVERY_COUNT_FIELD = 4
HEADER_FIELDS = 5
MESSAGE_ID_FIELD = 0
PROPERTY_FIELDS = {
    "message-id": MESSAGE_ID_FIELD,
    "to": 2,
    "subject": 3,
    "reply-to": 4,
    "correlation-id": 5,
    "content-type": 6,
    "group-id": 10,
    "reply-to-group-id": 12,
}

SCHEDULED_ENQUEUE_TIME = "x-opt-scheduled-enqueue-time"
MILLISECONDS = 1000
# .NET's longest TimeSpan, which clients send to say "for ever".
LONGEST_TTL_MS = 922337203685477


class MalformedMessageError(Exception):
    """These bytes are not an AMQP message."""


@dataclass(frozen=True)
class Sections:
    """A message taken apart: what the broker reads as values, the rest as bytes."""

    header: list[Any]
    annotations: dict[Any, Any]
    properties: bytes
    application_properties: bytes
    body: bytes


def split_sections(content: bytes) -> Sections:
    """Take a message apart.

    Raises:
        MalformedMessageError: It is none.
    """
    header: list[Any] = []
    annotations: dict[Any, Any] = {}
    kept_sections = {PROPERTIES: b"", APPLICATION_PROPERTIES: b""}
    view = memoryview(content)
    start = 0
    while start < len(content):
        code, value, size = _section(view[start:], {HEADER, ANNOTATIONS})
        if code == HEADER:
            header = value or []
        elif code == ANNOTATIONS:
            annotations = value or {}
        elif code in kept_sections:
            kept_sections[code] = content[start : start + size]
        elif code != DELIVERY_ANNOTATIONS:
            break  # the body; a footer may follow it
        start += size
    return Sections(
        header,
        annotations,
        kept_sections[PROPERTIES],
        kept_sections[APPLICATION_PROPERTIES],
        content[start:],
    )


def read_draft(content: bytes) -> Draft:
    """Read of a sent message what the broker goes by.

    Raises:
        MalformedMessageError: It is none.
    """
    parts = split_sections(content)
    ttl_ms = _field(parts.header, TIME_TO_LIVE_FIELD)
    properties = _value(parts.properties, [])
    message_id = _field(properties, MESSAGE_ID_FIELD)
    scheduled_ms = parts.annotations.get(SCHEDULED_ENQUEUE_TIME)
    return Draft(
        content,
        message_id=None if message_id is None else str(message_id),
        scheduled_at=None if scheduled_ms is None else scheduled_ms / MILLISECONDS,
        time_to_live_seconds=(
            None if not ttl_ms or ttl_ms >= LONGEST_TTL_MS else ttl_ms / MILLISECONDS
        ),
        session_id=_session_id(properties),
    )


def session_of(content: bytes) -> str | None:
    """The session that a message belongs to, if any."""
    return _session_id(_value(split_sections(content).properties, []))


def split_batch(content: bytes) -> list[bytes]:
    """The messages of a batch; of any other message, itself.

    A batch says that it is one in the transfer's message-format, which Proton keeps to itself. It
    is known here by its form: a body of data sections that are each a whole encoded message.

    Raises:
        MalformedMessageError: It is no message.
    """
    messages = _data_sections(split_sections(content).body)
    if messages and all(_is_message(message) for message in messages):
        return messages
    return [content]


def encode_for_receiver(message: Message, locked_until: float | None = None) -> bytes:
    """Encode a message for a receiver, with what the broker knows of it."""
    parts = split_sections(message.content)
    return b"".join(
        (
            _encode(HEADER, _header(parts.header, message.delivery_count)),
            _encode(ANNOTATIONS, _annotations(parts.annotations, message, locked_until)),
            parts.properties,
            _application_properties(parts, message),
            parts.body,
        )
    )


def is_accepted(filters: tuple[CorrelationFilter, ...], content: bytes) -> bool:
    """Whether one of the filters, or their absence, lets the message through."""
    if not filters:
        return True
    parts = split_sections(content)
    system = _value(parts.properties, [])
    application = _value(parts.application_properties, {})
    return any(_matches(correlation_filter, system, application) for correlation_filter in filters)


def _matches(
    correlation_filter: CorrelationFilter, system: list[Any], application: dict[str, Any]
) -> bool:
    pairs = (
        (_field(system, PROPERTY_FIELDS[name]), wanted)
        for name, wanted in correlation_filter.system
    )
    return all(value is not None and str(value) == wanted for value, wanted in pairs) and all(
        application.get(name) == wanted for name, wanted in correlation_filter.application
    )


def _header(fields: list[Any], delivery_count: int) -> list[Any]:
    header = [*fields, *([None] * (HEADER_FIELDS - len(fields)))]
    header[DELIVERY_COUNT_FIELD] = uint(delivery_count)
    return header


def _annotations(
    sent_annotations: dict[Any, Any], message: Message, locked_until: float | None
) -> dict[Any, Any]:
    annotations = dict(sent_annotations)
    annotations[symbol("x-opt-sequence-number")] = message.sequence_number
    annotations[symbol("x-opt-enqueued-time")] = _timestamp(message.enqueued_at)
    if locked_until is not None:
        annotations[symbol("x-opt-locked-until")] = _timestamp(locked_until)
    if message.state is not State.ACTIVE:
        annotations[symbol("x-opt-message-state")] = message.state.value
    if message.dead_letter is not None:
        annotations[symbol("x-opt-deadletter-source")] = message.dead_letter.source
    return annotations


def _application_properties(parts: Sections, message: Message) -> bytes:
    letter = message.dead_letter
    if letter is None:
        return parts.application_properties
    properties = dict(_value(parts.application_properties, {}))
    if letter.reason is not None:
        properties["DeadLetterReason"] = letter.reason
    if letter.description is not None:
        properties["DeadLetterErrorDescription"] = letter.description
    return _encode(APPLICATION_PROPERTIES, properties) if properties else b""


def _data_sections(body: bytes) -> list[bytes]:
    view = memoryview(body)
    values = []
    start = 0
    while start < len(body):
        code, value, size = _section(view[start:], {DATA})
        if code != DATA:
            return []
        values.append(value)
        start += size
    return values


def _is_message(content: bytes) -> bool:
    """Whether these bytes are nothing but the sections of a message, a body among them."""
    view = memoryview(content)
    code = start = 0
    while start < len(content):
        if content[start] != DESCRIBED:
            return False
        try:
            code, _, size = _section(view[start:], set())
        except MalformedMessageError:
            return False
        if not HEADER <= code <= FOOTER:
            return False
        start += size
    return code >= DATA


def _session_id(properties: list[Any]) -> str | None:
    value = _field(properties, PROPERTY_FIELDS["group-id"])
    return None if value is None else str(value)


def _timestamp(seconds: float) -> timestamp:
    return timestamp(int(seconds * MILLISECONDS))


def _field(fields: list[Any], index: int) -> Any:
    return fields[index] if index < len(fields) else None


def _value(section: bytes, default: Any) -> Any:
    return _section(memoryview(section), {PROPERTIES, APPLICATION_PROPERTIES})[1] or default


def _section(view: memoryview, wanted: set[int]) -> tuple[int, Any, int]:
    """Decode one section: its descriptor's code, its value if it is wanted, its size in bytes."""
    if not view:
        return 0, None, 0
    data = Data()
    try:
        size = data.decode(view)
        data.rewind()
        if data.next() != Data.DESCRIBED or size <= 0:
            raise MalformedMessageError("Not an AMQP message: a section has no descriptor.")
        data.enter()
        code = data.get_ulong() if data.next() == Data.ULONG else 0
        data.next()
        value = _copy_owned(data.get_object()) if code in wanted else None
    except (ProtonException, ValueError, TypeError) as error:
        raise MalformedMessageError(f"Not an AMQP message: {error}") from error
    return int(code), value, size


def _copy_owned(value: Any) -> Any:
    """Copy what Proton lends of memory that goes with its `Data`: binaries, wherever they are."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, dict):
        return {_copy_owned(key): _copy_owned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy_owned(item) for item in value]
    return value


def _encode(code: int, value: Any) -> bytes:
    data = Data()
    data.put_object(Described(ulong(code), value))
    return bytes(data.encode())
