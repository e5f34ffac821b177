"""Runs recorded once for all replay tests, by carrying out every scenario."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fanout.adapters.rows.attempts import read_attempt
from fanout.governor.run_state import GovernorState
from fanout.messages.run import QueuedRun
from fanout.naming import events
from fanout.naming import functions as names
from fanout.naming.instance_ids import queue_instance
from tests.support.doubles.memory_tables import memory_rows
from tests.support.replays.durable_hub import Hub, hub
from tests.support.replays.recorded_histories import Recording, recordings
from tests.support.replays.scenarios import FORGOTTEN, QUEUES, WOKEN_IN_VAIN, scenarios
from tests.support.replays.scripted_runs import Script, scripted_app

ORCHESTRATORS = {names.RUN, names.SHARD, names.FAN_IN, names.QUEUED_RUN}
ORCHESTRATORS |= {names.SAGA_BATCH, names.SAGA}
# What carries out batches.
BATCHES = {names.PROCESS_BATCH, names.COMPENSATE_BATCH, names.SAGA_BATCH}


@dataclass(frozen=True)
class Recorded:
    """How every scenario ended, and everything that was said on the way."""

    scripts: dict[str, Script]
    outputs: dict[str, Any]
    governors: dict[str, GovernorState]
    recordings: list[Recording]
    functions: dict[str, Callable[[str], str]]

    def of(self, run_id: str, orchestrator: str = names.SHARD) -> list[Recording]:
        """The executions that belong to a run, oldest first."""
        found = [
            one
            for one in self.recordings
            if one.orchestrator == orchestrator and one.instance_id.split(":")[0] == run_id
        ]
        return sorted(found, key=lambda one: one.turns[0]["history"][0]["Timestamp"])

    def working(self, run_id: str) -> list[Recording]:
        """The executions that carried out batches of a run, oldest first: its own, and shards'."""
        found = [*self.of(run_id, names.RUN), *self.of(run_id)]
        return [one for one in found if any(e.get("Name") in BATCHES for e in one.history)]


async def record_runs(path: Path) -> Recorded:
    """Carry out every scenario on a task hub at a path."""
    scripts, rows = scenarios(), memory_rows()

    async def raise_event(instance: str, name: str) -> None:
        if instance not in FORGOTTEN:
            await durable.engine.raise_event(instance, name, "null")

    app = scripted_app(scripts, rows, raise_event)
    async with hub(app, path) as durable:
        await asyncio.gather(*(_start(durable, name, script) for name, script in scripts.items()))
        await asyncio.gather(
            *(_taken_up(durable, name, one) for name, one in scripts.items() if one.dies_after)
        )
        ended = [await _ended(durable, name) for name in scripts]
        again = await durable.run(names.RUN, {"run_id": "calm"}, instance_id="calm")
        assert again == ended[0], "a run that is over was run again"
    states = {name: read_attempt(rows, name, 1).state for name in scripts}
    outputs = dict(zip(scripts, ended, strict=True))
    found = recordings(durable.executor.calls, ORCHESTRATORS)
    return Recorded(scripts, outputs, states, found, user_functions())


def user_functions() -> dict[str, Callable[[str], str]]:
    """The functions of the app by name; orchestrators do nothing else in them than here."""
    known = scripted_app({}, memory_rows()).get_functions()
    return {f.get_function_name(): f.get_user_function() for f in known}


async def _start(durable: Hub, name: str, script: Script) -> None:
    asked = {"run_id": name, "max_runs": QUEUES.get(name, 0)}
    start = partial(durable.start, names.RUN, asked, instance_id=name)
    if script.earlier is None:
        await start()
        if name in WOKEN_IN_VAIN:
            await durable.engine.raise_event(name, events.TURN, "null")
        return
    script.start = start
    queued = QueuedRun(run_id=name, schedule="s", poll_seconds=0.001).model_dump()
    await durable.start(names.QUEUED_RUN, queued, instance_id=queue_instance(name))


async def _taken_up(durable: Hub, run_id: str, script: Script) -> None:
    """Let the orchestrations of a run die where it says, and do what the watchdog does then."""

    async def is_dying() -> bool:
        return script.is_dying

    await durable.until(is_dying)
    await durable.engine.terminate(run_id, "its worker died")
    await durable.status(run_id, "Terminated")
    await durable.start(names.RUN, {"run_id": run_id, "is_resumed": True}, instance_id=run_id)
    script.is_taken_up.set()


async def _ended(durable: Hub, run_id: str) -> Any:
    await durable.until(partial(durable.engine.get_instance, run_id))
    return await durable.result(run_id)
