"""The output to a Storage queue, which is made if it is not there.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-output
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from azure.storage.queue.aio import QueueClient

from localhost.bindings.connections import StorageConnection
from localhost.bindings.queue_clients import SERVICE, open_service, queue_name, send
from localhost.bindings.queue_news import QueueNews
from localhost.bindings.queue_settings import QueueSettings
from localhost.bindings.texts import split_messages
from localhost.execution.contract import FunctionInfo, Invocation


class QueueOutput:
    """Sends what one binding carries.

    Args:
        info: The function.
        binding: Its output.
        environment: The settings, which name the connection.
        settings: The `queues` section of host.json.
        news: Is told of what was sent.

    Raises:
        BindingError: It names no queue, or its connection no setting.
    """

    def __init__(
        self,
        info: FunctionInfo,
        binding: Mapping[str, Any],
        environment: Mapping[str, str],
        settings: QueueSettings,
        news: QueueNews,
    ) -> None:
        self._connection = StorageConnection.of_binding(info, binding, environment, SERVICE)
        self._name = queue_name(info, binding)
        self._settings = settings
        self._news = news
        self._exits = AsyncExitStack()
        self._queue: QueueClient | None = None

    async def write(self, value: Any, invocation: Invocation) -> None:
        """Send the messages; see `Output`."""
        if self._queue is None:
            service = await open_service(self._connection, self._exits)
            self._queue = service.get_queue_client(self._name)
        contents = [self._settings.encode(body) for body in split_messages(value)]
        for content in contents:
            await send(self._queue, content)
        self._news.tell(self._name)

    async def close(self) -> None:
        """See `Output`."""
        await self._exits.aclose()
