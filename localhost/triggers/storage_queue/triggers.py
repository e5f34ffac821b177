"""Storage queue triggers: messages are fetched, handed to functions, and deleted or sent back.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from localhost.bindings.connections import StorageConnection
from localhost.bindings.queue_clients import SERVICE, queue_name
from localhost.bindings.queue_news import QueueNews
from localhost.bindings.queue_settings import QueueSettings
from localhost.execution.contract import Executor, FunctionInfo
from localhost.triggers.storage_queue.listener import QueueListener, QueueSource


class QueueTriggers:
    """Runs the Storage queue functions of an app until stopped.

    Args:
        executor: Runs user code.
        environment: The settings, which name the connections.
        section: `extensions.queues` of host.json.
        news: Tells of what outputs of this host have sent.
    """

    def __init__(
        self,
        executor: Executor,
        environment: Mapping[str, str],
        section: Mapping[str, Any],
        news: QueueNews,
    ) -> None:
        self._executor = executor
        self._environment = environment
        self._section = section
        self._news = news
        self._listeners: list[QueueListener] = []

    def start(self, functions: Sequence[FunctionInfo]) -> None:
        """Listen for these functions.

        Raises:
            BindingError: One cannot be listened for; none is started then.
        """
        settings = QueueSettings.of_host_json(self._section)
        for source in [self._source(info) for info in functions]:
            news = self._news.listen(source.queue)
            self._listeners.append(QueueListener(source, settings, self._executor, news))
        for listener in self._listeners:
            listener.start()

    async def stop(self) -> None:
        """Receive nothing more, let what runs end, and settle it."""
        await asyncio.gather(*(listener.stop() for listener in self._listeners))
        self._listeners = []

    def _source(self, info: FunctionInfo) -> QueueSource:
        trigger = info.trigger
        return QueueSource(
            function=info.name,
            connection=StorageConnection.of_binding(info, trigger, self._environment, SERVICE),
            queue=queue_name(info, trigger),
            is_binary=trigger.get("dataType") == "binary",
        )
