"""An engine over an app and a file, with the calls its tests make again and again."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from localhost.durable.engine.engine import Engine
from localhost.durable.engine.tearing import Tearing
from localhost.durable.host_json import DurableSettings
from localhost.durable.records import InstanceRecord
from localhost.durable.storage.store import Store
from tests.support.doubles.inline_executor import InlineExecutor

DEADLINE_SECONDS = 60.0


class Hub:
    """An engine over an app and a file, with the calls tests make again and again."""

    def __init__(self, engine: Engine, executor: InlineExecutor) -> None:
        self.engine = engine
        self.executor = executor

    async def start(self, name: str, value: Any = None, **options: Any) -> str:
        """Start as the SDK's client does: the input is a JSON string of JSON."""
        text = None if value is None else json.dumps(json.dumps(value))
        return await self.engine.start_instance(name, input_text=text, **options)

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Poll a coroutine function until what it returns is true."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (found := await condition()):  # noqa: ASYNC110 - it asks the store
                await asyncio.sleep(0.002)
        return found

    async def status(self, instance_id: str, *statuses: str) -> InstanceRecord:
        """Wait for one of some statuses."""

        async def reached() -> InstanceRecord | None:
            record = await self.engine.get_instance(instance_id)
            return record if record and record.runtime_status in statuses else None

        return await self.until(reached)

    async def result(self, instance_id: str) -> Any:
        """Wait for an instance to complete and decode its output."""
        record = await self.status(instance_id, "Completed", "Failed", "Terminated")
        assert record.runtime_status == "Completed", record.output_text
        return None if record.output_text is None else json.loads(record.output_text)

    async def failure(self, instance_id: str) -> str:
        """Wait for an instance to fail and return its output."""
        record = await self.status(instance_id, "Completed", "Failed", "Terminated")
        assert record.runtime_status == "Failed", record
        return record.output_text or ""

    async def run(self, name: str, value: Any = None, **options: Any) -> Any:
        """Start and wait for the result."""
        return await self.result(await self.start(name, value, **options))

    async def raise_event(self, instance_id: str, name: str) -> None:
        """Raise an event that says nothing."""
        await self.engine.raise_event(instance_id, name, "null")

    async def end_by_force(self, instance_id: str, reason: str) -> None:
        """End an instance, and wait until it has ended."""
        await self.engine.terminate(instance_id, reason)
        await self.status(instance_id, "Terminated")

    async def is_there(self, instance_id: str) -> bool:
        """Tell whether there is an instance."""
        return await self.engine.get_instance(instance_id) is not None

    async def kinds(self, instance_id: str) -> list[int]:
        """The event types of a history."""
        return [event["EventType"] for event in await self.engine.history(instance_id)]


@asynccontextmanager
async def hub(
    app: df.DFApp, path: Path, *, tearing: Tearing | None = None, **settings: Any
) -> AsyncIterator[Hub]:
    executor = InlineExecutor(app)
    engine = Engine(executor, Store.open(path), DurableSettings(**settings), tearing=tearing)
    await engine.start()
    try:
        yield Hub(engine, executor)
    finally:
        await engine.stop(grace_seconds=0.2)
        await executor.stop()
