"""Triggers of sessions, with a real broker, where calls end when a test says so."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient as AsyncServiceBusClient

from localhost.execution.contract import FunctionInfo, Invocation, InvocationResult, OnResults
from localhost.triggers.service_bus.triggers import ServiceBusTriggers
from tests.support.hosts import service_bus

PATIENCE_SECONDS = 30


class Executor:
    """Tells of a call that begins, and ends it when told to."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[tuple[Invocation, OnResults]] = asyncio.Queue()

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        for invocation in invocations:
            self.calls.put_nowait((invocation, on_results))

    async def end_next(self, *, after: float = 0.0) -> list[bytes]:
        """The bodies of the next call, which is ended so much later if no other begins."""
        call, on_results = await asyncio.wait_for(self.calls.get(), PATIENCE_SECONDS)
        await asyncio.sleep(after)
        assert self.calls.empty()
        on_results([InvocationResult(call.id)])
        return call.payload if isinstance(call.payload, list) else [call.payload]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    broker = service_bus.BrokerProcess(tmp_path_factory.mktemp("bus"), service_bus.entities())
    yield broker.start()
    assert broker.stop() == 0


def _send(connection: str, queue: str, *bodies: str) -> None:
    """Send messages of sessions that are named by the first letters of their bodies."""
    with (
        ServiceBusClient.from_connection_string(connection) as client,
        client.get_queue_sender(queue) as sender,
    ):
        for body in bodies:
            sender.send_messages(ServiceBusMessage(body, session_id=body[0]))


@asynccontextmanager
async def _listening(
    connection: str, queue: str, cardinality: str, **section: Any
) -> AsyncIterator[Executor]:
    trigger = {
        "type": "serviceBusTrigger",
        "name": "messages",
        "queueName": queue,
        "connection": "BUS",
        "isSessionsEnabled": True,
        "cardinality": cardinality,
    }
    executor = Executor()
    triggers = ServiceBusTriggers(executor, {"BUS": connection}, section)
    triggers.start([FunctionInfo("told", trigger, [trigger], is_async=False)])
    try:
        yield executor
    finally:
        await triggers.stop()


async def test_batches_of_sessions_come_one_at_a_time_and_wait_for_their_least_number(
    connection: str,
):
    queue = "sessions-0"
    _send(connection, queue, "a1", "b1")
    limits = {"minMessageBatchSize": 2, "maxMessageBatchSize": 2, "sessionIdleTimeout": "00:00:08"}
    async with _listening(connection, queue, "many", **limits) as executor:
        await asyncio.sleep(0.5)
        assert executor.calls.empty()
        await asyncio.to_thread(_send, connection, queue, "a2", "b2")
        assert await executor.end_next(after=1) == [b"a1", b"a2"]
        assert await executor.end_next() == [b"b1", b"b2"]


@pytest.mark.parametrize(
    ("limit", "queue"), [("maxBatchWaitTime", "sessions-1"), ("sessionIdleTimeout", "sessions-2")]
)
async def test_a_batch_of_a_session_waits_for_its_least_number_for_a_time(
    connection: str, limit: str, queue: str
):
    _send(connection, queue, "a1")
    limits = {"minMessageBatchSize": 2, "maxBatchWaitTime": "00:01:00", limit: "00:00:01"}
    async with _listening(connection, queue, "many", **limits) as executor:
        assert await executor.end_next() == [b"a1"]


@pytest.mark.parametrize(("cardinality", "queue"), [("one", "sessions-3"), ("many", "sessions-4")])
async def test_messages_of_a_session_are_fetched_ahead_as_host_json_says(
    connection: str, cardinality: str, queue: str, monkeypatch: pytest.MonkeyPatch
):
    counts: set[int | None] = set()
    make = AsyncServiceBusClient.get_queue_receiver

    def make_and_tell(*args: Any, **named: Any) -> Any:
        counts.add(named.get("prefetch_count"))
        return make(*args, **named)

    monkeypatch.setattr(AsyncServiceBusClient, "get_queue_receiver", make_and_tell)
    _send(connection, queue, "a1", "a2", "a3")
    limits = {"prefetchCount": 10, "maxMessageBatchSize": 1, "maxConcurrentSessions": 1}
    async with _listening(connection, queue, cardinality, **limits) as executor:
        for body in (b"a1", b"a2", b"a3"):
            assert await executor.end_next() == [body]
    assert counts == {10}
