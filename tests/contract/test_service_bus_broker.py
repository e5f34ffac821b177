"""Service Bus as azure-servicebus sees it; the development broker, or a real one if it is named."""

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import pytest
from azure.servicebus import (
    AutoLockRenewer,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusMessageState,
    ServiceBusReceivedMessage,
    ServiceBusReceiveMode,
    ServiceBusReceiver,
    ServiceBusSender,
    ServiceBusSubQueue,
)
from azure.servicebus.amqp import AmqpAnnotatedMessage, AmqpMessageHeader, AmqpMessageProperties
from azure.servicebus.exceptions import (
    MessageAlreadySettled,
    MessageLockLostError,
    MessageNotFoundError,
    MessageSizeExceededError,
    ServiceBusAuthenticationError,
    ServiceBusError,
)

from tests.support.hosts import service_bus

WAIT_SECONDS = 60
# How long nothing has to come for nothing to be there.
QUIET_SECONDS = 0.5
DELETE = ServiceBusReceiveMode.RECEIVE_AND_DELETE
DEAD = ServiceBusSubQueue.DEAD_LETTER
H = TypeVar("H", ServiceBusReceiver, ServiceBusSender)
_closer = ThreadPoolExecutor(4)
_closings: list[Future[None]] = []
_numbers: dict[str, Iterator[int]] = {}


@pytest.fixture(scope="module")
def connection_string(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = service_bus.external()
    if given is not None:
        yield given
        return
    broker = service_bus.BrokerProcess(tmp_path_factory.mktemp("broker"), service_bus.entities())
    yield broker.start()
    assert broker.stop() == 0


@pytest.fixture(scope="module")
def client(connection_string: str) -> Iterator[ServiceBusClient]:
    with ServiceBusClient.from_connection_string(connection_string, retry_total=0) as client:
        yield client
        wait(_closings)
        _closings.clear()


@pytest.fixture
def queue(client: ServiceBusClient) -> str:
    return _fresh(client, "plain")


@pytest.fixture
def short_queue(client: ServiceBusClient) -> str:
    return _fresh(client, "short")


@pytest.fixture
def topic() -> str:
    return f"topic-{next(_numbers.setdefault('topic', count()))}"


def _fresh(client: ServiceBusClient, kind: str) -> str:
    name = f"{kind}-{next(_numbers.setdefault(kind, count()))}"
    if service_bus.external() is not None:
        for sub_queue in (None, DEAD):
            with client.get_queue_receiver(
                name, sub_queue=sub_queue, receive_mode=DELETE
            ) as receiver:
                while receiver.receive_messages(100, max_wait_time=1):
                    pass
    return name


def _send(client: ServiceBusClient, queue: str, *messages: Any) -> None:
    with _opened(client.get_queue_sender(queue)) as sender:
        sender.send_messages(
            [m if not isinstance(m, str) else ServiceBusMessage(m) for m in messages]
        )


@contextlib.contextmanager
def _opened(handler: H) -> Iterator[H]:
    """Open a sender or a receiver; close it beside the tests, for that takes it half a second."""
    handler.__enter__()
    try:
        yield handler
    finally:
        _closings.append(_closer.submit(handler.close))


def _receive(receiver: ServiceBusReceiver, wanted: int = 1) -> list[ServiceBusReceivedMessage]:
    found: list[ServiceBusReceivedMessage] = []
    until = time.monotonic() + WAIT_SECONDS
    while len(found) < wanted and time.monotonic() < until:
        found += receiver.receive_messages(wanted - len(found), max_wait_time=WAIT_SECONDS)
    assert len(found) == wanted
    return found


def _is_quiet(receiver: ServiceBusReceiver) -> bool:
    return not receiver.receive_messages(1, max_wait_time=QUIET_SECONDS)


def _bodies(messages: list[ServiceBusReceivedMessage]) -> list[str]:
    return [str(message) for message in messages]


def _until(claim: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not claim():
        assert time.monotonic() < until, "it did not come to be"


# Sending and receiving


def test_messages_are_received_in_the_order_they_were_sent(client, queue) -> None:
    _send(client, queue, "a", "b", "c")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert _bodies(_receive(receiver, 3)) == ["a", "b", "c"]


def test_a_completed_message_is_gone(client, queue) -> None:
    _send(client, queue, "a")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        receiver.complete_message(_receive(receiver)[0])
        assert receiver.peek_messages(10, sequence_number=1) == []
        assert _is_quiet(receiver)


def test_system_properties_come_back_as_they_were_sent(client, queue) -> None:
    sent = {
        "message_id": "m-1",
        "subject": "order",
        "content_type": "application/json",
        "correlation_id": "c-1",
        "to": "there",
        "reply_to": "here",
        "reply_to_session_id": "s-1",
        "partition_key": "p",
    }
    _send(client, queue, ServiceBusMessage("{}", **sent))
    with _opened(client.get_queue_receiver(queue)) as receiver:
        message = _receive(receiver)[0]
    assert {name: getattr(message, name) for name in sent} == sent


def test_application_properties_keep_their_types(client, queue) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    key = uuid.uuid4()
    sent = {"text": "é", "int": 1 << 20, "float": 0.5, "bool": True, "uuid": key, "when": moment}
    _send(client, queue, ServiceBusMessage("x", application_properties=sent))
    with _opened(client.get_queue_receiver(queue)) as receiver:
        found = _receive(receiver)[0].application_properties
    milliseconds = int(moment.timestamp() * 1000)
    assert found == {
        b"text": "é".encode(),
        b"int": 1 << 20,
        b"float": 0.5,
        b"bool": True,
        b"uuid": key,
        b"when": milliseconds,
    }


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("data_body", [b"one", b"\x00two"]),
        ("value_body", {b"a": [1, None, b"x"]}),
        ("sequence_body", [[1, 2], [b"three"]]),
    ],
)
def test_a_body_of_any_kind_comes_back_as_it_was_sent(client, queue, kind, body) -> None:
    _send(client, queue, AmqpAnnotatedMessage(**{kind: body}))
    with _opened(client.get_queue_receiver(queue)) as receiver:
        raw = _receive(receiver)[0].raw_amqp_message
    received = raw.body if kind == "value_body" else list(raw.body)
    assert received == body


