"""How a run waits for its turn: woken by an event, which may be lost, come twice, or come early."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fanout.adapters.rows import places
from fanout.adapters.rows.rows import Rows
from fanout.governor import admission
from fanout.governor.admission import Entry
from fanout.naming import events, functions
from tests.support.doubles.memory_tables import memory_rows
from tests.support.replays.durable_hub import Hub, hub
from tests.support.replays.recorded_histories import Recording, begins_with, recordings, replay
from tests.support.replays.scripted_runs import Script, planned, scripted_app
from tests.support.workloads.attempts import at

RUNS = ("a", "b", "c")
TIMER_CREATED, TIMER_FIRED, EVENT_RAISED = 10, 11, 15
LONG_SECONDS = 600.0


@dataclass
class Queue:
    """Runs that wait while somebody else has the only place."""

    durable: Hub
    rows: Rows
    scripts: dict[str, Script]

    async def start(self, run_id: str) -> None:
        """Start a run, and wait until it waits."""
        await self.durable.start(
            functions.RUN, {"run_id": run_id, "max_runs": 1}, instance_id=run_id
        )
        await self.until_waiting(run_id)

    async def until_waiting(self, run_id: str) -> None:
        async def sleeps() -> bool:
            kinds = await self.durable.kinds(run_id)
            return bool(kinds) and TIMER_CREATED in kinds

        await self.durable.until(sleeps)

    def make_room(self) -> tuple[str, ...]:
        return places.leave(self.rows, "somebody", at(1))

    async def wake(self, run_id: str) -> None:
        await self.durable.engine.raise_event(run_id, events.TURN, "null")

    async def outcome(self, run_id: str) -> Any:
        return (await self.durable.result(run_id))["outcome"]

    def executions(self, run_id: str) -> list[Recording]:
        calls = recordings(self.durable.executor.calls, {functions.RUN})
        return [one for one in calls if one.instance_id == run_id]

    def begins(self, run_id: str) -> int:
        """How often a run asked whether it is its turn."""
        return sum(
            event.get("Name") == functions.BEGIN
            for one in self.executions(run_id)
            for event in one.history
        )


@asynccontextmanager
async def queue(path: Path) -> AsyncIterator[Queue]:
    rows, scripts = memory_rows(), {run_id: Script(planned(1)) for run_id in RUNS}

    async def raise_event(instance: str, name: str) -> None:
        await durable.engine.raise_event(instance, name, "null")

    places.enter(rows, Entry(instance="somebody", max_runs=1, at=at(0)))
    app = scripted_app(scripts, rows, raise_event)
    async with hub(app, path / "hub.db") as durable:
        yield Queue(durable, rows, scripts)
    (function,) = [
        f.get_user_function()
        for f in scripted_app({}, rows).get_functions()
        if f.get_function_name() == functions.RUN
    ]
    for recording in recordings(durable.executor.calls, {functions.RUN}):
        insist_on_determinism(function, recording)


def insist_on_determinism(function: Any, recording: Recording) -> None:
    """Whatever part of a history it has seen, the orchestrator decides as it did before."""
    whole = replay(function, recording.turns[-1])
    for context in recording.prefixes():
        assert begins_with(whole, replay(function, context))


def kinds(recording: Recording) -> list[int]:
    return [event["EventType"] for event in recording.history]


@pytest.fixture
def only_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no timer fire in time."""
    monkeypatch.setattr(admission, "FIRST_WAIT_SECONDS", LONG_SECONDS)


async def test_each_run_wakes_the_next_in_the_order_in_which_they_came(
    tmp_path: Path, only_events: None
):
    async with queue(tmp_path) as line:
        for run_id in RUNS:
            await line.start(run_id)
        assert line.make_room() == ("a",)
        await line.wake("a")
        assert [await line.outcome(run_id) for run_id in RUNS] == ["succeeded"] * 3
    ended = [line.scripts[run_id].published[0].end.at for run_id in RUNS]
    assert ended == sorted(ended)
    for run_id in RUNS:
        (execution,) = line.executions(run_id)
        assert EVENT_RAISED in kinds(execution) and TIMER_FIRED not in kinds(execution)
        assert line.begins(run_id) == 2


async def test_a_run_whose_event_is_lost_looks_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(admission, "FIRST_WAIT_SECONDS", 0.2)
    async with queue(tmp_path) as line:
        await line.start("a")
        assert line.make_room() == ("a",)
        assert await line.outcome("a") == "succeeded"
    assert TIMER_FIRED in kinds(line.executions("a")[0])
    assert EVENT_RAISED not in kinds(line.executions("a")[0])


async def test_an_event_that_comes_twice_begins_a_run_once(tmp_path: Path, only_events: None):
    async with queue(tmp_path) as line:
        await line.start("a")
        assert line.make_room() == ("a",)
        await line.wake("a")
        await line.wake("a")
        assert await line.outcome("a") == "succeeded"
    assert len(line.scripts["a"].asked) == 1 and len(line.scripts["a"].published) == 1


async def test_a_run_that_is_woken_in_vain_waits_on_and_is_heard_when_it_is_its_turn(
    tmp_path: Path, only_events: None
):
    async with queue(tmp_path) as line:
        await line.durable.start(functions.RUN, {"run_id": "a", "max_runs": 1}, instance_id="a")
        await line.wake("a")  # before it waits
        await line.until_waiting("a")
        await line.wake("a")

        async def has_asked_again() -> bool:
            return line.begins("a") >= 3

        await line.durable.until(has_asked_again)
        assert not line.scripts["a"].asked
        assert line.make_room() == ("a",)
        await line.wake("a")
        assert await line.outcome("a") == "succeeded"
    assert len(line.executions("a")) >= 2
    assert line.begins("a") <= 7, "each event is answered once or twice, and no more"
    assert len(line.scripts["a"].asked) == 1
