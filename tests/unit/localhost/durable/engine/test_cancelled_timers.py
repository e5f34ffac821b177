"""A timer that fires while the turn that cancels it is being worked out."""

import datetime

import azure.durable_functions as df

from tests.support.replays.durable_hub import hub


def make_app() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def race(context):
        deadline = context.create_timer(context.current_utc_datetime + datetime.timedelta(days=5))
        yield context.task_any([context.wait_for_external_event("first"), deadline])
        deadline.cancel()
        yield context.wait_for_external_event("second")
        return (yield context.wait_for_external_event("third"))

    return app


async def test_it_is_not_delivered_and_the_history_can_be_read_again(path):
    async with hub(make_app(), path) as durable:
        await durable.start("race", instance_id="a")
        await durable.status("a", "Running")
        orchestrations = durable.engine._orchestrations
        instance = orchestrations.live["a"]
        (timer,) = instance.execution.tasks.values()
        submit = durable.executor.submit

        def submit_and_fire(invocations, done):
            submit(invocations, done)
            orchestrations._fire([(instance, timer, timer.number)])

        durable.executor.submit = submit_and_fire
        await durable.engine.raise_event("a", "first", "1")
        await durable.until(lambda: turns(durable, 2))
        durable.executor.submit = submit
        await durable.engine.raise_event("a", "second", "2")
        await durable.until(lambda: turns(durable, 3))
    async with hub(make_app(), path) as durable:
        await durable.engine.raise_event("a", "third", "3")
        assert await durable.result("a") == 3


async def turns(durable, wanted):
    """Whether it has taken so many turns."""
    return (await durable.kinds("a")).count(12) == wanted