def test_the_header_and_the_footer_survive(client, queue) -> None:
    message = AmqpAnnotatedMessage(
        data_body=b"x",
        header=AmqpMessageHeader(priority=7, durable=True),
        properties=AmqpMessageProperties(message_id="m", user_id=b"me"),
        footer={b"f": 1},
    )
    _send(client, queue, message)
    with _opened(client.get_queue_receiver(queue)) as receiver:
        raw = _receive(receiver)[0].raw_amqp_message
    assert (raw.header.priority, raw.header.durable) == (7, True)
    assert (raw.properties.user_id, raw.footer) == (b"me", {b"f": 1})


def test_an_empty_body_is_a_message(client, queue) -> None:
    _send(client, queue, ServiceBusMessage(b""))
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert b"".join(_receive(receiver)[0].body) == b""


def test_a_batch_arrives_as_its_messages(client, queue) -> None:
    with _opened(client.get_queue_sender(queue)) as sender:
        batch = sender.create_message_batch()
        for i in range(200):
            batch.add_message(ServiceBusMessage(f"{i}", application_properties={"i": i}))
        sender.send_messages(batch)
    with _opened(client.get_queue_receiver(queue, prefetch_count=200)) as receiver:
        found = _receive(receiver, 200)
    assert _bodies(found) == [str(i) for i in range(200)]
    assert [m.application_properties[b"i"] for m in found] == list(range(200))


