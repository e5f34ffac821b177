"""Runs recorded once for all replay tests, by carrying out every scenario."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fanout.adapters.rows.attempts import read_attempt
from fanout.governor.run_state import GovernorState
from fanout.naming import functions as names
from tests.support.doubles.memory_tables import memory_rows
from tests.support.replays.durable_hub import hub
from tests.support.replays.recorded_histories import Recording, recordings
from tests.support.replays.scenario_runs import carry_out, tell_of_turn
from tests.support.replays.scenarios import scenarios
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
        await tell_of_turn(durable, instance, name)

    app = scripted_app(scripts, rows, raise_event)
    async with hub(app, path) as durable:
        outputs = await carry_out(durable, scripts)
        again = await durable.run(names.RUN, {"run_id": "calm"}, instance_id="calm")
        assert again == outputs["calm"], "a run that is over was run again"
    states = {name: read_attempt(rows, name, one.attempt).state for name, one in scripts.items()}
    found = recordings(durable.executor.calls, ORCHESTRATORS)
    return Recorded(scripts, outputs, states, found, user_functions())


def user_functions() -> dict[str, Callable[[str], str]]:
    """The functions of the app by name; orchestrators do nothing else in them than here."""
    known = scripted_app({}, memory_rows()).get_functions()
    return {f.get_function_name(): f.get_user_function() for f in known}
