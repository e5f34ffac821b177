"""A small durable app and a process that runs it to the end, made to be killed at any moment."""

import asyncio
import datetime
import json
import os
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from localhost.durable.engine.engine import Engine
from localhost.durable.errors import InstanceFinishedError
from localhost.durable.host_json import DurableSettings
from localhost.durable.storage.store import Store
from tests.support.doubles.inline_executor import InlineExecutor

WIDTH = 30
EVENTS = 12
GENERATIONS = 6
SIGNALS = 10
RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=1, max_number_of_attempts=100)
EXPECTED: dict[str, Any] = {
    "fan": [2 * i for i in range(WIDTH)],
    "retries": [2 * i for i in range(WIDTH)],
    "family": [[2 * i for i in range(5)]] * 4,
    "events": list(range(EVENTS)),
    "generations": GENERATIONS,
    "entity": SIGNALS,
    "timers": "woken",
}


def make_app() -> df.DFApp:
    app = df.DFApp()
    seen: dict[str, int] = {}

    @app.activity_trigger(input_name="x")
    async def double(x):
        await asyncio.sleep(0.001 * (x % 5))
        return 2 * x

    @app.activity_trigger(input_name="x")
    def flaky(x):
        seen[str(x)] = seen.get(str(x), 0) + 1
        if seen[str(x)] <= x % 3:
            raise ValueError("not yet")
        return 2 * x

    @app.orchestration_trigger(context_name="context")
    def fan(context):
        return (yield context.task_all([context.call_activity("double", i) for i in range(WIDTH)]))

    @app.orchestration_trigger(context_name="context")
    def retries(context):
        tasks = [context.call_activity_with_retry("flaky", RETRY, i) for i in range(WIDTH)]
        return (yield context.task_all(tasks))

    @app.orchestration_trigger(context_name="context")
    def some(context):
        results = []
        for i in range(5):
            results.append((yield context.call_activity("double", i)))
        return results

    @app.orchestration_trigger(context_name="context")
    def family(context):
        return (yield context.task_all([context.call_sub_orchestrator("some") for _ in range(4)]))

    @app.orchestration_trigger(context_name="context")
    def events(context):
        values: list[int] = []
        while len(values) < EVENTS:
            value = yield context.wait_for_external_event("value")
            if value not in values:
                values.append(value)
        return values

    @app.orchestration_trigger(context_name="context")
    def generations(context):
        done = context.get_input() or 0
        yield context.call_activity("double", done)
        if done == GENERATIONS:
            return done
        context.continue_as_new(done + 1)

    @app.orchestration_trigger(context_name="context")
    def entity(context):
        tally = df.EntityId("tally", "all")
        for i in range(SIGNALS // 2):
            context.signal_entity(tally, "add", 1)
            yield context.call_activity("double", i)
            yield context.call_entity(tally, "add", 1)
        return (yield context.call_entity(tally, "get"))

    @app.orchestration_trigger(context_name="context")
    def timers(context):
        for _ in range(5):
            due = context.current_utc_datetime + datetime.timedelta(milliseconds=20)
            yield context.create_timer(due)
        return "woken"

    @app.entity_trigger(context_name="context")
    def tally(context):
        value = context.get_state(lambda: 0)
        if context.operation_name == "add":
            value += context.get_input()
            context.set_state(value)
        context.set_result(value)

    return app


def run(path: str, report: Any) -> None:
    """Run every orchestration of the app to its end, then send the outputs; made for a process."""
    report.send(asyncio.run(_run(Path(path), report)))


async def _run(path: Path, report: Any) -> dict[str, Any]:
    engine = Engine(
        InlineExecutor(make_app()), Store.open(path), DurableSettings(max_concurrent_activities=8)
    )
    await engine.start()
    report.send(os.getpid())
    for name in EXPECTED:
        if await engine.get_instance(name) is None:
            await engine.start_instance(name, instance_id=name)
    for value in range(EVENTS):
        # A value may be raised again after a crash: the orchestration takes each once.
        try:
            await engine.raise_event("events", "value", json.dumps(value))
        except InstanceFinishedError:
            break
    outputs = {name: await _output(engine, name) for name in EXPECTED}
    await engine.stop()
    return outputs


async def _output(engine: Engine, name: str) -> Any:
    while True:
        record = await engine.get_instance(name)
        if record is not None and record.is_finished:
            return json.loads(record.output_text or "null")
        await asyncio.sleep(0.005)