def test_a_batch_of_one_is_one_message(client, queue) -> None:
    with _opened(client.get_queue_sender(queue)) as sender:
        batch = sender.create_message_batch()
        batch.add_message(ServiceBusMessage("only"))
        sender.send_messages(batch)
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert _bodies(_receive(receiver)) == ["only"]


def test_a_large_message_passes_whole(client, queue) -> None:
    body = bytes(range(256)) * 900
    _send(client, queue, ServiceBusMessage(body))
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert b"".join(_receive(receiver)[0].body) == body


def test_an_oversized_message_is_refused_with_the_clients_own_error(client, queue) -> None:
    with _opened(client.get_queue_sender(queue)) as sender:
        with pytest.raises(MessageSizeExceededError):
            sender.send_messages(ServiceBusMessage(b"x" * (257 * 1024)))
        sender.send_messages(ServiceBusMessage("small"))
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert _bodies(_receive(receiver)) == ["small"]


def test_what_is_sent_while_a_receiver_waits_reaches_it(client, queue) -> None:
    with (
        _opened(client.get_queue_receiver(queue)) as receiver,
        _opened(client.get_queue_sender(queue)) as sender,
    ):
        assert _is_quiet(receiver)
        sender.send_messages(ServiceBusMessage("late"))
        assert _bodies(_receive(receiver)) == ["late"]


def test_received_messages_say_when_and_as_what_they_were_enqueued(client, queue) -> None:
    before = datetime.now(UTC) - timedelta(seconds=60)
    _send(client, queue, "a", "b")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        first, second = _receive(receiver, 2)
    assert before < first.enqueued_time_utc < before + timedelta(seconds=120)
    assert second.sequence_number > first.sequence_number
    assert (first.state, first.delivery_count) == (ServiceBusMessageState.ACTIVE, 0)
    assert first.locked_until_utc > first.enqueued_time_utc


def test_two_receivers_share_a_queue_without_a_message_twice(client, queue) -> None:
    _send(client, queue, *[str(i) for i in range(10)])
    with (
        _opened(client.get_queue_receiver(queue)) as one,
        _opened(client.get_queue_receiver(queue)) as other,
    ):
        found = _bodies(_receive(one, 5)) + _bodies(_receive(other, 5))
    assert sorted(found, key=int) == [str(i) for i in range(10)]


def test_receive_and_delete_leaves_nothing(client, queue) -> None:
    _send(client, queue, "a", "b")
    with _opened(client.get_queue_receiver(queue, receive_mode=DELETE)) as receiver:
        assert _bodies(_receive(receiver, 2)) == ["a", "b"]
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert receiver.peek_messages(10, sequence_number=1) == []


def test_iterating_a_receiver_ends_when_nothing_comes(client, queue) -> None:
    _send(client, queue, "a", "b")
    found = []
    with _opened(client.get_queue_receiver(queue, max_wait_time=1)) as receiver:
        for message in receiver:
            found.append(str(message))
            receiver.complete_message(message)
    assert found == ["a", "b"]


def test_an_entity_that_is_not_declared_is_refused_when_it_is_opened(client) -> None:
    with pytest.raises(ServiceBusAuthenticationError) as refused:
        client.get_queue_sender("nowhere").send_messages(ServiceBusMessage("x"))
    assert "404" in str(refused.value.inner_exception or refused.value)


def test_a_session_of_an_entity_without_sessions_is_refused(client, queue) -> None:
    with pytest.raises(ServiceBusError):
        client.get_queue_receiver(queue, session_id="s").receive_messages(1, max_wait_time=5)


def test_the_case_of_names_does_not_matter(client, queue) -> None:
    _send(client, queue.upper(), "a")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert _bodies(_receive(receiver)) == ["a"]


# Locks


def test_a_locked_message_is_nobody_elses(client, queue) -> None:
    _send(client, queue, "a")
    with (
        _opened(client.get_queue_receiver(queue)) as one,
        _opened(client.get_queue_receiver(queue)) as other,
    ):
        _receive(one)
        assert _is_quiet(other)


