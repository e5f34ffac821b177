"""Service Bus as the asynchronous azure-servicebus sees it, with many messages at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import (
    ServiceBusMessage,
    ServiceBusReceivedMessage,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)
from azure.servicebus.aio import AutoLockRenewer, ServiceBusClient, ServiceBusReceiver
from azure.servicebus.exceptions import (
    MessageAlreadySettled,
    MessageLockLostError,
    MessageNotFoundError,
    MessageSizeExceededError,
)

from tests.support.hosts import service_bus

WAIT_SECONDS = 60
DEAD = ServiceBusSubQueue.DEAD_LETTER
FIRST_PLAIN = service_bus.PLAIN_QUEUES - 20
FIRST_SHORT = service_bus.SHORT_QUEUES - 8


@pytest.fixture(scope="module")
def connection_string(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = service_bus.external()
    if given is not None:
        yield given
        return
    broker = service_bus.BrokerProcess(tmp_path_factory.mktemp("broker"), service_bus.entities())
    yield broker.start()
    assert broker.stop() == 0


@pytest.fixture
async def client(connection_string: str) -> AsyncIterator[ServiceBusClient]:
    async with ServiceBusClient.from_connection_string(connection_string, retry_total=0) as client:
        yield client


async def _emptied(client: ServiceBusClient, name: str) -> str:
    if service_bus.external() is not None:
        async with client.get_queue_receiver(
            name, receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE
        ) as receiver:
            while await receiver.receive_messages(100, max_wait_time=1):
                pass
    return name


async def _send(client: ServiceBusClient, queue: str, *messages: ServiceBusMessage) -> None:
    async with client.get_queue_sender(queue) as sender:
        await sender.send_messages(list(messages))


async def _receive(
    receiver: ServiceBusReceiver, wanted: int = 1
) -> list[ServiceBusReceivedMessage]:
    found: list[ServiceBusReceivedMessage] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while len(found) < wanted:
            found += await receiver.receive_messages(wanted - len(found), max_wait_time=2)
    return found


async def test_a_thousand_messages_pass_once_each(client) -> None:
    queue = await _emptied(client, f"plain-{FIRST_PLAIN}")
    bodies = [str(i) for i in range(1000)]
    async with client.get_queue_sender(queue) as sender:
        await sender.send_messages([ServiceBusMessage(body) for body in bodies])
    found = []
    async with client.get_queue_receiver(queue, prefetch_count=100) as receiver:
        while len(found) < len(bodies):
            for message in await _receive(receiver):
                await receiver.complete_message(message)
                found.append(str(message))
        assert await receiver.peek_messages(1, sequence_number=1) == []
    assert found == bodies


async def test_receivers_at_work_together_get_every_message_once(client) -> None:
    queue = await _emptied(client, f"plain-{FIRST_PLAIN + 1}")
    bodies = {str(i) for i in range(120)}
    await _send(client, queue, *[ServiceBusMessage(body) for body in bodies])
    found: list[str] = []

    async def work() -> None:
        async with client.get_queue_receiver(queue) as receiver:
            while len(found) < len(bodies):
                for message in await receiver.receive_messages(10, max_wait_time=1):
                    found.append(str(message))
                    await receiver.complete_message(message)

    async with asyncio.timeout(60):
        await asyncio.gather(*[work() for _ in range(4)])
    assert sorted(found) == sorted(bodies)


async def test_senders_at_work_together_lose_nothing(client) -> None:
    queue = await _emptied(client, f"plain-{FIRST_PLAIN + 2}")

    async def work(name: str) -> None:
        async with client.get_queue_sender(queue) as sender:
            for i in range(25):
                await sender.send_messages(ServiceBusMessage(f"{name}{i}"))

    await asyncio.gather(*[work(name) for name in "abcd"])
    async with client.get_queue_receiver(queue, prefetch_count=100) as receiver:
        found = [str(message) for message in await _receive(receiver, 100)]
    for name in "abcd":
        assert [f for f in found if f[0] == name] == [f"{name}{i}" for i in range(25)]


async def test_settlements_at_once_are_each_confirmed(client) -> None:
    queue = await _emptied(client, f"plain-{FIRST_PLAIN + 3}")
    await _send(client, queue, *[ServiceBusMessage(str(i)) for i in range(20)])
    async with client.get_queue_receiver(queue) as receiver:
        messages = await _receive(receiver, 20)
        await asyncio.gather(*[receiver.complete_message(message) for message in messages])
        assert await receiver.peek_messages(1, sequence_number=1) == []


async def test_abandon_dead_letter_and_defer(client) -> None:
    queue = await _emptied(client, f"plain-{FIRST_PLAIN + 4}")
    await _send(client, queue, *[ServiceBusMessage(body) for body in "abc"])
    async with client.get_queue_receiver(queue) as receiver:
        first, second, third = await _receive(receiver, 3)
        await receiver.abandon_message(first)
        await receiver.dead_letter_message(second, reason="r", error_description="d")
        await receiver.defer_message(third)
        [again] = await _receive(receiver)
        assert (str(again), again.delivery_count) == ("a", 1)
        [deferred] = await receiver.receive_deferred_messages(third.sequence_number)
        await receiver.complete_message(deferred)
        with pytest.raises(MessageNotFoundError):
            await receiver.receive_deferred_messages(third.sequence_number)
    async with client.get_queue_receiver(queue, sub_queue=DEAD) as receiver:
        [dead] = await _receive(receiver)
    assert (dead.dead_letter_reason, dead.dead_letter_error_description) == ("r", "d")


async def test_a_message_is_settled_once(client) -> None:
    queue = await _emptied(client, f"plain-{FIRST_PLAIN + 5}")
    await _send(client, queue, ServiceBusMessage("a"))
    async with client.get_queue_receiver(queue) as receiver:
        [message] = await _receive(receiver)
        await receiver.complete_message(message)
        with pytest.raises(MessageAlreadySettled):
            await receiver.complete_message(message)


async def test_an_oversized_message_is_refused(client) -> None:
    async with client.get_queue_sender(f"plain-{FIRST_PLAIN + 6}") as sender:
        with pytest.raises(MessageSizeExceededError):
            await sender.send_messages(ServiceBusMessage(b"x" * (300 * 1024)))


async def test_a_lost_lock_is_the_clients_own_error(client) -> None:
    queue = await _emptied(client, f"short-{FIRST_SHORT}")
    await _send(client, queue, ServiceBusMessage("a"))
    async with client.get_queue_receiver(queue) as receiver:
        [old] = await _receive(receiver)
        [new] = await _receive(receiver)
        with pytest.raises(MessageLockLostError):
            await receiver.complete_message(old)
        await receiver.complete_message(new)


async def test_the_clients_lock_renewer_keeps_a_message(client) -> None:
    queue = await _emptied(client, "renewed-1")
    await _send(client, queue, ServiceBusMessage("a"))
    async with AutoLockRenewer() as renewer, client.get_queue_receiver(queue) as receiver:
        [message] = await _receive(receiver)
        first_end = message.locked_until_utc
        renewer.register(receiver, message, max_lock_renewal_duration=60)
        async with asyncio.timeout(WAIT_SECONDS):
            while message.locked_until_utc < first_end + timedelta(seconds=0.5):
                assert await receiver.receive_messages(1, max_wait_time=0.2) == []
        await receiver.complete_message(message)


async def test_a_scheduled_message_comes_when_due_unless_it_is_cancelled(client) -> None:
    queue = await _emptied(client, f"plain-{FIRST_PLAIN + 7}")
    due = datetime.now(UTC) + timedelta(seconds=1)
    async with client.get_queue_sender(queue) as sender:
        numbers = await sender.schedule_messages([ServiceBusMessage(b) for b in "ab"], due)
        await sender.cancel_scheduled_messages(numbers[0])
    async with client.get_queue_receiver(queue) as receiver:
        assert [str(m) for m in await _receive(receiver)] == ["b"]
    assert datetime.now(UTC) >= due


async def test_a_topics_subscriptions_each_get_a_message(client) -> None:
    async with client.get_topic_sender("topic-7") as sender:
        await sender.send_messages(ServiceBusMessage("news"))
    for name in ("all", "also"):
        async with client.get_subscription_receiver("topic-7", name) as receiver:
            [message] = await _receive(receiver)
            assert str(message) == "news"
            await receiver.complete_message(message)
