"""What Fanout sends, as the development broker or a real Service Bus takes it."""

import gc
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusReceivedMessage
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusError

from fanout.adapters import messaging
from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.messaging import Messaging, OutgoingMessage, fault_properties
from fanout.adapters.settings import ServiceBusSettings
from tests.support.hostile.dripping import dripping
from tests.support.hosts import service_bus
from tests.support.services.relay import Relay, relay_to

QUEUE, OTHER_QUEUE, FAR_QUEUE = "plain-70", "plain-71", "plain-72"
TOPIC, UNIQUE = "topic-7", "unique-3"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[service_bus.BrokerProcess]:
    process = service_bus.BrokerProcess(tmp_path_factory.mktemp("broker"), service_bus.entities())
    process.start()
    yield process
    assert process.stop() == 0


@pytest.fixture
def bus(broker: service_bus.BrokerProcess) -> Iterator[Messaging]:
    bus = Messaging.connect(ServiceBusSettings(broker.connection_string))
    yield bus
    bus.close()


def message(number: int, size: int = 10) -> OutgoingMessage:
    return OutgoingMessage(
        body=json.dumps({"n": number, "filler": "x" * size}).encode(),
        message_id=f"r/a1/{number}",
        content_type="application/json",
        correlation_id="r",
        subject="s",
        properties={"index": number, **fault_properties("PermanentError", "bad")},
    )


def received(
    broker: service_bus.BrokerProcess, queue: str, count: int
) -> list[ServiceBusReceivedMessage]:
    """So many messages of a queue, and an answer to whether there is one more."""
    found: list[ServiceBusReceivedMessage] = []
    with (
        ServiceBusClient.from_connection_string(broker.connection_string) as client,
        client.get_queue_receiver(queue, receive_mode="receiveanddelete") as receiver,
    ):
        while len(found) < count:
            more = receiver.receive_messages(count, max_wait_time=20)
            assert more, f"{len(found)} of {count} came"
            found += more
        assert receiver.receive_messages(1, max_wait_time=0.2) == []
    return found


def test_more_messages_than_fit_one_batch_all_arrive_in_order(
    broker: service_bus.BrokerProcess, bus: Messaging
):
    sent = [message(number, size=20_000) for number in range(200)]
    assert bus.send_to_queue(QUEUE, iter(sent)) == 200
    found = received(broker, QUEUE, 200)
    assert [m.message_id for m in found] == [m.message_id for m in sent]
    first = found[0]
    assert (first.correlation_id, first.subject) == ("r", "s")
    assert first.content_type == "application/json"
    assert first.application_properties == {
        b"index": 0,
        b"DeadLetterReason": b"PermanentError",
        b"DeadLetterErrorDescription": b"bad",
    }


def test_what_is_sent_twice_is_told_by_its_id(broker: service_bus.BrokerProcess, bus: Messaging):
    for _ in range(2):
        bus.send_to_queue(UNIQUE, [message(number) for number in range(5)])
    assert len(received(broker, UNIQUE, 5)) == 5


def test_nothing_to_send_opens_no_link(bus: Messaging):
    assert bus.send_to_queue("no-such-queue", []) == 0


def test_a_message_larger_than_service_bus_takes_is_an_error_and_the_next_one_goes(
    broker: service_bus.BrokerProcess, bus: Messaging
):
    with pytest.raises(MessageSizeExceededError):
        bus.send_to_queue(OTHER_QUEUE, [message(1, size=2_000_000)])
    assert bus.send_to_queue(OTHER_QUEUE, [message(2)]) == 1
    (found,) = received(broker, OTHER_QUEUE, 1)
    assert found.message_id == "r/a1/2"


def test_many_threads_share_one_client(broker: service_bus.BrokerProcess, bus: Messaging):
    with ThreadPoolExecutor(8) as pool:
        sent = pool.map(
            lambda t: bus.send_to_queue(QUEUE, [message(100 * t + n) for n in range(25)]), range(8)
        )
        assert sum(sent) == 200
    found = {m.message_id for m in received(broker, QUEUE, 200)}
    assert found == {f"r/a1/{100 * t + n}" for t in range(8) for n in range(25)}


def test_a_topic_brings_a_message_to_its_subscriptions(
    broker: service_bus.BrokerProcess, bus: Messaging
):
    assert bus.send_to_topic(TOPIC, [message(1)]) == 1
    with (
        ServiceBusClient.from_connection_string(broker.connection_string) as client,
        client.get_subscription_receiver(TOPIC, "all", receive_mode="receiveanddelete") as receiver,
    ):
        (found,) = receiver.receive_messages(1, max_wait_time=20)
    assert found.message_id == "r/a1/1"


def test_a_queue_that_is_not_there_is_an_error_at_once_the_next_time_and_harms_no_other(
    broker: service_bus.BrokerProcess, bus: Messaging
):
    with pytest.raises(ServiceBusError):
        bus.send_to_queue("no-such-queue", [message(1)])
    with pytest.raises(ServiceBusError, match="failed a moment ago"):
        bus.send_to_queue("no-such-queue", [message(1)])
    assert bus.send_to_queue(OTHER_QUEUE, [message(3)]) == 1
    assert [m.message_id for m in received(broker, OTHER_QUEUE, 1)] == ["r/a1/3"]