def test_an_expired_lock_gives_the_message_to_the_next_and_counts(client, short_queue) -> None:
    _send(client, short_queue, "a")
    with _opened(client.get_queue_receiver(short_queue)) as receiver:
        assert _receive(receiver)[0].delivery_count == 0
        assert _receive(receiver)[0].delivery_count == 1


def test_settling_after_the_lock_expired_is_lock_lost(client, short_queue) -> None:
    _send(client, short_queue, "a")
    with _opened(client.get_queue_receiver(short_queue)) as receiver:
        old = _receive(receiver)[0]
        new = _receive(receiver)[0]
        with pytest.raises(MessageLockLostError):
            receiver.complete_message(old)
        receiver.complete_message(new)


def test_the_broker_itself_refuses_a_settlement_whose_lock_is_lost(client, short_queue) -> None:
    _send(client, short_queue, "a")
    with _opened(client.get_queue_receiver(short_queue)) as receiver:
        old = _receive(receiver)[0]
        _receive(receiver)
        old._expiry = None  # the client would not even ask
        old._raw_amqp_message.annotations.pop(b"x-opt-locked-until")
        with pytest.raises(MessageLockLostError):
            receiver.complete_message(old)


def test_a_renewed_lock_holds_longer(client, short_queue) -> None:
    _send(client, short_queue, "a")
    with (
        _opened(client.get_queue_receiver(short_queue)) as receiver,
        _opened(client.get_queue_receiver(short_queue)) as other,
    ):
        message = _receive(receiver)[0]
        first_end = message.locked_until_utc
        while datetime.now(UTC) < first_end + timedelta(seconds=0.5):
            assert receiver.renew_message_lock(message) >= first_end
            assert other.receive_messages(1, max_wait_time=0.2) == []
        receiver.complete_message(message)


def test_the_clients_lock_renewer_keeps_a_message(client) -> None:
    queue = _fresh(client, "renewed")
    _send(client, queue, "a")
    renewer = AutoLockRenewer(max_lock_renewal_duration=60)
    with _opened(client.get_queue_receiver(queue, auto_lock_renewer=renewer)) as receiver:
        message = _receive(receiver)[0]
        first_end = message.locked_until_utc
        _until(lambda: datetime.now(UTC) > first_end + timedelta(seconds=1))
        receiver.complete_message(message)
    renewer.close()


def test_a_lost_lock_cannot_be_renewed(client, short_queue) -> None:
    _send(client, short_queue, "a")
    with _opened(client.get_queue_receiver(short_queue)) as receiver:
        old = _receive(receiver)[0]
        _receive(receiver)
        old._raw_amqp_message.annotations.pop(b"x-opt-locked-until")
        with pytest.raises(MessageLockLostError):
            receiver.renew_message_lock(old)


def test_a_message_is_settled_once(client, queue) -> None:
    _send(client, queue, "a")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        message = _receive(receiver)[0]
        receiver.complete_message(message)
        with pytest.raises(MessageAlreadySettled):
            receiver.abandon_message(message)


def test_a_receiver_that_leaves_gives_back_what_it_did_not_look_at(client, queue) -> None:
    _send(client, queue, "a", "b", "c")
    with client.get_queue_receiver(queue, prefetch_count=3) as receiver:
        receiver.complete_message(_receive(receiver)[0])
    with _opened(client.get_queue_receiver(queue)) as receiver:
        found = _receive(receiver, 2)
    assert [(str(m), m.delivery_count) for m in found] == [("b", 0), ("c", 0)]


# Abandoning and dead letters


def test_an_abandoned_message_comes_again_in_its_place(client, queue) -> None:
    _send(client, queue, "a", "b")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        receiver.abandon_message(_receive(receiver)[0])
        again = _receive(receiver)[0]
    assert (str(again), again.delivery_count) == ("a", 1)


