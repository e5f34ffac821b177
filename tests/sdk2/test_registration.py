"""The app's orchestrators are registered with the SDK 2.x under the names that they had."""

import azure.durable_functions as df

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
