"""A version whose orchestrators ask for something else first: no replay of earlier histories."""

from typing import Any

from fanout.durable import orchestration as durable
from fanout.durable.app import Blueprint
from orchestrators import run, stage, waves

NEW_ACTIVITY = "look_first"
bp = Blueprint()


def change_product() -> None:
    """Have runs and shards ask a new activity before anything else."""
    run.await_plan = after_a_look(run.await_plan)
    for module in (stage, waves):
        module.work_off = after_a_look(waves.work_off)


def after_a_look(steps: Any) -> Any:
    """Ask the new activity, and then go through these steps."""

    def longer(context: Any, *given: Any, **options: Any) -> Any:
        yield durable.call_activity(context, NEW_ACTIVITY, 1)
        return (yield from steps(context, *given, **options))

    return longer


@bp.activity_trigger(input_name="look", activity=NEW_ACTIVITY)
def look_first(look: int) -> int:
    """The new activity."""
    return look