def test_a_message_abandoned_too_often_is_dead_lettered(client, queue) -> None:
    _send(client, queue, "a")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        for _ in range(service_bus.MAX_DELIVERY_COUNT):
            receiver.abandon_message(_receive(receiver)[0])
        assert _is_quiet(receiver)
    with _opened(client.get_queue_receiver(queue, sub_queue=DEAD)) as receiver:
        dead = _receive(receiver)[0]
    assert (str(dead), dead.dead_letter_reason) == ("a", "MaxDeliveryCountExceeded")
    assert dead.delivery_count == service_bus.MAX_DELIVERY_COUNT


def test_a_message_whose_lock_expires_too_often_is_dead_lettered(client, short_queue) -> None:
    _send(client, short_queue, "a")
    with _opened(client.get_queue_receiver(short_queue)) as receiver:
        for _ in range(service_bus.MAX_DELIVERY_COUNT):
            _receive(receiver)
    with _opened(client.get_queue_receiver(short_queue, sub_queue=DEAD)) as receiver:
        assert _receive(receiver)[0].dead_letter_reason == "MaxDeliveryCountExceeded"


def test_a_dead_letter_has_its_reason_and_its_properties(client, queue) -> None:
    _send(client, queue, ServiceBusMessage("a", application_properties={"k": 1}))
    with _opened(client.get_queue_receiver(queue)) as receiver:
        receiver.dead_letter_message(
            _receive(receiver)[0], reason="BadRequest", error_description="not JSON"
        )
    with _opened(client.get_queue_receiver(queue, sub_queue=DEAD)) as receiver:
        dead = _receive(receiver)[0]
        receiver.complete_message(dead)
        assert _is_quiet(receiver)
    assert dead.dead_letter_reason == "BadRequest"
    assert dead.dead_letter_error_description == "not JSON"
    assert dead.dead_letter_source == queue
    assert dead.application_properties[b"k"] == 1


def test_a_dead_letter_may_be_abandoned_for_ever(client, queue) -> None:
    _send(client, queue, "a")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        receiver.dead_letter_message(_receive(receiver)[0])
    with _opened(client.get_queue_receiver(queue, sub_queue=DEAD)) as receiver:
        for _ in range(service_bus.MAX_DELIVERY_COUNT + 2):
            receiver.abandon_message(_receive(receiver)[0])
        receiver.complete_message(_receive(receiver)[0])


def test_a_dead_letter_queue_can_be_peeked(client, queue) -> None:
    _send(client, queue, "a")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        receiver.dead_letter_message(_receive(receiver)[0], reason="r")
    with _opened(client.get_queue_receiver(queue, sub_queue=DEAD)) as receiver:
        peeked = receiver.peek_messages(10)
    assert [(str(m), m.dead_letter_reason) for m in peeked] == [("a", "r")]


# Deferring, peeking, scheduling


def test_a_deferred_message_comes_only_by_its_number(client, queue) -> None:
    _send(client, queue, "a")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        message = _receive(receiver)[0]
        receiver.defer_message(message)
        assert _is_quiet(receiver)
        [deferred] = receiver.receive_deferred_messages(message.sequence_number)
        assert (str(deferred), deferred.state) == ("a", ServiceBusMessageState.DEFERRED)
        receiver.complete_message(deferred)
        with pytest.raises(MessageNotFoundError):
            receiver.receive_deferred_messages(message.sequence_number)


def test_a_deferred_message_can_be_dead_lettered(client, queue) -> None:
    _send(client, queue, "a")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        message = _receive(receiver)[0]
        receiver.defer_message(message)
        [deferred] = receiver.receive_deferred_messages([message.sequence_number])
        receiver.dead_letter_message(deferred, reason="r", error_description="d")
    with _opened(client.get_queue_receiver(queue, sub_queue=DEAD)) as receiver:
        dead = _receive(receiver)[0]
    assert (dead.dead_letter_reason, dead.dead_letter_error_description) == ("r", "d")


