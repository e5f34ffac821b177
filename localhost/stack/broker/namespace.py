"""The entities of a broker and their addresses; names are compared without regard to case.

A queue is `name`, a subscription `topic/Subscriptions/name`, and either's dead-letter queue is that
address with `/$deadletterqueue`.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from localhost.stack.broker import settings
from localhost.stack.broker.ingress import Ingress
from localhost.stack.broker.message import Clock, Journal, Message, NotAllowedError, State
from localhost.stack.broker.message_queue import MessageQueue
from localhost.stack.broker.session_queue import SessionQueue

DEAD_LETTERS = "/$deadletterqueue"
MANAGEMENT = "/$management"

Accepts = Callable[[bytes], bool]
T = TypeVar("T")
SessionOf = Callable[[bytes], str | None]
MakeFilter = Callable[[tuple[settings.CorrelationFilter, ...]], Accepts]


class UnknownEntityError(Exception):
    """No entity has this address."""


class Namespace:
    """Every queue and topic, found by address.

    Args:
        declared: What entities there are.
        clock: Says what time it is.
        journal: Is told of every change.
        make_filter: Makes of a subscription's filters a predicate over encoded messages.
        session_of: Reads the session id of an encoded message.
    """

    def __init__(
        self,
        entities: settings.Namespace,
        clock: Clock,
        journal: Journal,
        make_filter: MakeFilter,
        session_of: SessionOf,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._make_filter = make_filter
        self._session_of = session_of
        self._ingresses: dict[str, Ingress] = {}
        self._queues: dict[str, MessageQueue] = {}
        self._duplicates_of: set[str] = set()
        for queue in entities.queues:
            target = self._add_queue(queue.name, queue.settings)
            self._add_ingress(queue.name, queue.ingress, target.enqueue)
        for topic in entities.topics:
            self._add_topic(topic)

    def ingress(self, address: str) -> Ingress:
        """The way into a queue or a topic.

        Raises:
            UnknownEntityError: There is none.
        """
        return _find(self._ingresses, address)

    def queue(self, address: str) -> MessageQueue:
        """The queue, subscription or dead-letter queue of this address.

        Raises:
            UnknownEntityError: There is none.
        """
        return _find(self._queues, address)

    def session_queue(self, address: str) -> SessionQueue:
        """The queue or subscription of this address, which requires sessions.

        Raises:
            UnknownEntityError: There is none.
            NotAllowedError: It has no sessions.
        """
        queue = self.queue(address)
        if not isinstance(queue, SessionQueue):
            raise NotAllowedError(f"{queue.path!r} has no sessions.")
        return queue

    def has(self, address: str) -> bool:
        """Whether an entity has this address."""
        return address.lower() in self._ingresses or address.lower() in self._queues

    def browse(self, address: str) -> list[Message]:
        """All messages of a queue, those on its schedule too, in the order of their numbers.

        Raises:
            UnknownEntityError: There is none.
        """
        messages = self.queue(address).browse()
        ingress = self._ingresses.get(address.lower())
        if ingress is not None:
            messages += ingress.scheduled_messages()
        return sorted(messages, key=lambda message: message.sequence_number)

    def advance(self) -> None:
        """Do what is due everywhere."""
        for part in self._parts():
            part.advance()

    def next_due(self) -> float | None:
        """When `advance` has something to do; None: never, as things are."""
        ends = (part.next_due() for part in self._parts())
        return min((end for end in ends if end is not None), default=None)

    def restore_message(self, path: str, message: Message) -> bool:
        """Take back a message; return whether its entity is still declared."""
        where = self._ingresses if message.state is State.SCHEDULED else self._queues
        part = where.get(path.lower())
        if part is None:
            return False
        part.restore(message)
        return True

    def restore_state(self, path: str, session_id: str, state: bytes) -> None:
        """Take back the state of a session, if its entity still has sessions."""
        queue = self._queues.get(path.lower())
        if isinstance(queue, SessionQueue):
            queue.restore_state(session_id, state)

    def restore_number(self, path: str, last_number: int) -> None:
        """Go on from the last sequence number of an entity."""
        ingress = self._ingresses.get(path.lower())
        if ingress is not None:
            ingress.restore_number(last_number)

    def restore_known(self, path: str, message_id: str, number: int, until: float) -> None:
        """Take back a message id that duplicates are found by; in the order of `until`."""
        if path.lower() in self._duplicates_of:
            self._ingresses[path.lower()].restore_known(message_id, number, until)

    def _add_queue(self, path: str, queue_settings: settings.QueueSettings) -> MessageQueue:
        dead_path = path + DEAD_LETTERS
        dead_settings = settings.QueueSettings(lock_seconds=queue_settings.lock_seconds)
        dead = MessageQueue(dead_path, dead_settings, self._clock, self._journal)
        make = partial(SessionQueue, session_of=self._session_of)
        make_queue = make if queue_settings.requires_session else MessageQueue
        queue = make_queue(path, queue_settings, self._clock, self._journal, dead_letters=dead)
        self._queues[path.lower()] = queue
        self._queues[dead_path.lower()] = dead
        return queue

    def _add_topic(self, topic: settings.Topic) -> None:
        targets = [
            (
                self._make_filter(subscription.filters),
                self._add_queue(
                    f"{topic.name}/Subscriptions/{subscription.name}", subscription.settings
                ),
            )
            for subscription in topic.subscriptions
        ]
        self._add_ingress(topic.name, topic.ingress, partial(_publish, targets))

    def _add_ingress(
        self,
        path: str,
        ingress_settings: settings.IngressSettings,
        deliver: Callable[[Message], None],
    ) -> None:
        self._ingresses[path.lower()] = Ingress(
            path, ingress_settings, self._clock, self._journal, deliver
        )
        if ingress_settings.duplicate_window_seconds is not None:
            self._duplicates_of.add(path.lower())

    def _parts(self) -> Iterator[Ingress | MessageQueue]:
        yield from self._ingresses.values()
        yield from self._queues.values()


def _publish(targets: list[tuple[Accepts, MessageQueue]], message: Message) -> None:
    for accepts, queue in targets:
        if accepts(message.content):
            queue.enqueue(message)


def _find(parts: dict[str, T], address: str) -> T:
    part = parts.get(address.lower())
    if part is None:
        raise UnknownEntityError(
            f"The messaging entity '{address}' could not be found. Declare it in the entities file."
        )
    return part


def path(address: str | None) -> str:
    """The path of an address, which may be a whole URL, of whatever scheme and host."""
    if address is None:
        return ""
    path = urlsplit(address).path if "://" in address else address
    return unquote(path).strip("/")
