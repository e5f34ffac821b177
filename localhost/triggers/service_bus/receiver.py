"""One Service Bus function's listener: a connection of its own, and one task that uses it.

Receiving, settling and renewing take turns on that task: the client reads answers from the same
socket as messages, and two readers would wait for one another.
"""

import asyncio
import contextlib
import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import AzureError
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusReceiver

from localhost.execution.contract import Executor, Invocation, InvocationResult
from localhost.execution.invoke import invoke
from localhost.triggers.service_bus.metadata import batch_metadata, message_body, message_metadata
from localhost.triggers.service_bus.trigger_settings import Limits, Source

logger = logging.getLogger(__name__)

IDLE_WAIT_SECONDS = 1.0
BUSY_WAIT_SECONDS = 0.02
RECONNECT_SECONDS = 1.0
GRACE_SECONDS = 10.0
# From this many on, settling together is faster. Below, it is slower than one after the other:
# whoever of the client's coroutines reads last waits for its read to time out.
TOGETHER_FROM = 200


@dataclass(eq=False)
class _Call:
    """A message whose function runs, and when its lock must be renewed (loop time)."""

    message: ServiceBusReceivedMessage
    task: "asyncio.Task[InvocationResult]"
    began: float
    renew_at: float


class Listener(ABC):
    """Receives for one function until stopped, over connection after connection."""

    def __init__(self, source: Source, limits: Limits, executor: Executor) -> None:
        self._source = source
        self._limits = limits
        self._executor = executor
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to receive."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Receive nothing more; what runs may end within a grace period and is settled.

        What still runs then is delivered again when its lock ends.
        """
        self._stopping.set()
        if self._task is None:
            return
        _, late = await asyncio.wait({self._task}, timeout=GRACE_SECONDS)
        if late:
            self._task.cancel()
            await asyncio.wait(late)
            logger.warning("%s: calls go on; their messages are redelivered", self._source.function)

    async def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._work()
            except (AzureError, OSError, ValueError) as error:
                logger.error(  # noqa: TRY400 - the client's own stack says nothing to a user
                    "function %s cannot receive from %s: %s; trying again",
                    self._source.function,
                    self._source.path,
                    error,
                )
                await self._pause()
            except Exception:
                logger.exception(
                    "function %s: its listener failed; it begins again", self._source.function
                )
                await self._pause()

    async def _work(self) -> None:
        """Receive over one connection, until it breaks or the listener is to stop."""
        async with contextlib.AsyncExitStack() as exits:
            receiver = await _open(self._source, self._limits, exits)
            await self._pump(receiver)

    async def _pause(self) -> None:
        """Wait before the next connection, or until the listener is to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), RECONNECT_SECONDS)

    @abstractmethod
    async def _pump(self, receiver: ServiceBusReceiver) -> None:
        """Receive and settle until the listener is to stop."""

    async def _call(self, payload: Any, metadata: dict[str, Any]) -> InvocationResult:
        invocation = Invocation(
            id=str(uuid.uuid4()), function=self._source.function, payload=payload, metadata=metadata
        )
        result = await invoke(self._executor, invocation)
        if result.error is not None:
            logger.error("function %s failed: %s", self._source.function, result.error)
        return result

    async def _settle(
        self,
        receiver: ServiceBusReceiver,
        pairs: Sequence[tuple[ServiceBusReceivedMessage, InvocationResult]],
    ) -> None:
        if len(pairs) >= TOGETHER_FROM:
            await asyncio.gather(*(self._settle_one(receiver, *pair) for pair in pairs))
            return
        for pair in pairs:
            await self._settle_one(receiver, *pair)

    async def _settle_one(
        self,
        receiver: ServiceBusReceiver,
        message: ServiceBusReceivedMessage,
        result: InvocationResult,
    ) -> None:
        try:
            if result.error is not None:
                await receiver.abandon_message(message)
            elif self._source.auto_complete:
                await receiver.complete_message(message)
        except AzureError as error:
            logger.warning(
                "function %s: message %s could not be settled and is delivered again: %s",
                self._source.function,
                message.message_id,
                error,
            )


