"""Sessions of Service Bus as azure-servicebus sees them; a real Service Bus if one is named."""

import time
from collections.abc import Iterator
from itertools import count

import pytest
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiver,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import (
    OperationTimeoutError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from tests.support.hosts import service_bus

WAIT_SECONDS = 60
QUIET_SECONDS = 0.5
_numbers: dict[str, Iterator[int]] = {}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceBusClient]:
    given = service_bus.external()
    broker = None
    if given is None:
        folder = tmp_path_factory.mktemp("broker")
        broker = service_bus.BrokerProcess(folder, service_bus.entities())
        given = broker.start()
    with ServiceBusClient.from_connection_string(given, retry_total=0) as client:
        yield client
    if broker is not None:
        assert broker.stop() == 0


@pytest.fixture
def queue() -> str:
    return f"sessions-{next(_numbers.setdefault('sessions', count()))}"


@pytest.fixture
def short_queue() -> str:
    return f"short-sessions-{next(_numbers.setdefault('short', count()))}"


def _send(client: ServiceBusClient, queue: str, *pairs: tuple[str | None, str]) -> None:
    with client.get_queue_sender(queue) as sender:
        for session_id, body in pairs:
            sender.send_messages(ServiceBusMessage(body, session_id=session_id))


def _open(
    client: ServiceBusClient, queue: str, session_id: str | None = None
) -> ServiceBusReceiver:
    wanted = NEXT_AVAILABLE_SESSION if session_id is None else session_id
    return client.get_queue_receiver(queue, session_id=wanted, max_wait_time=WAIT_SECONDS)


def _bodies(receiver: ServiceBusReceiver, number: int) -> list[str]:
    bodies: list[str] = []
    while len(bodies) < number:
        messages = receiver.receive_messages(number - len(bodies), max_wait_time=WAIT_SECONDS)
        assert messages
        for message in messages:
            bodies.append(str(message))
            receiver.complete_message(message)
    return bodies


def test_a_receiver_gets_the_messages_of_its_session_alone_and_in_order(client, queue):
    _send(client, queue, ("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2"), ("a", "a3"))
    with _open(client, queue, "b") as receiver:
        assert _bodies(receiver, 2) == ["b1", "b2"]
        assert receiver.session.session_id == "b"
        assert not receiver.receive_messages(1, max_wait_time=QUIET_SECONDS)
    with _open(client, queue, "a") as receiver:
        assert _bodies(receiver, 3) == ["a1", "a2", "a3"]


def test_the_next_session_is_the_one_that_nobody_has(client, queue):
    _send(client, queue, ("a", "a1"), ("b", "b1"))
    with _open(client, queue) as first, _open(client, queue) as second:
        assert {first.session.session_id, second.session.session_id} == {"a", "b"}
        assert first.session.locked_until_utc.timestamp() > time.time() + 10
        with pytest.raises(SessionCannotBeLockedError):
            _open(client, queue, "a").receive_messages(1, max_wait_time=WAIT_SECONDS)


def test_a_receiver_waits_for_a_session(client, queue):
    receiver = client.get_queue_receiver(queue, session_id=NEXT_AVAILABLE_SESSION, max_wait_time=2)
    with pytest.raises(OperationTimeoutError):
        receiver.receive_messages(1)
    _send(client, queue, ("a", "a1"))
    with _open(client, queue) as receiver:
        assert _bodies(receiver, 1) == ["a1"]


def test_a_session_that_is_closed_gives_back_what_it_held_uncounted(client, queue):
    _send(client, queue, ("a", "a1"))
    with _open(client, queue) as receiver:
        assert receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
    with _open(client, queue) as receiver:
        (message,) = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
        assert message.delivery_count == 0
        receiver.abandon_message(message)
        (message,) = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
        assert message.delivery_count == 1
        receiver.complete_message(message)


def test_a_session_is_lost_when_its_lock_expires_unless_it_is_renewed(client, short_queue):
    _send(client, short_queue, ("a", "a1"), ("a", "a2"))
    receiver = _open(client, short_queue)
    with receiver:
        (message,) = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
        end = time.monotonic() + 2.5 * service_bus.LOCK_SECONDS
        while time.monotonic() < end:
            receiver.session.renew_lock()
            time.sleep(service_bus.LOCK_SECONDS / 4)
        receiver.complete_message(message)
        (message,) = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
        time.sleep(1.5 * service_bus.LOCK_SECONDS)
        with pytest.raises(SessionLockLostError):
            receiver.session.renew_lock()
    with _open(client, short_queue, "a") as receiver:
        (message,) = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
        assert (str(message), message.delivery_count) == ("a2", 1)


def test_a_session_has_a_state(client, queue):
    with _open(client, queue, "a") as receiver:
        assert receiver.session.get_state() is None
        receiver.session.set_state("half")
        assert receiver.session.get_state() == b"half"
        receiver.session.set_state(None)
        assert receiver.session.get_state() is None


def test_peeking_shows_the_messages_of_the_session(client, queue):
    _send(client, queue, ("a", "a1"), ("b", "b1"))
    with _open(client, queue, "a") as receiver:
        assert [str(message) for message in receiver.peek_messages(10)] == ["a1"]


def test_a_message_without_a_session_and_a_receiver_without_one_are_refused(client, queue):
    with pytest.raises(ServiceBusError, match="SessionId"):
        _send(client, queue, (None, "x"))
    with pytest.raises(ServiceBusError, match="requires sessions"):
        client.get_queue_receiver(queue).receive_messages(1, max_wait_time=WAIT_SECONDS)


def test_a_message_that_fails_too_often_is_dead_lettered_out_of_its_session(client, queue):
    _send(client, queue, ("a", "a1"), ("a", "a2"))
    with _open(client, queue) as receiver:
        for _ in range(service_bus.MAX_DELIVERY_COUNT):
            (message,) = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
            assert str(message) == "a1"
            receiver.abandon_message(message)
        assert _bodies(receiver, 1) == ["a2"]
    dead = ServiceBusSubQueue.DEAD_LETTER
    with client.get_queue_receiver(queue, sub_queue=dead) as receiver:
        (message,) = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
        assert (message.session_id, message.dead_letter_reason) == ("a", "MaxDeliveryCountExceeded")


def test_a_subscription_has_sessions(client):
    with client.get_topic_sender("topic-of-sessions") as sender:
        sender.send_messages(ServiceBusMessage("one", session_id="s"))
    with client.get_subscription_receiver(
        "topic-of-sessions",
        "by-session",
        session_id=NEXT_AVAILABLE_SESSION,
        max_wait_time=WAIT_SECONDS,
    ) as receiver:
        assert _bodies(receiver, 1) == ["one"]
