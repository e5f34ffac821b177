"""A map over a ledger in memory whose calls and storage fail, each attempt in this thread."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel

from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.errors import PermanentError, TransientError
from fanout.governor.run_state import ControlState, GovernorState
from fanout.messages.run import RunEnd
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from fanout.workload import Context, MapWorkload, NoParameters
from starters.lifecycle.redrive import redrive_run
from tests.support.doubles.crashes import DyingStore, DyingTables
from tests.support.doubles.durable_client import Client
from tests.support.hostile.worlds.force import end_by_force
from tests.support.hostile.worlds.weather import Weather
from tests.support.replays.local_runs import RUN_ID, inline
from tests.support.replays.scouted_runs import ScoutedRun
from tests.support.workloads.faulty_orders import Fault, refused_key
from workloads import registry

PROCESS, UNDO = "process", "undo"
AT_ONCE = {"max_attempts": 2, "base_seconds": 0, "max_seconds": 0, "jitter_seconds": 0}


@dataclass
class MapWorld:
    """A ledger: which items have an effect, and from which it was taken back.

    Attributes:
        effects: By item, whether its effect stands.
        faults: What goes wrong, by item and call, one try after the other; the last of them goes on
            for ever where `is_endless`.
        wrongs: What should never have been asked for.
        on_undo: Called at each compensation.
    """

    effects: dict[int, bool] = field(default_factory=dict)
    faults: dict[tuple[int, str], list[Fault | None]] = field(default_factory=dict)
    is_endless: bool = False
    calls: Counter[tuple[int, str]] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    on_undo: Callable[[], object] = lambda: None
    minutes: int = 0

    def now_ms(self) -> int:
        """A clock that goes on a minute whenever somebody looks."""
        self.minutes += 1
        return self.minutes * 60_000

    def meet(self, item: int, call: str, attempt: int, act: Callable[[], None]) -> None:
        """Do what is asked for, unless something goes wrong."""
        self.calls[item, call] += 1
        planned = self.faults.get((item, call), [])
        number = min(attempt, len(planned)) if self.is_endless else attempt
        fault = planned[number - 1] if 0 < number <= len(planned) else None
        if fault == "refuse":
            raise PermanentError(f"{call} is refused")
        if fault in ("before", "away"):
            raise TransientError(f"{call} is busy") if fault == "before" else refused_key()
        act()
        if fault is not None:
            raise TransientError("nobody heard") if fault == "after" else refused_key()

    def enter(self, item: int) -> None:
        if self.effects.get(item) is False:
            self.wrongs.append(f"{item} was processed anew after it was undone")
        self.effects[item] = True

    def take_back(self, item: int) -> None:
        if item not in self.effects:
            self.wrongs.append(f"{item} was undone and never processed")
        self.effects[item] = False


WORLD = MapWorld()


class Pledge(BaseModel):
    """An item: its number."""

    id: int


class Pledges(MapWorkload[Pledge, NoParameters]):
    """Enters each item into the ledger of the test that is under way."""

    name: ClassVar[str] = "pledges"
    item_model = Pledge

    def item_id(self, item: Pledge) -> str:
        return f"p{item.id}"

    def process(self, item: Pledge, context: Context[NoParameters]) -> dict[str, int]:
        WORLD.meet(item.id, PROCESS, context.attempt, lambda: WORLD.enter(item.id))
        return {"pledged": item.id}

    def compensate(self, item: Pledge, output: Any, context: Context[NoParameters]) -> None:
        assert (output, context.idempotency_key) == (
            {"pledged": item.id},
            f"{context.run_id}/p{item.id}/compensate",
        )
        WORLD.on_undo()
        WORLD.meet(item.id, UNDO, context.attempt, lambda: WORLD.take_back(item.id))


registry.register(Pledges())


class MapRun:
    """A run of some pledges, the last of which are refused, so that it is compensated.

    Args:
        items: How many.
        per_batch: How many a batch takes.
        more: Other fields of the request.
    """

    def __init__(self, items: int, per_batch: int = 2, **more: Any) -> None:
        WORLD.__init__()  # type: ignore[misc]  # another world
        self.weather = Weather()
        asked = {"batch": {"max_items": per_batch}, "retry": AT_ONCE, "on_exceeded": "compensate"}
        request = inline([{"id": n} for n in range(items)], Pledges.name, **(asked | more))
        self.items, self.attempt = items, 0
        self.scouted = ScoutedRun(request, DyingStore(self.weather), DyingTables(self.weather))
        self.scouted.inline.is_scouting = False
        self.files, self.rows = self.scouted.run.files, self.scouted.rows
        self.client = Client()

    @property
    def request(self) -> RunRequest:
        return self.scouted.run.request

    @property
    def state(self) -> GovernorState:
        """The rows of the newest attempt."""
        return read_attempt(self.rows, RUN_ID, self.attempt).state

    @property
    def has_plan(self) -> bool:
        """Whether storage let the run be planned; if not, nothing of it ever begins."""
        return self.files.exists(blob_paths.plan_path(RUN_ID))

    def claim(self, **asked: Any) -> None:
        """Claim the next attempt: the first, or a redrive as a caller asks for it."""
        if self.attempt:
            request = RedriveRequest.model_validate(asked)
            redrive = redrive_run(RUN_ID, request, self.client, self.files, self.rows)
            assert asyncio.run(redrive) == self.attempt + 1
        self.attempt += 1

    def carry_out(self, **asked: Any) -> RunEnd:
        """Claim and carry out the next attempt; where its end was not written, it is taken up."""
        self.claim(**asked)
        return self.go_on()

    def go_on(self) -> RunEnd:
        """Carry out the attempt that is claimed."""
        ref = self.scouted.input.model_copy(update={"attempt": self.attempt})
        self.scouted.inline.run(ref)
        self.weather.squalls.clear()
        while not self.state.is_over:
            self.scouted.inline.run(ref.model_copy(update={"is_resumed": True}))
        end = self.state.run.end
        assert end is not None
        return end

    def change(self, **control: Any) -> None:
        """Change what people have asked of the newest attempt."""
        change_attempt(
            self.rows,
            RUN_ID,
            self.attempt,
            lambda state: (
                state.model_copy(update={"control": ControlState(**control)}),
                None,
            ),
        )

    def end_by_force(self) -> None:
        """End the newest attempt as the watchdog does once Durable has terminated it."""
        end_by_force(self.rows, RUN_ID, self.attempt)

    def lines(self) -> dict[int, dict[str, Any]]:
        """The outcomes by item, as the parts have them."""
        found: dict[int, dict[str, Any]] = {}
        self.scouted.run.attempt = self.attempt
        for outcome in self.scouted.run.outcomes_now():
            for index in range(outcome.index, outcome.index + outcome.count):
                assert index not in found
                found[index] = json.loads(outcome.model_dump_json())
        return found

    def statuses(self) -> dict[int, str]:
        """The status of each item, as the parts have it."""
        return {index: line["status"] for index, line in self.lines().items()}

    @property
    def has_begun_undo(self) -> bool:
        """Whether an attempt has begun to undo the run; one that was never planned says nothing."""
        attempts = range(1, self.attempt + 1)
        states = (read_attempt(self.rows, RUN_ID, number).state for number in attempts)
        return any(state.run.has_begun_undo for state in states)

    def insist_on_conservation(self) -> None:
        """Every item has one outcome, and the ledger says what the outcomes say."""
        found = self.statuses()
        assert sorted(found) == [*range(self.items)]
        assert WORLD.wrongs == []
        for index, status in found.items():
            stands = WORLD.effects.get(index, False)
            if status == "succeeded" and not self.has_begun_undo:
                assert stands
            if status == "compensated":
                assert not stands

    def insist_on_results(self, end: RunEnd) -> None:
        """Results, end, rows and parts have the same counts, and dead letters those given up.

        The rows only if storage let every shard tell its end: the results are made from the parts.
        """
        counts = Counter(self.statuses().values())
        told = end.items.model_dump(exclude={"total"})
        assert {name: count for name, count in told.items() if count} == counts
        assert end.items.total == self.items
        written = Counter(outcome.status for outcome in self.scouted.run.outcomes())
        assert written["compensation_failed"] == counts["compensation_failed"]
        assert (written["compensated"], written["failed"]) == (
            counts["compensated"],
            counts["failed"],
        )
        state = self.state
        if all(shard.reason is not None for shard in state.shards.values()):
            rows = state.model_copy(update={"run": state.run.model_copy(update={"end": None})})
            assert rows.items == end.items
