"""The real orchestrators on the engine: their beginnings send scouts, their batches end early."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import azure.durable_functions as df

from activities.batches.boxes import rests
from activities.batches.boxes.stretch import Stretch
from activities.events import RaiseEvent
from fanout.messages.batches import ProcessAsk
from fanout.messages.rests import RestNews
from fanout.naming import functions
from orchestrators import fan_in, run, shard
from tests.support.doubles.crashes import DeathError
from tests.support.replays.durable_hub import Hub
from tests.support.replays.inline_runs import Inline

ACTIVITIES = (
    functions.BEGIN,
    functions.STEER,
    functions.PROCESS_BATCH,
    functions.SETTLE,
    functions.FINISH,
    functions.LAY_OUT,
    functions.WRITE_RESULTS,
    functions.MERGE_PARTIALS,
    functions.FINALIZE,
)


def scouting_app(runs: dict[str, Inline]) -> df.DFApp:
    """Make an app whose activities are those of the run that they are about, each in a thread."""
    app = df.DFApp()
    for blueprint in (run.bp, shard.bp, fan_in.bp):
        app.register_functions(blueprint)
    for name in ACTIVITIES:
        _register(app, name, runs)
    return app


def _register(app: df.DFApp, name: str, runs: dict[str, Inline]) -> None:
    async def act(message):
        known = message.get("work", message)["run_id"]
        return await asyncio.to_thread(runs[known].call, name, message)

    act.__name__ = name
    app.activity_trigger(input_name="message", activity=name)(act)


def tell_by(durable: Hub, loop: asyncio.AbstractEventLoop) -> Callable[..., None]:
    """How an activity in a thread raises events."""

    def tell(instance: str, name: str, value: Any = None) -> None:
        raised = durable.engine.raise_event(instance, name, json.dumps(value))
        asyncio.run_coroutine_threadsafe(raised, loop).result(10)

    return tell


@dataclass(frozen=True)
class BoxEnd:
    """How a time box ends.

    Attributes:
        kept: After how many items.
        tells: How often it is told by an event.
        is_early: Whether the event is heard before anything else happens.
        fate: What becomes of the activity then: it goes on, dies, or fails.
    """

    kept: int
    tells: int = 1
    is_early: bool = True
    fate: str = "goes on"


@dataclass
class BoxEnds:
    """Ends the boxes of batches, one after the other as it is told.

    Attributes:
        wait: Gives an event the time to be heard.
    """

    ends: list[BoxEnd]
    wait: Callable[[], None]
    _rest: Iterator[BoxEnd] = field(init=False)

    def __post_init__(self) -> None:
        self._rest = cycle(self.ends) if self.ends else iter(())

    @contextmanager
    def watch(
        self, ask: ProcessAsk, stretch: Stretch, files: Any, raise_event: RaiseEvent
    ) -> Iterator[None]:
        """Do what the watch of a box does, in the thread of the batch."""
        end = next(self._rest, None) if ask.box is not None else None
        if end is not None:
            begin, last = stretch.begin, stretch.bounds[0] + end.kept - 1

            def begin_and_look(index: int) -> bool:
                may_begin = begin(index)
                if may_begin and index == last:
                    self._end(end, ask, stretch, files, raise_event)
                return may_begin

            stretch.begin = begin_and_look  # type: ignore[method-assign]
        try:
            yield
        finally:
            stretch.close()

    def _end(
        self, end: BoxEnd, ask: ProcessAsk, stretch: Stretch, files: Any, raise_event: RaiseEvent
    ) -> None:
        stretch.cut_short(rests.give_back_by(ask, stretch, files))
        if stretch.kept is None or not ask.instance:
            return
        for _ in range(end.tells):
            raise_event(ask.instance, ask.event, RestNews(cuts=stretch.kept, item_ms=1).dump())
        if end.is_early:
            self.wait()
        if end.fate == "dies":
            raise DeathError
        if end.fate == "fails":
            raise OSError("storage is away")
