"""The Service Bus output: messages to a queue or a topic.

Each message is sent by itself and in order, as Azure's extension does it; where one fails, those
before it are sent. Entities are not made.
Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus-output
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusSender

from localhost.bindings.connections import ServiceBusConnection
from localhost.bindings.contract import BindingError
from localhost.bindings.texts import split_messages
from localhost.execution.contract import FunctionInfo, Invocation

logger = logging.getLogger(__name__)

TEXT = "text/plain"
BINARY = "application/octet-stream"
# The library tries again even where there is no such queue, which takes seconds a try.
RETRIES = 1


class ServiceBusOutput:
    """Sends what one binding carries.

    Args:
        info: The function.
        binding: Its output.
        environment: The settings, which name the connection.

    Raises:
        BindingError: It names no entity, or its connection no setting.
    """

    def __init__(
        self, info: FunctionInfo, binding: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        self._function = info.name
        self._queue = binding.get("queueName")
        self._topic = binding.get("topicName")
        if not self._queue and not self._topic:
            raise BindingError(
                f"Function '{info.name}': its output '{binding['name']}' names neither a queue nor "
                "a topic."
            )
        self._connection = ServiceBusConnection.of_binding(info, binding, environment)
        self._exits = AsyncExitStack()
        self._sender: ServiceBusSender | None = None
        # A sender is for one task at a time.
        self._turn = asyncio.Lock()
        self._has_warned = False

    async def write(self, value: Any, invocation: Invocation) -> None:
        """Send the messages; see `Output`."""
        messages = [_message(body) for body in split_messages(value)]
        if isinstance(value, bytes) and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "function %s sends bytes to Service Bus. Azure's host sends the text "
                "'System.Byte[]' in their place (azure-functions-host issue 3125): set a str.",
                self._function,
            )
        async with self._turn:
            try:
                sender = self._sender or await self._open()
                for message in messages:
                    await sender.send_messages(message)
            except BaseException:
                await self._close_sender()
                raise

    async def close(self) -> None:
        """See `Output`."""
        async with self._turn:
            await self._close_sender()

    async def _open(self) -> ServiceBusSender:
        client = await self._connection.open(self._exits, retry_total=RETRIES)
        if self._queue:
            sender = client.get_queue_sender(str(self._queue))
        else:
            sender = client.get_topic_sender(str(self._topic))
        self._sender = await self._exits.enter_async_context(sender)
        return self._sender

    async def _close_sender(self) -> None:
        self._sender = None
        exits, self._exits = self._exits, AsyncExitStack()
        await exits.aclose()


def _message(body: str | bytes) -> ServiceBusMessage:
    return ServiceBusMessage(body, content_type=BINARY if isinstance(body, bytes) else TEXT)
