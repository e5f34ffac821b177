"""Rewind: what failed runs again, what succeeded does not."""

import azure.durable_functions as df
import pytest

from localhost.durable.errors import InstanceNotFoundError, WrongStateError
from tests.support.replays.durable_hub import hub

RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=1, max_number_of_attempts=2)
broken: set[str] = set()
runs: dict[str, int] = {}


@pytest.fixture(autouse=True)
def fresh():
    broken.clear()
    runs.clear()


def make_app() -> df.DFApp:
    app = df.DFApp()

    @app.activity_trigger(input_name="x")
    def step(x):
        runs[x] = runs.get(x, 0) + 1
        if x in broken:
            raise ValueError(f"{x} is broken")
        return x

    @app.orchestration_trigger(context_name="context")
    def sequence(context):
        one = yield context.call_activity("step", "one")
        two = yield context.call_activity("step", "two")
        return [one, two]

    @app.orchestration_trigger(context_name="context")
    def siblings(context):
        tasks = [context.call_activity("step", name) for name in ("a", "b", "c")]
        gathered = yield context.task_all(tasks)
        return [gathered, (yield context.call_activity("step", "d"))]

    @app.orchestration_trigger(context_name="context")
    def retries(context):
        tasks = [context.call_activity_with_retry("step", RETRY, name) for name in ("r", "s")]
        other = yield context.call_activity("step", "other")
        later = context.call_activity_with_retry("step", RETRY, "late")
        gathered = yield context.task_all([*tasks, later])
        return [other, gathered, (yield context.call_activity("step", "after"))]

    @app.orchestration_trigger(context_name="context")
    def early_retry(context):
        first = context.call_activity_with_retry("step", RETRY, "r")
        event = context.wait_for_external_event("go")
        yield context.task_any([first, event])
        middle = yield context.call_activity("step", "middle")
        value = yield first
        return [middle, value, (yield context.call_activity("step", "after"))]

    @app.orchestration_trigger(context_name="context")
    def caught(context):
        try:
            yield context.call_activity("step", "caught")
        except Exception:
            yield context.call_activity("step", "cleanup")
        return (yield context.call_activity("step", "end"))

    @app.orchestration_trigger(context_name="context")
    def parent(context):
        before = yield context.call_activity("step", "before")
        return [before, (yield context.call_sub_orchestrator("sequence"))]

    @app.orchestration_trigger(context_name="context")
    def raises(context):
        event = yield context.wait_for_external_event("value")
        if "orchestrator" in broken:
            raise RuntimeError("own mistake")
        return event

    return app


async def rewound(durable, name):
    """Start, let it fail, mend everything, rewind; the result and how often each step ran."""
    instance_id = await durable.start(name)
    await durable.failure(instance_id)
    broken.clear()
    await durable.engine.rewind(instance_id, "mended")
    return await durable.result(instance_id)


async def test_a_failed_activity_runs_again_and_those_before_it_do_not(path):
    broken.add("two")
    async with hub(make_app(), path) as durable:
        assert await rewound(durable, "sequence") == ["one", "two"]
        assert runs == {"one": 1, "two": 2}


async def test_failed_siblings_run_again_and_the_others_do_not(path):
    broken.update({"a", "c"})
    async with hub(make_app(), path) as durable:
        assert await rewound(durable, "siblings") == [["a", "b", "c"], "d"]
        assert runs == {"a": 2, "b": 1, "c": 2, "d": 1}


async def test_used_up_retries_get_one_more_attempt_and_numbers_still_agree(path):
    broken.update({"late", "s"})
    async with hub(make_app(), path) as durable:
        assert await rewound(durable, "retries") == ["other", ["r", "s", "late"], "after"]
        assert runs["other"] == 1


async def test_a_failure_noticed_late_is_taken_back_to_where_it_arrived(path):
    broken.add("r")
    async with hub(make_app(), path) as durable:
        assert await rewound(durable, "early_retry") == ["middle", "r", "after"]


async def test_a_caught_failure_stays_caught(path):
    broken.update({"caught", "end"})
    async with hub(make_app(), path) as durable:
        assert await rewound(durable, "caught") == "end"
        assert runs == {"caught": 1, "cleanup": 1, "end": 2}


async def test_a_failed_child_is_rewound_with_its_parent(path):
    broken.add("two")
    async with hub(make_app(), path) as durable:
        assert await rewound(durable, "parent") == ["before", ["one", "two"]]
        assert runs == {"before": 1, "one": 1, "two": 2}


async def test_an_orchestrators_own_mistake_is_replayed_with_the_same_event(path):
    broken.add("orchestrator")
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("raises")
        await durable.engine.raise_event(instance_id, "value", '"kept"')
        assert "own mistake" in await durable.failure(instance_id)
        broken.clear()
        await durable.engine.rewind(instance_id, "mended")
        assert await durable.result(instance_id) == "kept"
        assert 21 in await durable.kinds(instance_id)


async def test_a_rewind_survives_a_restart_of_the_host(path):
    broken.update({"a", "c"})
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("siblings")
        await durable.failure(instance_id)
        await durable.engine.rewind(instance_id, "still broken")
        await durable.failure(instance_id)
    broken.clear()
    async with hub(make_app(), path) as durable:
        await durable.engine.rewind(instance_id, "mended")
    async with hub(make_app(), path) as durable:
        assert await durable.result(instance_id) == [["a", "b", "c"], "d"]
        assert runs["b"] == 1


async def test_only_failed_instances_are_rewound(path):
    async with hub(make_app(), path) as durable:
        done = await durable.start("sequence")
        await durable.result(done)
        waiting = await durable.start("raises")
        with pytest.raises(WrongStateError, match="has status Completed"):
            await durable.engine.rewind(done, "")
        with pytest.raises(WrongStateError, match=r"has status (Pending|Running)"):
            await durable.engine.rewind(waiting, "")
        with pytest.raises(InstanceNotFoundError):
            await durable.engine.rewind("nowhere", "")
