"""What a queue holds, and where its changes are written: the broker's values, with no AMQP.

A message's content is opaque here. Times are UTC seconds since 1970.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

Clock = Callable[[], float]

MAX_DELIVERY_COUNT_EXCEEDED = "MaxDeliveryCountExceeded"
EXPIRED = "TTLExpiredException"


class State(Enum):
    """The states that `x-opt-message-state` names."""

    ACTIVE = 0
    DEFERRED = 1
    SCHEDULED = 2


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Why a message was dead-lettered, and of which entity it was."""

    source: str
    reason: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as its sender gave it.

    Attributes:
        content: The message, encoded.
        message_id: What duplicate detection compares; None is never a duplicate.
        scheduled_at: When it is to be enqueued; None: at once.
        time_to_live_seconds: None: as long as the entity allows.
        session_id: The session it belongs to, if any.
    """

    content: bytes
    message_id: str | None = None
    scheduled_at: float | None = None
    time_to_live_seconds: float | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message that the broker has accepted.

    Attributes:
        delivery_count: How often it was delivered and not completed.
        is_locked: Whether a receiver has it; one that does after a crash was delivered in vain.
    """

    sequence_number: int
    content: bytes
    enqueued_at: float
    message_id: str | None = None
    time_to_live_seconds: float | None = None
    scheduled_at: float | None = None
    state: State = State.ACTIVE
    delivery_count: int = 0
    is_locked: bool = False
    dead_letter: DeadLetter | None = None


class Journal(Protocol):
    """Where changes are noted until they are committed together."""

    def put(self, queue: str, message: Message) -> None:
        """The message is in the queue, as given."""

    def remove(self, queue: str, sequence_number: int) -> None:
        """The message is no longer in the queue."""

    def count(self, entity: str, last_sequence_number: int) -> None:
        """The entity has given out this number."""

    def remember(self, entity: str, message_id: str, sequence_number: int, until: float) -> None:
        """A message with this id is a duplicate until then."""

    def forget(self, entity: str, message_id: str) -> None:
        """The id is free again."""

    def keep_state(self, queue: str, session_id: str, state: bytes | None) -> None:
        """The session has this state; None: it has none."""


class LockLostError(Exception):
    """The lock token names no lock: it expired, or the message was settled."""


class MessageNotFoundError(Exception):
    """No message has this sequence number in the state that was asked for."""


class NotAllowedError(Exception):
    """The entity does not do that; the message says why."""
