"""A listener of a Storage queue, with a real Azurite, and times short enough for a test."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from localhost.bindings.connections import StorageConnection
from localhost.bindings.queue_clients import API_VERSION
from localhost.bindings.queue_news import QueueNews
from localhost.bindings.queue_settings import QueueSettings
from localhost.execution.contract import Invocation, InvocationResult, OnResults
from localhost.triggers.storage_queue import listener as module
from localhost.triggers.storage_queue.listener import QueueListener, QueueSource

PATIENCE_SECONDS = 30


class SlowExecutor:
    """Ends each call after so long."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.calls: list[Invocation] = []
        self.has_begun, self.has_ended = asyncio.Event(), asyncio.Event()

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        self.calls += invocations
        self.has_begun.set()
        results = [InvocationResult(invocation.id) for invocation in invocations]
        loop = asyncio.get_running_loop()
        loop.call_later(self._seconds, on_results, results)
        loop.call_later(self._seconds, self.has_ended.set)


@asynccontextmanager
async def _listening(
    storage: str, executor: SlowExecutor, news: QueueNews | None = None
) -> AsyncIterator[tuple[QueueClient, QueueListener]]:
    name = f"jobs-{secrets.token_hex(4)}"
    settings = QueueSettings(max_polling=timedelta(milliseconds=100), encoding="none")
    source = QueueSource("job", StorageConnection(storage), name, is_binary=False)
    async with QueueClient.from_connection_string(storage, name, api_version=API_VERSION) as queue:
        await queue.create_queue()
        event = (news or QueueNews()).listen(name)
        listener = QueueListener(source, settings, executor, event)  # type: ignore[arg-type]
        listener.start()
        try:
            yield queue, listener
        finally:
            await listener.stop()


async def _count(queue: QueueClient) -> int | None:
    properties = await queue.get_queue_properties()
    return properties.approximate_message_count


async def test_a_message_stays_out_of_sight_while_its_function_runs(
    storage: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "HOLD", timedelta(seconds=2))
    executor = SlowExecutor(5)
    async with _listening(storage, executor) as (queue, listener):
        await queue.send_message("x")
        await asyncio.wait_for(executor.has_ended.wait(), PATIENCE_SECONDS)
        await listener.stop()
        assert await _count(queue) == 0
    assert len(executor.calls) == 1


async def test_a_message_whose_call_outlasts_the_host_comes_back_at_once(
    storage: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.1)
    executor = SlowExecutor(PATIENCE_SECONDS)
    async with _listening(storage, executor) as (queue, listener):
        await queue.send_message("x")
        await asyncio.wait_for(executor.has_begun.wait(), PATIENCE_SECONDS)
        await listener.stop()
        message = await queue.receive_message()
        assert message is not None and message.dequeue_count == 2


async def test_calls_go_on_when_a_receive_fails(storage: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.1)
    executor = SlowExecutor(2)
    failed = asyncio.Event()
    receive = module._Messages.receive

    async def receive_or_fail(messages: module._Messages) -> list[QueueMessage]:
        if executor.has_begun.is_set() and not failed.is_set():
            failed.set()
            raise ServiceRequestError("no way to the account")
        return await receive(messages)

    monkeypatch.setattr(module._Messages, "receive", receive_or_fail)
    async with _listening(storage, executor) as (queue, _):
        await queue.send_message("x")
        await asyncio.wait_for(failed.wait(), PATIENCE_SECONDS)
        await asyncio.wait_for(executor.has_ended.wait(), PATIENCE_SECONDS)
        await queue.send_message("y")
        while len(executor.calls) < 2:
            await asyncio.sleep(0.02)
    assert [call.payload for call in executor.calls] == ["x", "y"]


async def test_a_queue_that_is_made_later_is_listened_to(storage: str):
    executor = SlowExecutor(0)
    async with _listening(storage, executor) as (queue, _):
        await queue.delete_queue()
        await asyncio.sleep(0.3)
        await queue.create_queue()
        await queue.send_message("x")
        await asyncio.wait_for(executor.has_ended.wait(), PATIENCE_SECONDS)


async def test_what_an_output_of_this_host_has_sent_is_fetched_at_once(
    storage: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "LEAST_WAIT_SECONDS", 3600.0)
    executor, news = SlowExecutor(0), QueueNews()
    async with _listening(storage, executor, news) as (queue, _):
        await asyncio.sleep(0.3)  # it has looked, and waits for an hour
        await queue.send_message("x")
        news.tell(queue.queue_name)
        await asyncio.wait_for(executor.has_begun.wait(), PATIENCE_SECONDS)
