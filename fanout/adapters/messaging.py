"""Service Bus: what Fanout sends there, over one client in a process.

The SDK's clients and senders are for one thread at a time; activities are many, so one thread makes
all calls of theirs, one after the other. A server that takes a connection and says nothing holds
the SDK for ever: who waits for a call is told when that has taken too long since it began. Then the
connection is left, and closed once the call comes to its end.
Source: https://learn.microsoft.com/python/api/overview/azure/servicebus-readme (thread safety)
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Any, Literal, NamedTuple
from uuid import UUID

from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusMessageBatch
from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    ServiceBusConnectionError,
    ServiceBusError,
)

from fanout.adapters.credentials import credential
from fanout.adapters.serial_calls import HungCallError, NoTurnError, SerialCalls
from fanout.adapters.settings import SERVICE_BUS, ServiceBusSettings, settings
from fanout.adapters.telemetry.logs import logger

EVENTS_TOPIC = "fanout-events"
DEAD_LETTER_QUEUE = "fanout-dead-letters"
REQUEST_QUEUE = "fanout-requests"
# The limit for descriptions of Service Bus itself; all properties of a message share 64 KiB.
MAX_DESCRIPTION_CHARACTERS = 4096
# While Service Bus is away, each thread that waits for the lock would try in vain for seconds.
REST_SECONDS = 3.0
# The SDK tries again for a quarter of a minute by itself.
CALL_SECONDS = 60.0
# While Service Bus is slow, calls wait for each other; none of them hangs for that.
TURN_SECONDS = 300.0
# Connections that hang are left; so many at most.
MAX_HANGING = 8
Property = int | float | bytes | bool | str | UUID
log = logger("messaging")


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send.

    Attributes:
        message_id: The same for the same message, so that one sent twice is recognised.
        correlation_id: The run that it is about.
        properties: What a subscription's rules can go by.
    """

    body: bytes
    message_id: str
    content_type: str
    correlation_id: str | None = None
    subject: str | None = None
    properties: Mapping[str | bytes, Property] = field(default_factory=dict)


class _Destination(NamedTuple):
    kind: Literal["queue", "topic"]
    name: str


_DESTINATIONS = (_Destination("topic", EVENTS_TOPIC), _Destination("queue", DEAD_LETTER_QUEUE))


class _BusyError(ServiceBusConnectionError):
    """Service Bus is slow: calls before this one have taken too long, and it has not begun."""


class _Link:
    """A client with its senders, which one thread uses."""

    def __init__(self, client: ServiceBusClient) -> None:
        self.calls = SerialCalls("service-bus")
        self._client = client
        self._senders: dict[_Destination, Any] = {}

    def sender(self, destination: _Destination) -> Any:
        if destination not in self._senders:
            is_queue = destination.kind == "queue"
            make = self._client.get_queue_sender if is_queue else self._client.get_topic_sender
            self._senders[destination] = make(destination.name)
        return self._senders[destination]

    def drop(self, destination: _Destination) -> None:
        """Let a later call open a sender of its own, whatever state this one is in."""
        sender = self._senders.pop(destination, None)
        if sender is not None:
            sender.close()

    def call(self, act: Callable[[], Any]) -> Any:
        """Have its thread do something, no longer than that may take.

        Raises:
            HungCallError: It takes longer, or what was before it does.
            NoTurnError: What was before it has taken too long, and does not hang.
        """
        return self.calls.call(act, CALL_SECONDS, TURN_SECONDS)

    def close(self) -> None:
        with ExitStack() as closing:  # whatever one of them raises
            closing.callback(self._client.close)
            while self._senders:
                closing.callback(self._senders.popitem()[1].close)

    def close_late(self) -> None:
        """Close what was left; nobody is there to be told."""
        try:
            self.close()
        except Exception:
            log.warning("could not close a connection to Service Bus", exc_info=True)


