"""Operations that arrive while earlier states of their entity are on their way to the disk."""

import asyncio
import sqlite3
import time

import azure.durable_functions as df

from localhost.durable.engine.engine import Engine
from localhost.durable.host_json import DurableSettings
from localhost.durable.storage.store import Store
from tests.support.doubles.inline_executor import InlineExecutor
from tests.support.replays.durable_hub import Hub

OPERATIONS = 200
DISK_SECONDS = 0.01


class SlowStore(Store):
    """A store on a slow disk."""

    def _write_group(self, connection: sqlite3.Connection) -> bool:
        time.sleep(DISK_SECONDS)
        return super()._write_group(connection)


def make_app() -> df.DFApp:
    app = df.DFApp()

    @app.entity_trigger(context_name="context")
    def tally(context):
        context.set_state(context.get_state(lambda: 0) + 1)

    return app


async def test_none_starts_from_a_state_of_before(path):
    executor = InlineExecutor(make_app())
    engine = Engine(executor, SlowStore.open(path), DurableSettings())
    await engine.start()

    async def signal(place):
        await asyncio.sleep(place * 0.7 * DISK_SECONDS)
        await engine.signal_entity("tally", "all", "add", None)

    await asyncio.gather(*map(signal, range(OPERATIONS)))
    hub = Hub(engine, executor)

    async def operations_left():
        query = "SELECT count(*) FROM operations"
        return await engine._store.read(lambda connection: connection.execute(query).fetchone()[0])

    async def is_idle():
        return not await operations_left()

    await hub.until(is_idle)
    assert (await engine.get_entity("tally", "all")).state_text == str(OPERATIONS)
    await engine.stop()
    await executor.stop()
