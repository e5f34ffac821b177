"""Sessions: the messages of one are handed over one after the other, or in batches, in their order.

Several sessions are worked off at once, each on a connection of its own; one where messages are
handed over in batches, as in Azure. One that has had no message for a while is left, and the next
one that has is taken.
Source: https://learn.microsoft.com/azure/service-bus-messaging/message-sessions
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from azure.core.exceptions import AzureError
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusReceiver
from azure.servicebus.exceptions import OperationTimeoutError

from localhost.execution.contract import Executor, InvocationResult
from localhost.triggers.service_bus.metadata import batch_metadata, message_body, message_metadata
from localhost.triggers.service_bus.receiver import IDLE_WAIT_SECONDS, Batch, Listener, logger
from localhost.triggers.service_bus.trigger_settings import Limits, Source

# So long the service holds the attach of a receiver for which there is no session.
SESSION_WAIT_SECONDS = 60


class Sessions(Listener):
    """Works off one session after the other.

    Args:
        source: What it receives from.
        limits: The `serviceBus` section of host.json.
        executor: Runs user code.
        door: Shared by the listeners of a function, of which one at a time waits for a session.
    """

    def __init__(
        self, source: Source, limits: Limits, executor: Executor, door: asyncio.Lock
    ) -> None:
        if not source.is_batched:
            limits = replace(limits, max_batch_size=1, min_batch_size=1)
        super().__init__(source, limits, executor)
        self._door = door
        self._renew_at = 0.0

    async def _work(self) -> None:
        async with contextlib.AsyncExitStack() as exits:
            receiver = await self._wait_for_session(exits)
            if receiver is not None:
                await self._pump(receiver)

    async def _wait_for_session(
        self, exits: contextlib.AsyncExitStack
    ) -> ServiceBusReceiver | None:
        """The receiver of a session; None if there is none yet, or the listener is to stop."""
        stopping = asyncio.create_task(self._stopping.wait())
        opening = asyncio.create_task(self._open_session(exits))
        try:
            await asyncio.wait({stopping, opening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            opening.cancel()
        try:
            return await opening
        except (OperationTimeoutError, asyncio.CancelledError):
            return None

    async def _open_session(self, exits: contextlib.AsyncExitStack) -> ServiceBusReceiver:
        async with self._door:
            client = await self._source.connection.open(exits)
            source = self._source
            if source.queue is not None:
                receiver = client.get_queue_receiver(
                    source.queue,
                    session_id=NEXT_AVAILABLE_SESSION,
                    max_wait_time=SESSION_WAIT_SECONDS,
                    prefetch_count=self._limits.prefetch_count,
                )
            else:
                receiver = client.get_subscription_receiver(
                    str(source.topic),
                    str(source.subscription),
                    session_id=NEXT_AVAILABLE_SESSION,
                    max_wait_time=SESSION_WAIT_SECONDS,
                    prefetch_count=self._limits.prefetch_count,
                )
            return await exits.enter_async_context(receiver)

    async def _pump(self, receiver: ServiceBusReceiver) -> None:
        self._note_lock(receiver)
        is_idle = False
        while not is_idle:
            messages, is_idle = await self._receive(receiver)
            if not messages:
                return
            result = await self._run(receiver, messages)
            await self._settle(receiver, [(message, result) for message in messages])
            await self._renew_in_time(receiver)

    async def _receive(
        self, receiver: ServiceBusReceiver
    ) -> tuple[list[ServiceBusReceivedMessage], bool]:
        """A message or a batch, and whether the session is idle; none if the host stops."""
        now: Callable[[], float] = asyncio.get_running_loop().time
        idle_seconds = self._limits.session_idle.total_seconds()
        wait = min(IDLE_WAIT_SECONDS, max(idle_seconds, 0.1))
        batch = Batch(self._limits)
        idle_from = now()
        while not (self._stopping.is_set() or batch.is_due()):
            received = await receiver.receive_messages(batch.room, max_wait_time=wait)
            batch.messages += received
            if received:
                idle_from = now()
            elif now() - idle_from >= idle_seconds:
                return batch.messages, True  # no more will come, so what there is need not wait
            await self._renew_in_time(receiver)
        return batch.messages, False

    async def _run(
        self, receiver: ServiceBusReceiver, messages: Sequence[ServiceBusReceivedMessage]
    ) -> InvocationResult:
        """Call the function, and keep the session meanwhile; not for batches, as in Azure."""
        if self._source.is_batched:
            bodies = [message_body(message) for message in messages]
            return await self._call(bodies, batch_metadata(messages))
        metadata = message_metadata(messages[0], is_binary=self._source.is_binary)
        call = asyncio.create_task(self._call(message_body(messages[0]), metadata))
        loop = asyncio.get_running_loop()
        end = loop.time() + self._limits.max_renewal.total_seconds()
        while not call.done():
            await asyncio.wait({call}, timeout=IDLE_WAIT_SECONDS)
            if loop.time() < end:
                await self._renew_in_time(receiver)
        return call.result()

    async def _renew_in_time(self, receiver: ServiceBusReceiver) -> None:
        """Renew the lock of the session when half of it is over."""
        if asyncio.get_running_loop().time() < self._renew_at:
            return
        try:
            await receiver.session.renew_lock()
        except AzureError as error:
            logger.warning(
                "function %s: the lock of session %s could not be renewed: %s",
                self._source.function,
                receiver.session.session_id,
                error,
            )
        self._note_lock(receiver)

    def _note_lock(self, receiver: ServiceBusReceiver) -> None:
        until = receiver.session.locked_until_utc
        left = 0.0 if until is None else (until - datetime.now(UTC)).total_seconds()
        self._renew_at = asyncio.get_running_loop().time() + max(left / 2, IDLE_WAIT_SECONDS)