def test_a_deferred_message_that_is_abandoned_stays_deferred(client, queue) -> None:
    _send(client, queue, "a")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        message = _receive(receiver)[0]
        receiver.defer_message(message)
        [deferred] = receiver.receive_deferred_messages(message.sequence_number)
        receiver.abandon_message(deferred)
        assert _is_quiet(receiver)
        [again] = receiver.receive_deferred_messages(message.sequence_number)
        assert again.delivery_count > deferred.delivery_count


def test_deferred_messages_can_be_received_and_deleted(client, queue) -> None:
    _send(client, queue, "a")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        message = _receive(receiver)[0]
        receiver.defer_message(message)
    with _opened(client.get_queue_receiver(queue, receive_mode=DELETE)) as receiver:
        assert _bodies(receiver.receive_deferred_messages(message.sequence_number)) == ["a"]
        assert receiver.peek_messages(1, sequence_number=1) == []


def test_peeking_takes_nothing_and_goes_on_where_it_was(client, queue) -> None:
    _send(client, queue, "a", "b", "c")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert _bodies(receiver.peek_messages(2)) == ["a", "b"]
        assert _bodies(receiver.peek_messages(2)) == ["c"]
        assert receiver.peek_messages(2) == []
        assert _bodies(_receive(receiver, 3)) == ["a", "b", "c"]


def test_peeking_shows_locked_deferred_and_scheduled_messages(client, queue) -> None:
    _send(client, queue, "deferred", "locked", "active")
    with (
        _opened(client.get_queue_sender(queue)) as sender,
        _opened(client.get_queue_receiver(queue)) as receiver,
    ):
        sender.schedule_messages(ServiceBusMessage("scheduled"), _in(3600))
        receiver.defer_message(_receive(receiver)[0])
        _receive(receiver)
        peeked = receiver.peek_messages(10, sequence_number=1)
    assert [(str(m), m.state.name) for m in peeked] == [
        ("deferred", "DEFERRED"),
        ("locked", "ACTIVE"),
        ("active", "ACTIVE"),
        ("scheduled", "SCHEDULED"),
    ]


def test_a_scheduled_message_comes_when_it_is_due(client, queue) -> None:
    with (
        _opened(client.get_queue_sender(queue)) as sender,
        _opened(client.get_queue_receiver(queue)) as receiver,
    ):
        due = _in(2)
        [number] = sender.schedule_messages(ServiceBusMessage("later"), due)
        message = _receive(receiver)[0]
        assert datetime.now(UTC) >= due
    assert str(message) == "later"
    assert message.sequence_number > number
    assert message.enqueued_time_utc >= due - timedelta(milliseconds=1)


def test_a_message_sent_with_a_time_to_enqueue_waits_for_it(client, queue) -> None:
    due = _in(1)
    _send(client, queue, ServiceBusMessage("later", scheduled_enqueue_time_utc=due))
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert _bodies(_receive(receiver)) == ["later"]
    assert datetime.now(UTC) >= due


def test_a_cancelled_message_never_comes(client, queue) -> None:
    with (
        _opened(client.get_queue_sender(queue)) as sender,
        _opened(client.get_queue_receiver(queue)) as receiver,
    ):
        numbers = sender.schedule_messages([ServiceBusMessage(t) for t in "ab"], _in(3600))
        sender.cancel_scheduled_messages(numbers[0])
        assert _bodies(receiver.peek_messages(10, sequence_number=1)) == ["b"]
        with pytest.raises(ServiceBusError):
            sender.cancel_scheduled_messages(numbers[0])


# Time to live, duplicates


def test_an_expired_message_is_gone(client, queue) -> None:
    _send(client, queue, ServiceBusMessage("a", time_to_live=timedelta(seconds=1)), "b")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        _until(lambda: _bodies(receiver.peek_messages(10, sequence_number=1)) == ["b"])
        assert _bodies(_receive(receiver)) == ["b"]


