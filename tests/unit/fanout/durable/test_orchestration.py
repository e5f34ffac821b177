"""What orchestrators ask of the SDK 1.x; of 2.x, `tests/sdk2` sees to that."""

from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import pytest

from fanout.durable import orchestration as durable
from fanout.durable.app import orchestrator
from tests.support.replays.durable_hub import hub


def make_app() -> df.DFApp:
    app = df.DFApp()

    @app.activity_trigger(input_name="number")
    def halve(number):
        if number % 2:
            raise ValueError(f"{number} is odd")
        return number // 2

    @orchestrator(app, "first_failure")
    def first_failure(context: Any, given: Any) -> Any:
        timer = durable.start_timer(context, 600)
        tasks = [durable.call_activity(context, "halve", number) for number in given]
        yield from durable.await_all_or_failure(context, [*tasks, timer])
        failed = [task for task in tasks if durable.is_completed(task) and durable.failure_of(task)]
        durable.cancel_timer(timer)
        return [durable.failure_text(durable.failure_of(task)) for task in failed]

    @orchestrator(app, "again")
    def again(context: Any, given: Any) -> Any:
        task = durable.call_activity(context, "halve", given["number"])
        yield task
        if given["rounds"] == 0:
            return [durable.value_of(task), durable.now(context).utcoffset().total_seconds()]
        durable.continue_as_new(context, {**given, "rounds": given["rounds"] - 1})
        return None

    return app


async def test_the_first_failure_is_heard_while_others_go_on(tmp_path):
    async with hub(make_app(), tmp_path / "hub.db") as engine:
        (text,) = await engine.run("first_failure", [2, 3])
    assert text == "Activity function 'halve' failed:  ValueError: 3 is odd"


async def test_an_orchestrator_gets_what_it_was_started_with_and_goes_on(
    tmp_path,
):
    async with hub(make_app(), tmp_path / "hub.db") as engine:
        assert await engine.run("again", {"number": 8, "rounds": 2}) == [4, 0.0]


@pytest.mark.parametrize(
    ("said", "text"),
    [("it broke \n {'ClassName': 'X'}", "it broke"), ("it broke", "it broke"), ("", "Exception")],
)
def test_a_failure_is_told_without_what_the_engine_adds(said: str, text: str):
    assert durable.failure_text(Exception(said)) == text


def test_a_failed_task_is_told_from_one_that_ended_well():
    failed = SimpleNamespace(is_completed=True, result=ValueError("no"))
    well = SimpleNamespace(is_completed=True, result=0)
    assert durable.failure_of(failed) is failed.result and durable.failure_of(well) is None
    assert durable.is_completed(failed) and durable.value_of(well) == 0
