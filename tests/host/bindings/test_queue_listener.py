"""A listener of a Storage queue, with a real Azurite, and times short enough for a test."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

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
    """Ends each call after so long; None: when it is told to."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._open: list[Callable[[], None]] = []
        self.calls: list[Invocation] = []
        self.has_begun, self.has_ended = asyncio.Event(), asyncio.Event()

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        self.calls += invocations
        self.has_begun.set()
        results = [InvocationResult(invocation.id) for invocation in invocations]
        self._open.append(lambda: on_results(results))
        if self._seconds is not None:
            asyncio.get_running_loop().call_later(self._seconds, self.end)

    def end(self) -> None:
        """End the call that began first."""
        self._open.pop(0)()
        self.has_ended.set()


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


async def test_a_message_stays_out_of_sight_while_its_function_runs_though_renewals_fail(
    storage: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "HOLD", timedelta(seconds=6))
    monkeypatch.setattr(module, "RENEWAL_RETRY_SECONDS", 0.2, raising=False)
    failures = [ServiceRequestError("no way to the account")] * 2
    update = QueueClient.update_message

    async def update_or_fail(*args: Any, **named: Any) -> QueueMessage:
        if failures:
            raise failures.pop()
        return await update(*args, **named)

    monkeypatch.setattr(QueueClient, "update_message", update_or_fail)
    executor = SlowExecutor(8)
    async with _listening(storage, executor) as (queue, listener):
        await queue.send_message("x")
        await asyncio.wait_for(executor.has_ended.wait(), PATIENCE_SECONDS)
        await listener.stop()
        assert await _count(queue) == 0
    assert len(executor.calls) == 1


async def test_a_message_whose_call_ends_during_a_renewal_is_settled(
    storage: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "HOLD", timedelta(seconds=6))
    renewed = asyncio.Event()
    update = QueueClient.update_message

    async def update_and_answer_late(*args: Any, **named: Any) -> QueueMessage:
        message = await update(*args, **named)
        renewed.set()
        await asyncio.sleep(0.5)
        return message

    monkeypatch.setattr(QueueClient, "update_message", update_and_answer_late)
    executor = SlowExecutor(None)
    async with _listening(storage, executor) as (queue, listener):
        await queue.send_message("x")
        await asyncio.wait_for(renewed.wait(), PATIENCE_SECONDS)
        executor.end()
        await listener.stop()
        assert await _count(queue) == 0


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
        if executor.calls and not failed.is_set():
            failed.set()
            raise ServiceRequestError("no way to the account")
        return await receive(messages)

    monkeypatch.setattr(module._Messages, "receive", receive_or_fail)
    async with _listening(storage, executor) as (queue, _):
        await queue.send_message("x")
        await asyncio.wait_for(failed.wait(), PATIENCE_SECONDS)
        await asyncio.wait_for(executor.has_ended.wait(), PATIENCE_SECONDS)
        executor.has_begun.clear()
        await queue.send_message("y")
        await asyncio.wait_for(executor.has_begun.wait(), PATIENCE_SECONDS)
    assert [call.payload for call in executor.calls] == ["x", "y"]


async def test_a_stop_waits_neither_for_a_receive_that_hangs_nor_leaves_calls_behind(
    storage: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(module, "ANSWER_SECONDS", 5.0, raising=False)
    executor, hangs = SlowExecutor(None), asyncio.Event()
    receive = module._Messages.receive

    async def receive_or_hang(messages: module._Messages) -> list[QueueMessage]:
        if executor.has_begun.is_set():
            hangs.set()
            await asyncio.sleep(3600)
        return await receive(messages)

    monkeypatch.setattr(module._Messages, "receive", receive_or_hang)
    async with _listening(storage, executor) as (queue, listener):
        await queue.send_message("x")
        await asyncio.wait_for(hangs.wait(), PATIENCE_SECONDS)
        await listener.stop()
        message = await queue.receive_message()
        assert message is not None and message.dequeue_count == 2


async def test_messages_that_come_in_during_a_stop_are_given_back(
    storage: str, monkeypatch: pytest.MonkeyPatch
):
    executor, fetched, stopping = SlowExecutor(0), asyncio.Event(), asyncio.Event()
    receive = module._Messages.receive

    async def receive_and_answer_late(messages: module._Messages) -> list[QueueMessage]:
        received = await receive(messages)
        if received:
            fetched.set()
            await stopping.wait()
        return received

    monkeypatch.setattr(module._Messages, "receive", receive_and_answer_late)
    async with _listening(storage, executor) as (queue, listener):
        await queue.send_message("x")
        await asyncio.wait_for(fetched.wait(), PATIENCE_SECONDS)
        stop = asyncio.create_task(listener.stop())
        await asyncio.sleep(0.1)
        stopping.set()
        await stop
        message = await queue.receive_message()
        assert message is not None and message.dequeue_count == 2
    assert executor.calls == []


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
    looked = asyncio.Event()
    receive = module._Messages.receive

    async def receive_and_tell(messages: module._Messages) -> list[QueueMessage]:
        received = await receive(messages)
        looked.set()
        return received

    monkeypatch.setattr(module._Messages, "receive", receive_and_tell)
    async with _listening(storage, executor, news) as (queue, _):
        await asyncio.wait_for(looked.wait(), PATIENCE_SECONDS)  # it waits for an hour now
        await queue.send_message("x")
        news.tell(queue.queue_name)
        await asyncio.wait_for(executor.has_begun.wait(), PATIENCE_SECONDS)
