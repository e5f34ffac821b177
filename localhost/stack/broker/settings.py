"""What an entity is declared to be; the names and defaults are those of Service Bus."""

from dataclasses import dataclass, field

DEFAULT_LOCK_SECONDS = 60.0
DEFAULT_MAX_DELIVERY_COUNT = 10


@dataclass(frozen=True)
class QueueSettings:
    """How the messages of a queue or a subscription are held.

    Attributes:
        time_to_live_seconds: The longest a message lives; None: for ever.
        dead_letters_expired: Whether an expired message is dead-lettered rather than dropped.
        requires_session: Whether messages are received by sessions.
    """

    lock_seconds: float = DEFAULT_LOCK_SECONDS
    max_delivery_count: int = DEFAULT_MAX_DELIVERY_COUNT
    time_to_live_seconds: float | None = None
    dead_letters_expired: bool = False
    requires_session: bool = False


@dataclass(frozen=True)
class IngressSettings:
    """How messages enter a queue or a topic.

    Attributes:
        duplicate_window_seconds: How long a message id is remembered; None: not at all.
        time_to_live_seconds: The longest a message lives; None: for ever.
        requires_session: Whether a message without a session id is refused.
    """

    duplicate_window_seconds: float | None = None
    time_to_live_seconds: float | None = None
    requires_session: bool = False


@dataclass(frozen=True)
class CorrelationFilter:
    """The values that a message must have: system properties by AMQP name, and its own."""

    system: tuple[tuple[str, str], ...] = ()
    application: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class Subscription:
    """A subscription gets a copy of each message that one of its filters accepts.

    Attributes:
        filters: None are needed to get every message.
    """

    name: str
    settings: QueueSettings = field(default_factory=QueueSettings)
    filters: tuple[CorrelationFilter, ...] = ()


@dataclass(frozen=True)
class Queue:
    """A queue: what is sent to it is received from it."""

    name: str
    ingress: IngressSettings = field(default_factory=IngressSettings)
    settings: QueueSettings = field(default_factory=QueueSettings)


@dataclass(frozen=True)
class Topic:
    """A topic: what is sent to it is received from each of its subscriptions."""

    name: str
    ingress: IngressSettings = field(default_factory=IngressSettings)
    subscriptions: tuple[Subscription, ...] = ()


@dataclass(frozen=True)
class Namespace:
    """All entities of a broker."""

    queues: tuple[Queue, ...] = ()
    topics: tuple[Topic, ...] = ()