# azure-servicebus leaves the socket of a connection that broke to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_sending_goes_on_after_the_broker_was_killed_and_came_back(tmp_path: Path):
    broker = service_bus.BrokerProcess(tmp_path, service_bus.entities())
    bus = Messaging.connect(ServiceBusSettings(broker.start()))
    bus.send_to_queue(QUEUE, [message(1)])
    broker.kill()
    broker.start()
    bus.send_to_queue(QUEUE, [message(2)])
    assert [m.message_id for m in received(broker, QUEUE, 2)] == ["r/a1/1", "r/a1/2"]
    bus.close()
    gc.collect()
    assert broker.stop() == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_service_that_says_nothing_holds_nobody_for_long(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(messaging, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(messaging, "REST_SECONDS", 0.0)
    monkeypatch.setattr(messaging, "MAX_HANGING", 2)
    with dripping(b"", b"") as port:
        keys = "SharedAccessKeyName=k;SharedAccessKey=a2V5;UseDevelopmentEmulator=true"
        bus = Messaging.connect(ServiceBusSettings(f"Endpoint=sb://localhost:{port};{keys}"))
        with ThreadPoolExecutor(4) as pool:
            failures = [pool.submit(bus.send_to_queue, QUEUE, [message(1)]) for _ in range(4)]
            for failure in failures:
                with pytest.raises(ServiceBusError, match=r"no answer|hangs|do not answer|hang"):
                    failure.result(60)
        for _ in range(2):
            with pytest.raises(ServiceBusError):
                bus.send_to_queue(QUEUE, [message(1)])
        with pytest.raises(ServiceBusError, match="2 connections hang"):
            bus.send_to_queue(QUEUE, [message(1)])
        bus.close()
    for thread in threading.enumerate():
        if thread.name == "service-bus":
            thread.join(60)
    gc.collect()


@pytest.fixture
def relay(broker: service_bus.BrokerProcess) -> Iterator[Relay]:
    (port,) = re.findall(r":(\d+);", broker.connection_string)
    with relay_to(int(port)) as relay:
        yield relay


@pytest.fixture
def far_bus(broker: service_bus.BrokerProcess, relay: Relay) -> Iterator[Messaging]:
    """It has sent a message through the relay."""
    connection = re.sub(r":\d+;", f":{relay.port};", broker.connection_string)
    bus = Messaging.connect(ServiceBusSettings(connection))
    bus.send_to_queue(FAR_QUEUE, [message(0)])
    yield bus
    relay.release()
    bus.close()


def test_while_service_bus_is_slow_who_waits_for_a_turn_does_not_fail(
    broker: service_bus.BrokerProcess,
    relay: Relay,
    far_bus: Messaging,
    monkeypatch: pytest.MonkeyPatch,
):
    link = far_bus._link
    relay.hold()
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(far_bus.send_to_queue, FAR_QUEUE, [message(1)])]
        assert relay.has_held.wait(120)
        monkeypatch.setattr(messaging, "CALL_SECONDS", 1.5)
        for number in range(2, 7):
            sent.append(pool.submit(far_bus.send_to_queue, FAR_QUEUE, [message(number)]))
        assert not wait(sent, 2.5, FIRST_COMPLETED).done
        relay.release()
        assert [one.result(60) for one in sent] == [1] * 6
    assert far_bus._link is link
    assert len(received(broker, FAR_QUEUE, 7)) == 7


def test_who_gets_no_turn_takes_nothing_from_who_waits_too(
    broker: service_bus.BrokerProcess,
    relay: Relay,
    far_bus: Messaging,
    monkeypatch: pytest.MonkeyPatch,
):
    relay.hold()
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(far_bus.send_to_queue, FAR_QUEUE, [message(1)])
        assert relay.has_held.wait(120)
        other = pool.submit(far_bus.send_to_queue, FAR_QUEUE, [message(2)])
        while not far_bus._link.calls._waiting.qsize():  # type: ignore[union-attr]
            assert not other.done()
        monkeypatch.setattr(messaging, "TURN_SECONDS", 0.1)
        with pytest.raises(ServiceBusError, match="no turn within") as raised:
            far_bus.send_to_queue(FAR_QUEUE, [message(3)])
        assert is_infrastructure(raised.value)
        monkeypatch.undo()
        relay.release()
        assert slow.result(60) == other.result(60) == far_bus.send_to_queue(FAR_QUEUE, [message(4)])
    found = {m.message_id for m in received(broker, FAR_QUEUE, 4)}
    assert found == {f"r/a1/{number}" for number in (0, 1, 2, 4)}


def test_a_connection_that_hung_is_closed_once_it_goes_on(
    broker: service_bus.BrokerProcess,
    relay: Relay,
    far_bus: Messaging,
    monkeypatch: pytest.MonkeyPatch,
):
    relay.hold()
    with monkeypatch.context() as haste:
        haste.setattr(messaging, "CALL_SECONDS", 0.3)
        with pytest.raises(ServiceBusError, match="no answer within"):
            far_bus.send_to_queue(FAR_QUEUE, [message(1)])
    assert not relay.is_left.is_set()
    relay.release()
    assert relay.is_left.wait(120)
    assert len(received(broker, FAR_QUEUE, 2)) == 2, "what hung was sent all the same"
