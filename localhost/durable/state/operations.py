"""Operations of entities: on their way, and in the queue."""

import json
from dataclasses import dataclass
from typing import Any

EntityId = tuple[str, str]
# An entity and who sends to it.
OrderKey = tuple[EntityId, str | int]


@dataclass(frozen=True, slots=True)
class EntityMessage:
    """An operation on its way to an entity; `text` is DurableTask's RequestMessage as JSON."""

    entity_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A queued operation; `message` is a RequestMessage (see `state.turns`)."""

    seq: int
    entity_id: EntityId
    message: dict[str, Any]

    @property
    def is_signal(self) -> bool:
        """Whether nobody waits for an answer."""
        return bool(self.message.get("signal"))

    @property
    def order_key(self) -> OrderKey:
        """Operations with the same key are executed in order; a client's signals have one each."""
        return self.entity_id, self.message.get("parent") or self.seq


def parse_entity_id(text: str) -> EntityId | None:
    """Split ``@name@key``; the key may hold further at signs."""
    name, separator, key = text[1:].partition("@")
    return (name.lower(), key) if text.startswith("@") and name and separator else None


def operation_message(name: str, input_text: str | None) -> str:
    """The message of a client's signal. Without an input there is none, not even ``null``."""
    message = {"op": name, "signal": True, "input": input_text}
    return json.dumps(message, separators=(",", ":"))
