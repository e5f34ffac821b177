"""An app of the SDK 2.x over the in-memory backend, with what carrying out scenarios asks for."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import azure.durable_functions as df

from fanout.durable import client as durable
from fanout.durable.status import InstanceStatus
from tests.support.sdk2.backend import running_backend
from tests.support.sdk2.functions_host import FunctionsHost

DEADLINE_SECONDS = 300


class BackendHub:
    """Orchestrations of the SDK 2.x, by the client that the app itself uses."""

    def __init__(self, client: Any, host: FunctionsHost) -> None:
        self.client = client
        self._host = host

    async def start(self, name: str, value: Any = None, *, instance_id: str) -> str:
        await durable.start(self.client, name, instance_id, value)
        return instance_id

    async def raise_event(self, instance_id: str, name: str) -> None:
        await durable.raise_event(self.client, instance_id, name)

    async def end_by_force(self, instance_id: str, reason: str) -> None:
        await durable.terminate(self.client, instance_id, reason)
        assert (await self.status(instance_id)).runtime == "Terminated"

    async def is_there(self, instance_id: str) -> bool:
        return await durable.read_status(self.client, instance_id) is not None

    async def until(self, condition: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (found := await condition()):
                assert self._host.faults == []
                await asyncio.sleep(0.05)
        return found

    async def status(self, instance_id: str) -> InstanceStatus:
        """Wait for an orchestration to end; gives how it ended."""

        async def ended() -> InstanceStatus | None:
            known = await durable.read_status(self.client, instance_id)
            is_over = known is not None and known.runtime in ("Completed", "Failed", "Terminated")
            return known if is_over else None

        known: InstanceStatus = await self.until(ended)
        return known

    async def result(self, instance_id: str) -> Any:
        known = await self.status(instance_id)
        assert known.runtime == "Completed", (instance_id, known)
        return known.output


@asynccontextmanager
async def backend_hub(app: df.DFApp) -> AsyncIterator[BackendHub]:
    """Serve an app over a backend of its own."""
    with running_backend() as address:
        host = FunctionsHost(app, address)
        serving = asyncio.create_task(host.serve())
        client = df.DurableFunctionsClient(json.dumps({"taskHubName": "h", "rpcBaseUrl": address}))
        try:
            yield BackendHub(client, host)
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
            await client.close()
