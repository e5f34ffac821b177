"""One Storage queue function's listener: fetches messages, has them handled, and settles them.

What ends well is deleted. What fails comes back after `visibilityTimeout`, and after
`maxDequeueCount` deliveries goes to the queue `NAME-poison`. While a function runs, its message is
kept out of sight.
Source: QueueListener.cs and QueueProcessor.cs of the Storage extension.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from localhost.bindings.connections import StorageConnection
from localhost.bindings.queue_clients import open_service, send
from localhost.bindings.queue_settings import QueueSettings
from localhost.execution.contract import Executor, Invocation
from localhost.execution.invoke import invoke
from localhost.triggers.storage_queue.metadata import message_metadata

logger = logging.getLogger(__name__)

POISON = "-poison"
# A message is out of sight for so long, and as often as half of it has passed for so long again.
HOLD = timedelta(minutes=10)
NO_DELAY = timedelta(0)
LEAST_WAIT_SECONDS = 0.1
RECONNECT_SECONDS = 1.0
RENEWAL_RETRY_SECONDS = 5.0
GRACE_SECONDS = 10.0
# So long a stop waits for an answer of the storage, beside what calls are granted.
ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class QueueSource:
    """What a queue function receives.

    Attributes:
        is_binary: Whether the function is given bytes; a text otherwise.
    """

    function: str
    connection: StorageConnection
    queue: str
    is_binary: bool


class QueueListener:
    """Receives for one function until stopped.

    Args:
        source: What it receives.
        settings: The `queues` section of host.json.
        executor: Runs user code.
        news: Is set when something was sent to the queue.
    """

    def __init__(
        self,
        source: QueueSource,
        settings: QueueSettings,
        executor: Executor,
        news: asyncio.Event,
    ) -> None:
        self._source = source
        self._settings = settings
        self._executor = executor
        self._news = news
        self._stopping = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self._receiving: asyncio.Task[list[QueueMessage]] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to receive."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Receive nothing more; what runs may end within a grace period, and comes back then."""
        self._stopping.set()
        self._news.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=GRACE_SECONDS + 3 * ANSWER_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while not self._stopping.is_set():
            async with contextlib.AsyncExitStack() as exits:
                try:
                    service = await open_service(self._source.connection, exits)
                except Exception as error:  # noqa: BLE001 - it is told
                    self._tell(error)
                else:
                    await self._serve(_Messages(service, self._source.queue, self._settings))
            await self._pause()

    async def _serve(self, messages: "_Messages") -> None:
        """Receive until stopped; only then do calls end that still run."""
        try:
            await self._pump(messages)
        finally:
            await asyncio.gather(self._end_calls(), self._give_back(messages))

    async def _pump(self, messages: "_Messages") -> None:
        pause = LEAST_WAIT_SECONDS
        while not self._stopping.is_set():
            self._news.clear()
            if len(self._calls) > self._settings.new_batch_threshold:
                await self._wait(None)
                continue
            try:
                received = await self._receive(messages)
            except Exception as error:  # noqa: BLE001 - it is told
                self._tell(error)  # calls go on: each holds its message by itself
                await self._pause()
                continue
            for message in received:
                self._begin(messages, message)
            if not received:
                await self._wait(pause)
                pause = min(2 * pause, self._settings.max_polling.total_seconds())
            else:
                pause = LEAST_WAIT_SECONDS

    async def _receive(self, messages: "_Messages") -> list[QueueMessage]:
        """The next messages; none, with a request left under way, if the host stops meanwhile."""
        self._receiving = asyncio.create_task(messages.receive())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({self._receiving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if self._stopping.is_set():
            return []
        received, self._receiving = self._receiving, None
        return received.result()

    async def _give_back(self, messages: "_Messages") -> None:
        """What comes in while the host stops is delivered again; no call begins for it."""
        if self._receiving is None:
            return
        with contextlib.suppress(Exception):  # it comes back by itself, but later
            async with asyncio.timeout(ANSWER_SECONDS):
                received = await self._receiving
                await asyncio.gather(*(messages.release(one, NO_DELAY) for one in received))

    def _tell(self, error: BaseException) -> None:
        source = self._source
        if isinstance(error, AzureError | OSError | ValueError):
            # The client's own stack says nothing to a user.
            logger.error(
                "function %s cannot receive from queue '%s': %s; trying again",
                source.function,
                source.queue,
                error,
            )
            return
        logger.error(
            "function %s: its listener failed; it begins again", source.function, exc_info=error
        )

    async def _pause(self) -> None:
        """Wait before the next attempt, or until the host stops."""
        await _happens(self._stopping, RECONNECT_SECONDS)

    async def _wait(self, seconds: float | None) -> None:
        """Wait until a call ends, something was sent, the host stops, or so long."""
        news = asyncio.create_task(self._news.wait())
        busy = self._calls if seconds is None else set()
        await asyncio.wait({news, *busy}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()

    def _begin(self, messages: "_Messages", message: QueueMessage) -> None:
        task = asyncio.create_task(self._handle(messages, message))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _end_calls(self) -> None:
        if not self._calls:
            return
        _, late = await asyncio.wait(set(self._calls), timeout=GRACE_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _handle(self, messages: "_Messages", message: QueueMessage) -> None:
        try:
            error = await self._run(messages, message)
            if error is None:
                await messages.delete(message)
            elif _count(message) >= self._settings.max_dequeue_count:
                await self._bury(messages, message)
            else:
                await messages.release(message, self._settings.visibility)
        except asyncio.CancelledError:
            with contextlib.suppress(AzureError, TimeoutError):  # it comes back, but later
                async with asyncio.timeout(ANSWER_SECONDS):
                    await messages.release(message, NO_DELAY)
            raise
        except AzureError as error:
            logger.warning(
                "function %s: message %s could not be settled and is delivered again: %s",
                self._source.function,
                message.id,
                error,
            )

    async def _run(self, messages: "_Messages", message: QueueMessage) -> str | None:
        """Have a message handled; return what went wrong."""
        if _count(message) > self._settings.max_dequeue_count:
            return "it was delivered too often"
        try:
            payload = self._payload(message)
        except ValueError as error:
            logger.error(  # noqa: TRY400 - a user's message, not a fault of the host
                "function %s: message %s cannot be read: %s. 'extensions.queues.messageEncoding' "
                "of host.json is %s.",
                self._source.function,
                message.id,
                error,
                self._settings.encoding,
            )
            message.dequeue_count = self._settings.max_dequeue_count  # reading it again is no use
            return str(error)
        async with _held(messages, message):
            result = await invoke(self._executor, self._invocation(message, payload))
        if result.error is not None:
            logger.error("function %s failed: %s", self._source.function, result.error)
        return result.error

    def _payload(self, message: QueueMessage) -> str | bytes:
        data = self._settings.decode(message.content)
        return data if self._source.is_binary else data.decode()

    def _invocation(self, message: QueueMessage, payload: str | bytes) -> Invocation:
        text = payload if isinstance(payload, str) else None
        metadata: dict[str, Any] = message_metadata(message, text)
        return Invocation(
            id=str(uuid.uuid4()),
            function=self._source.function,
            payload=payload,
            metadata=metadata,
        )

    async def _bury(self, messages: "_Messages", message: QueueMessage) -> None:
        place = await messages.bury(message)
        logger.error(
            "function %s: message %s has reached MaxDequeueCount of %d. %s",
            self._source.function,
            message.id,
            self._settings.max_dequeue_count,
            f"Moving it to queue '{place}'." if place else "It is deleted.",
        )


def _count(message: QueueMessage) -> int:
    return message.dequeue_count or 0


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Whether something happens within so long."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


@contextlib.asynccontextmanager
async def _held(messages: "_Messages", message: QueueMessage) -> AsyncIterator[None]:
    """Keep a message out of sight meanwhile.

    A renewal under way is waited for: its answer has the receipt without which nothing settles the
    message. A host that stops does not wait for it for long.
    """
    ended = asyncio.Event()
    holder = asyncio.create_task(messages.hold(message, ended))
    try:
        yield
        ended.set()
        await asyncio.wait({holder})
    finally:
        ended.set()
        await asyncio.wait({holder}, timeout=ANSWER_SECONDS)
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)


class _Messages:
    """A queue and its poison queue."""

    def __init__(self, service: QueueServiceClient, name: str, settings: QueueSettings) -> None:
        self._service = service
        self._name = name
        self._settings = settings
        self._queue: QueueClient = service.get_queue_client(name)

    async def receive(self) -> list[QueueMessage]:
        """The next messages; none where there is no queue, which may be made any time."""
        messages = self._queue.receive_messages(
            messages_per_page=self._settings.batch_size,
            visibility_timeout=int(HOLD.total_seconds()),
        )
        try:
            async for page in messages.by_page():
                return [message async for message in page]  # a second page is a second request
        except ResourceNotFoundError:
            pass
        return []

    async def hold(self, message: QueueMessage, ended: asyncio.Event) -> None:
        """Keep a message out of sight until its call has ended."""
        pause = HOLD.total_seconds() / 2
        while not await _happens(ended, pause):
            pause = HOLD.total_seconds() / 2
            try:
                await self._hide(message, HOLD)
            except ResourceNotFoundError:  # deleted, or handed to somebody else
                logger.warning("message %s is no longer held, and may be handled twice", message.id)
                return
            except AzureError as error:
                logger.warning("message %s could not be kept out of sight: %s", message.id, error)
                pause = min(pause, RENEWAL_RETRY_SECONDS)

    async def release(self, message: QueueMessage, delay: timedelta) -> None:
        """Have a message delivered again."""
        with contextlib.suppress(ResourceNotFoundError):
            await self._hide(message, delay)

    async def delete(self, message: QueueMessage) -> None:
        """The message was handled."""
        with contextlib.suppress(ResourceNotFoundError):
            await self._queue.delete_message(message)

    async def bury(self, message: QueueMessage) -> str | None:
        """Move a message to the poison queue, unless this is one; return the queue's name."""
        place = None if self._name.endswith(POISON) else f"{self._name}{POISON}"
        if place is not None:
            await send(self._service.get_queue_client(place), message.content)
        await self.delete(message)
        return place

    async def _hide(self, message: QueueMessage, span: timedelta) -> None:
        seconds = int(span.total_seconds())
        updated = await self._queue.update_message(message, visibility_timeout=seconds)
        message.pop_receipt = updated.pop_receipt
