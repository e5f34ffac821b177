"""Carrying out every scenario, on whatever there is to carry out orchestrations."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from fanout.messages.run import QueuedRun
from fanout.naming import events
from fanout.naming import functions as names
from fanout.naming.instance_ids import attempt_instance, queue_instance
from tests.support.replays.scenarios import FORGOTTEN, QUEUES, WOKEN_IN_VAIN
from tests.support.replays.scripted_runs import Script


class ScenarioHub(Protocol):
    """What carries out orchestrations of a scripted app."""

    async def start(self, name: str, value: Any = None, *, instance_id: str) -> str:
        """Start an orchestration."""
        ...

    async def raise_event(self, instance_id: str, name: str) -> None:
        """Raise an event that says nothing."""
        ...

    async def end_by_force(self, instance_id: str, reason: str) -> None:
        """End an orchestration, and wait until it has ended."""
        ...

    async def is_there(self, instance_id: str) -> bool:
        """Tell whether there is an orchestration."""
        ...

    async def until(self, condition: Callable[[], Awaitable[Any]]) -> Any:
        """Wait until something is true."""
        ...

    async def result(self, instance_id: str) -> Any:
        """Wait for an orchestration to end well, and give what it came to."""
        ...


async def tell_of_turn(hub: ScenarioHub, instance: str, name: str) -> None:
    """Wake a run, unless its events are lost."""
    if instance not in FORGOTTEN:
        await hub.raise_event(instance, name)


async def carry_out(hub: ScenarioHub, scripts: dict[str, Script]) -> dict[str, Any]:
    """Carry out every scenario; gives what each came to."""
    await asyncio.gather(*(_start(hub, name, script) for name, script in scripts.items()))
    await asyncio.gather(
        *(_take_up(hub, name, one) for name, one in scripts.items() if one.dies_after)
    )
    return {
        name: await _result(hub, attempt_instance(name, one.attempt))
        for name, one in scripts.items()
    }


async def _start(hub: ScenarioHub, name: str, script: Script) -> None:
    asked = {"run_id": name, "attempt": script.attempt, "max_runs": QUEUES.get(name, 0)}
    instance = attempt_instance(name, script.attempt)
    start = partial(hub.start, names.RUN, asked, instance_id=instance)
    if script.earlier is None:
        await start()
        if name in WOKEN_IN_VAIN:
            await hub.raise_event(name, events.TURN)
        return
    script.start = start
    queued = QueuedRun(run_id=name, schedule="s", poll_seconds=0.001).model_dump()
    await hub.start(names.QUEUED_RUN, queued, instance_id=queue_instance(name))


async def _take_up(hub: ScenarioHub, run_id: str, script: Script) -> None:
    """Let the orchestrations of a run die where it says, and do what the watchdog does then."""

    async def is_dying() -> bool:
        return script.is_dying

    await hub.until(is_dying)
    await hub.end_by_force(run_id, "its worker died")
    await hub.start(names.RUN, {"run_id": run_id, "is_resumed": True}, instance_id=run_id)
    script.is_taken_up.set()


async def _result(hub: ScenarioHub, instance_id: str) -> Any:
    await hub.until(partial(hub.is_there, instance_id))
    return await hub.result(instance_id)