def test_an_expired_message_is_dead_lettered_where_the_queue_says_so(client) -> None:
    name = "buries-expired"
    _send(client, name, ServiceBusMessage("a", time_to_live=timedelta(seconds=1)))
    with _opened(client.get_queue_receiver(name, sub_queue=DEAD)) as receiver:
        dead = _receive(receiver)[0]
        receiver.complete_message(dead)
    assert dead.dead_letter_reason == "TTLExpiredException"


def test_a_message_sent_again_with_its_id_is_dropped(client) -> None:
    queue = _fresh(client, "unique")
    mine = [ServiceBusMessage(body, message_id=key) for body, key in ("a1", "b1", "c2")]
    with _opened(client.get_queue_sender(queue)) as sender:
        for message in mine:
            sender.send_messages(message)
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert _bodies(_receive(receiver, 2)) == ["a", "c"]
        assert _is_quiet(receiver)


def test_an_id_is_remembered_after_its_message_is_completed(client) -> None:
    queue = _fresh(client, "unique")
    with _opened(client.get_queue_receiver(queue)) as receiver:
        _send(client, queue, ServiceBusMessage("a", message_id="1"))
        receiver.complete_message(_receive(receiver)[0])
        _send(client, queue, ServiceBusMessage("a", message_id="1"))
        assert _is_quiet(receiver)


def test_a_queue_without_duplicate_detection_takes_an_id_twice(client, queue) -> None:
    _send(client, queue, *[ServiceBusMessage("a", message_id="1") for _ in range(2)])
    with _opened(client.get_queue_receiver(queue)) as receiver:
        assert len(_receive(receiver, 2)) == 2


# Topics


def test_every_subscription_gets_its_own_copy(client, topic) -> None:
    with _opened(client.get_topic_sender(topic)) as sender:
        sender.send_messages(ServiceBusMessage("news"))
    for name in ("all", "also"):
        with _opened(client.get_subscription_receiver(topic, name)) as receiver:
            message = _receive(receiver)[0]
            assert str(message) == "news"
            receiver.complete_message(message)


def test_a_correlation_filter_lets_only_its_messages_through(client, topic) -> None:
    eu = {"region": "eu"}
    with _opened(client.get_topic_sender(topic)) as sender:
        sender.send_messages(
            [
                ServiceBusMessage("no subject", application_properties=eu),
                ServiceBusMessage("no region", subject="order"),
                ServiceBusMessage("both", subject="order", application_properties=eu),
            ]
        )
    with _opened(client.get_subscription_receiver(topic, "filtered")) as receiver:
        assert _bodies(_receive(receiver)) == ["both"]
        assert _is_quiet(receiver)


def test_a_subscription_has_dead_letters_of_its_own(client, topic) -> None:
    with _opened(client.get_topic_sender(topic)) as sender:
        sender.send_messages(ServiceBusMessage("news"))
    with _opened(client.get_subscription_receiver(topic, "all")) as receiver:
        receiver.dead_letter_message(_receive(receiver)[0], reason="r")
    with _opened(client.get_subscription_receiver(topic, "all", sub_queue=DEAD)) as receiver:
        assert _receive(receiver)[0].dead_letter_reason == "r"
    with _opened(client.get_subscription_receiver(topic, "also")) as receiver:
        assert _bodies(_receive(receiver)) == ["news"]


def test_a_message_scheduled_to_a_topic_reaches_the_subscriptions_when_due(client, topic) -> None:
    due = _in(1)
    with _opened(client.get_topic_sender(topic)) as sender:
        sender.schedule_messages(ServiceBusMessage("later"), due)
    for name in ("all", "also"):
        with _opened(client.get_subscription_receiver(topic, name)) as receiver:
            assert _bodies(_receive(receiver)) == ["later"]
    assert datetime.now(UTC) >= due


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
