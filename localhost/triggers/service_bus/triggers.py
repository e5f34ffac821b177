"""Service Bus triggers: messages are received, handed to functions and settled by how they end.

A message whose call succeeds is completed. One whose call fails is abandoned, be it by an
exception, a time-out or the death of its worker. Messages of a host that is killed are delivered
again when their locks end. Retry policies of functions do not count here, as in Azure: the
entity's maximum delivery count does.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus-trigger
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from localhost.execution.contract import Executor, FunctionInfo
from localhost.triggers.service_bus.receiver import Batches, Listener, Singles
from localhost.triggers.service_bus.sessions import Sessions
from localhost.triggers.service_bus.trigger_settings import Limits, Source

CONNECTIONS = 4


class ServiceBusTriggers:
    """Runs the Service Bus functions of an app until stopped.

    Args:
        executor: Runs user code.
        environment: The settings, which name the connections.
        section: `extensions.serviceBus` of host.json.
    """

    def __init__(
        self, executor: Executor, environment: Mapping[str, str], section: Mapping[str, Any]
    ) -> None:
        self._executor = executor
        self._environment = environment
        self._section = section
        self._listeners: list[Listener] = []

    def start(self, functions: Sequence[FunctionInfo]) -> None:
        """Listen for these functions.

        Raises:
            ServiceBusTriggerError: One cannot be listened for; none is started then.
        """
        if not functions:
            return
        limits = Limits.from_host_json(self._section)
        sources = [Source.from_trigger(info, self._environment, limits) for info in functions]
        for source in sources:
            self._listeners += self._make_listeners(source, limits)
        for listener in self._listeners:
            listener.start()

    def _make_listeners(self, source: Source, limits: Limits) -> list[Listener]:
        if source.has_sessions:
            door = asyncio.Lock()
            # Azure's host has one loop for batches, and in it one session at a time.
            count = 1 if source.is_batched else limits.max_concurrent_sessions
            return [Sessions(source, limits, self._executor, door) for _ in range(count)]
        if source.is_batched:
            return [Batches(source, limits, self._executor)]
        # Over several connections, because on each a settlement waits for the one before it.
        lanes = min(CONNECTIONS, limits.max_concurrent_calls)
        shares = [limits.max_concurrent_calls // lanes] * lanes
        shares[0] += limits.max_concurrent_calls % lanes
        return [
            Singles(source, replace(limits, max_concurrent_calls=share), self._executor)
            for share in shares
        ]

    async def stop(self) -> None:
        """Receive nothing more, let what runs end, and settle it."""
        await asyncio.gather(*(listener.stop() for listener in self._listeners))
        self._listeners = []
