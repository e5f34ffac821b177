"""The broker with Fanout's own entities, and what is sent to it and received from it."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusReceivedMessage

from fanout.adapters.messaging import DEAD_LETTER_QUEUE, EVENTS_TOPIC, REQUEST_QUEUE
from tests.support.hosts.service_bus import ROOT, BrokerProcess
from workloads.orders.shipments import QUEUE

SUBSCRIPTION = "all"
WAIT_SECONDS = 180
SETTLE_SECONDS = 20
QUIET_SECONDS = 2
MOST_AT_ONCE = 500
SETTLED_POLL_SECONDS = 0.2
# Longer than it takes to give up on a message; more than a host settles at a time.
STUCK_SECONDS = 300.0
STUCK_AT_ONCE = 50


def entities(lock_seconds: int) -> dict[str, Any]:
    """What `localhost/servicebus.json` says, with so long a lock on requests."""
    config: dict[str, Any] = json.loads((ROOT / "localhost" / "servicebus.json").read_text())
    (namespace,) = config["UserConfig"]["Namespaces"]
    (requests,) = (q for q in namespace["Queues"] if q["Name"] == REQUEST_QUEUE)
    requests["Properties"]["LockDuration"] = f"PT{lock_seconds}S"
    return config


class FanoutBus:
    """A broker of its own, used as the systems around Fanout would."""

    def __init__(self, folder: Path, lock_seconds: int = 60) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._broker = BrokerProcess(folder, entities(lock_seconds))
        self.connection_string = self._broker.start()
        self._client = ServiceBusClient.from_connection_string(self.connection_string)

    def close(self) -> None:
        self._client.close()
        assert self._broker.stop() == 0

    def ask(self, bodies: Iterable[tuple[str, bytes]]) -> None:
        """Send messages by id and body."""
        messages = [ServiceBusMessage(body, message_id=name) for name, body in bodies]
        with self._client.get_queue_sender(REQUEST_QUEUE) as sender:
            for begin in range(0, len(messages), MOST_AT_ONCE):
                sender.send_messages(messages[begin : begin + MOST_AT_ONCE])

    def send(self, messages: Iterable[Any]) -> None:
        """Send messages as they are, each by itself: together they may be too large."""
        with self._client.get_queue_sender(REQUEST_QUEUE) as sender:
            for message in messages:
                sender.send_messages(message)

    def wait_until_settled(self, stuck_seconds: float = STUCK_SECONDS) -> None:
        """Wait until no request is left, and see that the broker itself gave up on none.

        Raises:
            AssertionError: None of those that come first was settled for so many seconds.
        """
        first, since = "", time.monotonic()
        with self._client.get_queue_receiver(REQUEST_QUEUE) as receiver:
            # Without a number it would go on behind those that it has seen.
            while left := receiver.peek_messages(STUCK_AT_ONCE, sequence_number=1):
                if (now_first := _describe(left)) != first:
                    first, since = now_first, time.monotonic()
                assert time.monotonic() - since < stuck_seconds, f"nothing settles {first}"
                time.sleep(SETTLED_POLL_SECONDS)
        assert self.requests_left() == []

    def events(self, count: int) -> list[dict[str, Any]]:
        """So many CloudEvents, received from a subscription; and no more for a while."""
        with self._subscription() as receiver:
            found = _received(receiver, count)
            _insist_on_quiet(receiver)
        return [json.loads(str(message)) for message in found]

    def some_events(self, count: int) -> list[dict[str, Any]]:
        """So many CloudEvents, whatever else may come."""
        with self._subscription() as receiver:
            return [json.loads(str(message)) for message in _received(receiver, count)]

    def _subscription(self) -> Any:
        return self._client.get_subscription_receiver(
            EVENTS_TOPIC, SUBSCRIPTION, receive_mode="receiveanddelete"
        )

    def dead_letters(self, count: int) -> list[ServiceBusReceivedMessage]:
        """So many dead letters, and no more for a while."""
        with self._client.get_queue_receiver(
            DEAD_LETTER_QUEUE, receive_mode="receiveanddelete"
        ) as receiver:
            found = _received(receiver, count)
            _insist_on_quiet(receiver)
        return found

    def dead_letters_now(self) -> list[ServiceBusReceivedMessage]:
        """Those that there are, until no more comes for a while."""
        with self._client.get_queue_receiver(
            DEAD_LETTER_QUEUE, receive_mode="receiveanddelete"
        ) as receiver:
            found: list[ServiceBusReceivedMessage] = []
            while some := receiver.receive_messages(MOST_AT_ONCE, max_wait_time=QUIET_SECONDS):
                found += some
        return found

    def shipments(self) -> list[dict[str, Any]]:
        """What is to be packed, or no longer, until no more comes for a while."""
        found: list[dict[str, Any]] = []
        with self._client.get_queue_receiver(QUEUE, receive_mode="receiveanddelete") as receiver:
            while some := receiver.receive_messages(MOST_AT_ONCE, max_wait_time=QUIET_SECONDS):
                found += [json.loads(str(message)) for message in some]
        return found

    def requests_left(self) -> list[ServiceBusReceivedMessage]:
        """What stays in the queue of requests, and what the broker itself gave up on."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while left := self._peek(REQUEST_QUEUE):
            # A host settles a message after its function has ended.
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        return left + self._peek(REQUEST_QUEUE, "deadletter")

    def _peek(self, queue: str, sub_queue: str | None = None) -> list[ServiceBusReceivedMessage]:
        with self._client.get_queue_receiver(queue, sub_queue=sub_queue) as receiver:
            return receiver.peek_messages(MOST_AT_ONCE)


def reason_of(message: ServiceBusReceivedMessage) -> tuple[str, str]:
    """Why a message is a dead letter, in short and at length."""
    properties = message.application_properties or {}
    short, long = (
        properties[name] for name in (b"DeadLetterReason", b"DeadLetterErrorDescription")
    )
    assert isinstance(short, bytes) and isinstance(long, bytes)
    return short.decode(), long.decode()


def _describe(messages: Iterable[ServiceBusReceivedMessage]) -> str:
    """Which messages these are, by number and id."""
    return ", ".join(f"{one.sequence_number} {one.message_id!r}" for one in messages)


def _received(receiver: Any, count: int) -> list[ServiceBusReceivedMessage]:
    found: list[ServiceBusReceivedMessage] = []
    while len(found) < count:
        more = receiver.receive_messages(count - len(found), max_wait_time=WAIT_SECONDS)
        assert more, f"{len(found)} of {count} messages came"
        found += more
    return found


def _insist_on_quiet(receiver: Any) -> None:
    assert receiver.receive_messages(1, max_wait_time=QUIET_SECONDS) == []
