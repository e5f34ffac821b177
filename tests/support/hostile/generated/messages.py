"""Messages for the queue of requests that are hostile: bodies, ids and properties."""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from azure.servicebus import ServiceBusMessage
from azure.servicebus.amqp import AmqpAnnotatedMessage, AmqpMessageProperties

from tests.support.hostile.generated.documents import damage_bytes, mutate
from tests.support.hostile.generated.examples import REQUESTS
from tests.support.hostile.generated.values import hostile_value

AnyMessage = ServiceBusMessage | AmqpAnnotatedMessage
_PROPERTIES: tuple[Any, ...] = (
    *(None, True, 2**31 - 1, -(2**31), 1.5, float("nan"), "x" * 5_000, "\0", "é\u2028", b"x" * 9),
    *(UUID(int=0), "1e999", ""),
)
_IDS = ("a/b", "../x", ".", "..", "é\U0001f600", "x" * 128, "a b", "%00", "'", "{}", "\u202e", "-")


@dataclass(frozen=True)
class Message:
    """A message as it is sent.

    Attributes:
        kind: What it is, for people.
        message: What the client sends.
    """

    kind: str
    message: AnyMessage = field(compare=False)


def generate_message(number: int) -> Message:
    """The message of a number: the same gives the same."""
    chance = Random(number)
    kind, body = _body(chance)
    message_id = chance.choice([f"{number}", f"{number}", f"{chance.choice(_IDS)}{number}"[:128]])
    properties = {f"p{n}": chance.choice(_PROPERTIES) for n in range(chance.choice([0, 1, 5]))}
    if chance.random() < 0.05:
        return Message(f"not of bytes ({number})", _of_value(body, message_id, chance))
    message = ServiceBusMessage(
        body,
        message_id=message_id,
        application_properties=properties,
        content_type=chance.choice([None, "application/json", "text/plain", "x" * 200]),
        subject=chance.choice([None, "s", "é" * 100]),
        correlation_id=chance.choice([None, "c"]),
    )
    return Message(f"{kind} ({number})", message)


def _body(chance: Random) -> tuple[str, bytes]:
    request = {**chance.choice(REQUESTS), "dry_run": False}
    form = chance.randrange(10)
    if form < 5:
        return mutate(request, chance)
    if form < 7:
        return "bytes", damage_bytes(json.dumps(request).encode(), chance)
    if form < 9:
        return "a value", hostile_value(chance)
    return "noise", chance.randbytes(chance.choice([0, 1, 100, 50_000]))


def _of_value(body: bytes, message_id: str, chance: Random) -> AmqpAnnotatedMessage:
    """A message that has a value of AMQP, or a sequence of them, for its body."""
    text = body.decode("utf-8", "replace")[:5_000]
    value = chance.choice([text, 1, None, True, {"a": [text]}, [1, text], 1.5])
    properties = AmqpMessageProperties(message_id=message_id)
    if chance.random() < 0.5:
        return AmqpAnnotatedMessage(value_body=value, properties=properties)
    return AmqpAnnotatedMessage(sequence_body=[[value], [1]], properties=properties)