class Singles(Listener):
    """Hands over one message a call, several at once, and keeps their locks."""

    async def _pump(self, receiver: ServiceBusReceiver) -> None:
        calls: set[_Call] = set()
        while calls or not self._stopping.is_set():
            free = self._limits.max_concurrent_calls - len(calls)
            if free and not self._stopping.is_set():
                # One message is handed over at once; a wait for more is for a host that is busy.
                count, wait = (free, BUSY_WAIT_SECONDS) if calls else (1, IDLE_WAIT_SECONDS)
                received = await receiver.receive_messages(count, max_wait_time=wait)
                calls |= {self._begin(message) for message in received}
            if calls:
                await asyncio.wait(
                    {call.task for call in calls},
                    timeout=BUSY_WAIT_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            # More end while these are settled; what is free then is received in one go.
            while ended := {call for call in calls if call.task.done()}:
                calls -= ended
                await self._settle(receiver, [(call.message, call.task.result()) for call in ended])
            await self._renew(receiver, calls)

    def _begin(self, message: ServiceBusReceivedMessage) -> _Call:
        metadata = message_metadata(message, is_binary=self._source.is_binary)
        call = self._call(message_body(message), metadata)
        now = asyncio.get_running_loop().time()
        return _Call(message, asyncio.create_task(call), now, now + _half_of_lock(message))

    async def _renew(self, receiver: ServiceBusReceiver, calls: set[_Call]) -> None:
        now = asyncio.get_running_loop().time()
        longest = self._limits.max_renewal.total_seconds()
        for call in calls:
            if call.renew_at > now or now - call.began >= longest:
                continue
            try:
                await receiver.renew_message_lock(call.message)
            except AzureError as error:
                logger.warning(
                    "function %s: the lock of message %s could not be renewed: %s",
                    self._source.function,
                    call.message.message_id,
                    error,
                )
            call.renew_at = now + max(_half_of_lock(call.message), IDLE_WAIT_SECONDS)


class Batch:
    """Messages that wait until there are enough of them, or the wait for more is over.

    Args:
        limits: Say how many are enough, and how long they wait.
    """

    def __init__(self, limits: Limits) -> None:
        self.messages: list[ServiceBusReceivedMessage] = []
        self._limits = limits
        self._now: Callable[[], float] = asyncio.get_running_loop().time
        self._end = self._now() + limits.max_batch_wait.total_seconds()

    @property
    def room(self) -> int:
        """How many more it takes."""
        return self._limits.max_batch_size - len(self.messages)

    def is_due(self) -> bool:
        """Whether it is to be handed over."""
        if len(self.messages) >= self._limits.min_batch_size:
            return True
        return bool(self.messages) and self._now() >= self._end


class Batches(Listener):
    """Hands over many messages a call, one call at a time; their locks are not renewed."""

    async def _pump(self, receiver: ServiceBusReceiver) -> None:
        while not self._stopping.is_set():
            messages = await self._receive(receiver)
            if not messages:
                continue
            bodies = [message_body(message) for message in messages]
            result = await self._call(bodies, batch_metadata(messages))
            await self._settle(receiver, [(message, result) for message in messages])

    async def _receive(self, receiver: ServiceBusReceiver) -> list[ServiceBusReceivedMessage]:
        batch = Batch(self._limits)
        while not (self._stopping.is_set() or batch.is_due()):
            batch.messages += await receiver.receive_messages(
                batch.room, max_wait_time=IDLE_WAIT_SECONDS
            )
        return batch.messages


async def _open(
    source: Source, limits: Limits, exits: contextlib.AsyncExitStack
) -> ServiceBusReceiver:
    client = await source.connection.open(exits)
    if source.queue is not None:
        receiver = client.get_queue_receiver(source.queue, prefetch_count=limits.prefetch_count)
    else:
        receiver = client.get_subscription_receiver(
            str(source.topic), str(source.subscription), prefetch_count=limits.prefetch_count
        )
    return await exits.enter_async_context(receiver)


def _half_of_lock(message: ServiceBusReceivedMessage) -> float:
    until = message.locked_until_utc
    return 0.0 if until is None else (until - datetime.now(UTC)).total_seconds() / 2