class Messaging:
    """Sends to queues and topics; safe to share between threads.

    Args:
        make_client: Makes a client, which connects when it is first used.
    """

    def __init__(self, make_client: Callable[[], ServiceBusClient]) -> None:
        self._make_client = make_client
        self._lock = threading.Lock()
        self._link: _Link | None = None
        self._hanging: list[_Link] = []
        self._failed_at: dict[_Destination, float] = {}

    @classmethod
    def connect(cls, service_bus: ServiceBusSettings) -> "Messaging":
        """Make a client by connection string, or by identity; it connects when first used."""
        text = service_bus.connection_string
        if text is not None:
            return cls(lambda: ServiceBusClient.from_connection_string(text))
        namespace, client_id = str(service_bus.namespace), service_bus.client_id
        return cls(lambda: ServiceBusClient(namespace, credential(client_id)))

    def send_to_queue(self, queue: str, messages: Iterable[OutgoingMessage]) -> int:
        """Send messages in batches as large as Service Bus takes; return how many.

        Messages are taken as they are sent, so any number passes in the memory of one batch.

        Raises:
            ServiceBusError: Some may have been sent; the same again repeats their ids.
            MessageSizeExceededError: One alone is larger than Service Bus takes.
        """
        return self._send(_Destination("queue", queue), messages)

    def send_to_topic(self, topic: str, messages: Iterable[OutgoingMessage]) -> int:
        """Send messages as `send_to_queue` does."""
        return self._send(_Destination("topic", topic), messages)

    def ping(self) -> None:
        """Raise what keeps events and dead letters from being sent; nothing is.

        Raises:
            ServiceBusError: No sender opens.
        """
        for destination in _DESTINATIONS:
            try:
                self._new_batch(destination)
            except _BusyError:
                raise
            except ServiceBusError:
                self._drop(destination)
                raise

    def _send(self, destination: _Destination, messages: Iterable[OutgoingMessage]) -> int:
        count = 0
        batch: ServiceBusMessageBatch | None = None
        try:
            for message in messages:
                outgoing = _service_bus_message(message)
                if batch is not None and not _try_add(batch, outgoing):
                    self._send_batch(destination, batch)
                    batch = None
                if batch is None:
                    batch = self._new_batch(destination)
                    batch.add_message(outgoing)
                count += 1
            if batch is not None:
                self._send_batch(destination, batch)
        except (MessageSizeExceededError, _BusyError):  # the sender is as good as before
            raise
        except ServiceBusError:
            self._drop(destination)
            raise
        return count

    def _new_batch(self, destination: _Destination) -> ServiceBusMessageBatch:
        batch: ServiceBusMessageBatch = self._call(
            destination, lambda sender: sender.create_message_batch()
        )
        return batch

    def _send_batch(self, destination: _Destination, batch: ServiceBusMessageBatch) -> None:
        self._call(destination, lambda sender: sender.send_messages(batch))

    def _call(self, destination: _Destination, act: Callable[[Any], Any]) -> Any:
        """Do something with a sender, no longer than it may take.

        Raises:
            ServiceBusError: It failed, or hangs; or it did a moment ago; or its turn has not come.
        """
        if monotonic() - self._failed_at.get(destination, -REST_SECONDS) < REST_SECONDS:
            raise ServiceBusConnectionError(message=f"{destination.name} failed a moment ago")
        link = self._current_link()
        try:
            return link.call(lambda: act(link.sender(destination)))
        except HungCallError as error:
            self._leave(link)
            raise ServiceBusConnectionError(message=f"{destination.name}: {error}") from error
        except NoTurnError as error:
            raise _BusyError(message=f"{destination.name}: {error}") from error

    def _current_link(self) -> _Link:
        with self._lock:
            if self._link is None:
                self._hanging = [link for link in self._hanging if link.calls.is_alive]
                if len(self._hanging) >= MAX_HANGING:
                    fault = f"{MAX_HANGING} connections hang"
                    raise ServiceBusConnectionError(message=f"Service Bus does not answer: {fault}")
                self._link = _Link(self._make_client())
            return self._link

    def _leave(self, link: _Link) -> None:
        """Let later calls connect anew: whoever hangs in this connection cannot be told to end."""
        with self._lock:
            if self._link is link:
                log.error("a call to Service Bus hangs; the next one connects anew")
                self._link = None
                self._hanging.append(link)
                link.calls.end(link.close_late)

    def _drop(self, destination: _Destination) -> None:
        """Let a later call open a sender of its own, whatever state this one is in."""
        with self._lock:
            if monotonic() - self._failed_at.get(destination, -REST_SECONDS) >= REST_SECONDS:
                self._failed_at[destination] = monotonic()
            link = self._link
        if link is not None:
            self._try_to_end(link, lambda: link.drop(destination))

    def _try_to_end(self, link: _Link, close: Callable[[], None]) -> None:
        try:
            link.call(close)
        except HungCallError:
            self._leave(link)
        except NoTurnError as error:
            log.warning("could not close anything to Service Bus: %s", error)

    def close(self) -> None:
        """Close every link and the connection."""
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            self._try_to_end(link, link.close)
            link.calls.end(link.close_late)


def _service_bus_message(message: OutgoingMessage) -> ServiceBusMessage:
    return ServiceBusMessage(
        message.body,
        message_id=message.message_id,
        content_type=message.content_type,
        correlation_id=message.correlation_id,
        subject=message.subject,
        application_properties=dict(message.properties),
    )


def _try_add(batch: ServiceBusMessageBatch, message: ServiceBusMessage) -> bool:
    """Add a message to a batch; tell whether there was room."""
    try:
        batch.add_message(message)
    except MessageSizeExceededError:
        return False
    return True


def fault_properties(reason: str, description: str) -> dict[str | bytes, Property]:
    """Why a message is a dead letter, under the names that Service Bus gives its own."""
    return {
        "DeadLetterReason": reason[:MAX_DESCRIPTION_CHARACTERS],
        "DeadLetterErrorDescription": description[:MAX_DESCRIPTION_CHARACTERS],
    }


@lru_cache(maxsize=1)
def messaging() -> Messaging | None:
    """The Service Bus of this process; None, with a warning, if none is configured."""
    service_bus = settings().service_bus
    if service_bus is None:
        log.warning("%s is not set: no events and no dead letters are sent", SERVICE_BUS)
        return None
    return Messaging.connect(service_bus)
