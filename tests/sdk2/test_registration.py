"""The app's orchestrators are registered with the SDK 2.x under the names that they had."""

import azure.durable_functions as df
import azure.functions as func

from fanout.durable.app import App, Blueprint, client_input
from fanout.naming import functions
from orchestrators import fan_in, queued_run, run, saga, shard


def test_orchestrators_have_their_names():
    app = df.DFApp()
    for room in (run, shard, saga, fan_in, queued_run):
        app.register_functions(room.bp)
    found = {f.get_trigger().orchestration for f in app.get_functions() if is_orchestrator(f)}
    wanted = {
        functions.RUN,
        functions.SHARD,
        functions.SAGA,
        functions.SAGA_BATCH,
        functions.FAN_IN,
        functions.QUEUED_RUN,
    }
    assert wanted <= found


def is_orchestrator(function: object) -> bool:
    return function.get_trigger().type == "orchestrationTrigger"


def test_a_blueprint_takes_retry_policies():
    blueprint = Blueprint()

    async def on_tick(timer: func.TimerRequest, client: object) -> None:
        """Does nothing."""

    handler = blueprint.retry(
        strategy="fixed_delay", max_retry_count="5", delay_interval="00:00:02"
    )(client_input(blueprint)(on_tick))
    blueprint.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")(handler)
    app = App()
    app.register_functions(blueprint)
    (function,) = (f for f in app.get_functions() if f.get_function_name() == "on_tick")
    assert function.get_settings_dict("retry_policy")["max_retry_count"] == "5"
