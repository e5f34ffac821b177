"""A child whose id belongs to an instance that runs takes its place, as on Microsoft's engine.

Seen there with activities and timers under way, with a parent that was started again and with
another one (the Durable extension 3.19.0).
"""

from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df

from tests.support.replays.durable_hub import hub


def make_app() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def child(context):
        which = context.get_input()
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=0.3))
        return which

    @app.orchestration_trigger(context_name="context")
    def parent(context):
        which, child_id = context.get_input()
        task = context.call_sub_orchestrator("child", which, child_id)
        if which == 0:
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=0.05))
            raise ValueError("its child goes on")
        return (yield task)

    @app.orchestration_trigger(context_name="context")
    def grandparent(context):
        child_id = f"{context.instance_id}:child"
        middle_id = f"{context.instance_id}:middle"
        try:
            yield context.call_sub_orchestrator("parent", [0, child_id], middle_id)
        except Exception:
            return (yield context.call_sub_orchestrator("parent", [1, child_id], middle_id))

    return app


async def test_the_child_of_a_parent_that_is_started_again_begins_anew(tmp_path: Path):
    async with hub(make_app(), tmp_path / "hub.db") as durable:
        assert await durable.run("grandparent") == 1
