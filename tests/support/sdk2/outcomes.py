"""What the scenarios come to on the SDK 2.x and the in-memory backend of durabletask."""

from typing import Any

from fanout.adapters.rows.attempts import read_attempt
from tests.support.doubles.memory_tables import memory_rows
from tests.support.replays.scenario_outcomes import outcome
from tests.support.replays.scenario_runs import carry_out, tell_of_turn
from tests.support.replays.scenarios import scenarios
from tests.support.replays.scripted_runs import scripted_app
from tests.support.sdk2.backend_hub import backend_hub


async def outcomes_on_the_backend() -> dict[str, Any]:
    """Carry out every scenario."""
    scripts, rows = scenarios(), memory_rows()

    async def raise_event(instance: str, name: str) -> None:
        await tell_of_turn(hub, instance, name)

    async with backend_hub(scripted_app(scripts, rows, raise_event)) as hub:
        outputs = await carry_out(hub, scripts)
    return {
        name: outcome(name, script, outputs[name], read_attempt(rows, name, script.attempt).state)
        for name, script in scripts.items()
    }
