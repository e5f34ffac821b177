"""Activities, retries, sub-orchestrations, timers and events, through the SDK's own code."""

import asyncio
import datetime
import json

import azure.durable_functions as df
import pytest

from localhost.durable.contract import InstanceFilter
from tests.support.replays.durable_hub import hub

RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=1, max_number_of_attempts=3)
attempts: dict[str, int] = {}
gates: dict[str, asyncio.Event] = {}


@pytest.fixture(autouse=True)
def fresh():
    attempts.clear()
    gates.clear()


def make_app() -> df.DFApp:
    app = df.DFApp()

    @app.activity_trigger(input_name="x")
    def double(x):
        return 2 * x

    @app.activity_trigger(input_name="x")
    def fail(x):
        raise ValueError(f"no {x}")

    @app.activity_trigger(input_name="x")
    def flaky(x):
        """Fails until the attempt of its number."""
        name, good = x
        attempts[name] = attempts.get(name, 0) + 1
        if attempts[name] < good:
            raise ValueError(f"{name} attempt {attempts[name]}")
        return attempts[name]

    @app.activity_trigger(input_name="x")
    async def gate(x):
        await gates.setdefault(x, asyncio.Event()).wait()
        return x

    @app.orchestration_trigger(context_name="context")
    def chain(context):
        value = context.get_input()
        for _ in range(3):
            value = yield context.call_activity("double", value)
        return value

    @app.orchestration_trigger(context_name="context")
    def fan(context):
        tasks = [context.call_activity("double", i) for i in range(context.get_input())]
        return (yield context.task_all(tasks))

    @app.orchestration_trigger(context_name="context")
    def failing(context):
        yield context.call_activity("fail", "way")

    @app.orchestration_trigger(context_name="context")
    def catching(context):
        try:
            yield context.call_activity("fail", "way")
        except Exception as error:
            return str(error)

    @app.orchestration_trigger(context_name="context")
    def retrying(context):
        value = yield context.call_activity_with_retry("flaky", RETRY, context.get_input())
        after = yield context.call_activity("double", value)
        return [value, after]

    @app.orchestration_trigger(context_name="context")
    def retrying_many(context):
        tasks = [
            context.call_activity_with_retry("flaky", RETRY, pair) for pair in context.get_input()
        ]
        results = []
        try:
            results.append((yield context.task_all(tasks)))
        except Exception:
            for task in tasks:
                try:
                    results.append((yield task))
                except Exception as error:
                    results.append(str(error).split(" \n ")[0])
        last = yield context.call_activity("double", 21)
        return [results, last]

    @app.orchestration_trigger(context_name="context")
    def parent(context):
        names = context.get_input()
        tasks = [context.call_sub_orchestrator("chain", i) for i in range(names)]
        own = yield context.call_sub_orchestrator("whoami", None, "chosen-id")
        return [(yield context.task_all(tasks)), own]

    @app.orchestration_trigger(context_name="context")
    def whoami(context):
        yield context.call_activity("double", 1)
        return [context.instance_id, context.parent_instance_id]

    @app.orchestration_trigger(context_name="context")
    def parent_of_failing(context):
        try:
            yield context.call_sub_orchestrator("failing")
        except Exception as error:
            return str(error)

    @app.orchestration_trigger(context_name="context")
    def child_flaky(context):
        return (yield context.call_activity("flaky", context.get_input()))

    @app.orchestration_trigger(context_name="context")
    def parent_retrying(context):
        name, good, instance_id = context.get_input()
        return (
            yield context.call_sub_orchestrator_with_retry(
                "child_flaky", RETRY, [name, good], instance_id
            )
        )

    @app.orchestration_trigger(context_name="context")
    def timer(context):
        before = context.current_utc_datetime
        yield context.create_timer(before + datetime.timedelta(milliseconds=30))
        return (context.current_utc_datetime - before).total_seconds()

    @app.orchestration_trigger(context_name="context")
    def race(context):
        deadline = context.create_timer(context.current_utc_datetime + datetime.timedelta(days=5))
        approval = context.wait_for_external_event("Approval")
        winner = yield context.task_any([approval, deadline])
        if winner == approval:
            deadline.cancel()
            return ["approved", approval.result]
        return ["late"]

    @app.orchestration_trigger(context_name="context")
    def collect(context):
        values = []
        yield context.call_activity("gate", "collect")
        for _ in range(context.get_input()):
            values.append((yield context.wait_for_external_event("E")))
        return values

    @app.orchestration_trigger(context_name="context")
    def unknown_activity(context):
        try:
            yield context.call_activity("nowhere")
        except Exception as error:
            return str(error)

    @app.orchestration_trigger(context_name="context")
    def unknown_child(context):
        yield context.call_sub_orchestrator("nowhere")

    @app.orchestration_trigger(context_name="context")
    def partly_unknown(context):
        names = ("double", "nowhere", "double")
        yield context.task_all([context.call_activity(name, 1) for name in names])

    @app.orchestration_trigger(context_name="context")
    def never_tried(context):
        never = df.RetryOptions(first_retry_interval_in_milliseconds=1, max_number_of_attempts=0)
        yield context.call_activity_with_retry("double", never, 1)

    @app.orchestration_trigger(context_name="context")
    def tried_again_in_a_week(context):
        weekly = df.RetryOptions(7 * 24 * 3_600_000, 2)
        yield context.call_activity_with_retry("double", weekly, 1)

    @app.orchestration_trigger(context_name="context")
    def any_of(context):
        fast = context.call_activity("double", 4)
        slow = context.call_activity("gate", "slow")
        first = yield context.task_any([slow, fast])
        context.set_custom_status(first.result)
        second = yield slow
        return [first.result, second]

    @app.orchestration_trigger(context_name="context")
    def forgets_a_task(context):
        fast = context.call_activity("double", 4)
        slow = context.call_activity("gate", "forgotten")
        yield context.task_any([slow, fast])
        return "returned"

    return app


async def test_a_chain_hands_each_result_to_the_next_activity(path):
    async with hub(make_app(), path) as durable:
        assert await durable.run("chain", 5) == 40


@pytest.mark.parametrize("schema", [1, 2, 3])
async def test_fan_out_gathers_in_order_under_every_replay_schema(path, schema):
    async with hub(make_app(), path, replay_schema=schema, max_concurrent_activities=7) as durable:
        assert await durable.run("fan", 60) == [2 * i for i in range(60)]


async def test_a_fan_out_is_replayed_twice_only(path):
    async with hub(make_app(), path, max_concurrent_activities=3) as durable:
        await durable.run("fan", 100)
        assert sum(call.function == "fan" for call in durable.executor.calls) == 2


async def test_no_more_activities_are_in_flight_than_the_limit(path):
    async with hub(make_app(), path, max_concurrent_activities=2) as durable:
        await asyncio.gather(*(durable.start("collect", 0) for _ in range(5)))

        async def started():
            return [c for c in durable.executor.calls if c.function == "gate"]

        await durable.until(started)
        assert len(await started()) == 2
        gates["collect"].set()
        await durable.until(lambda: started_at_least(started, 5))


async def started_at_least(started, count):
    return len(await started()) >= count


async def test_an_uncaught_failure_fails_the_instance_in_the_extensions_words(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("failing")
        text = await durable.failure(instance_id)
        assert text.startswith(
            "Orchestrator function 'failing' failed: "
            "Activity function 'fail' failed:  ValueError: no way \n {"
        )
        failed = next(e for e in await durable.engine.history(instance_id) if e["EventType"] == 6)
        details = json.loads(failed["Details"])
        assert details["ClassName"] == "System.Exception"
        assert details["Message"] == " ValueError: no way"


async def test_a_failure_can_be_caught(path):
    async with hub(make_app(), path) as durable:
        assert "ValueError: no way" in await durable.run("catching")


async def test_retries_go_on_until_an_attempt_succeeds(path):
    async with hub(make_app(), path) as durable:
        assert await durable.run("retrying", ["a", 3]) == [3, 6]


async def test_the_history_of_used_up_retries_is_that_of_the_extension(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("retrying", ["a", 9])
        assert "a attempt 3" in await durable.failure(instance_id)
        events = await durable.engine.history(instance_id)
        told = [
            (e["EventType"], e.get("TaskScheduledId", e.get("TimerId", e["EventId"])))
            for e in events
            if e["EventType"] not in (0, 1, 12, 13)
        ]
        assert told == [
            (4, 0), (6, 0), (10, 1), (11, 1), (4, 2), (6, 2), (10, 3), (11, 3), (4, 4), (6, 4),
            (10, 5), (11, 5),
        ]  # fmt: skip


async def test_many_retries_at_once_keep_their_numbers(path):
    pairs = [["a", 1], ["b", 2], ["c", 9], ["d", 3], ["e", 9], ["f", 1]]
    async with hub(make_app(), path) as durable:
        results, last = await durable.run("retrying_many", pairs)
        prefix = "Activity function 'flaky' failed:  ValueError: "
        assert results == [1, 2, prefix + "c attempt 3", 3, prefix + "e attempt 3", 1]
        assert last == 42


async def test_children_know_their_parent_and_their_id(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("parent", 3)
        assert await durable.result(instance_id) == [[0, 8, 16], ["chosen-id", instance_id]]


async def test_a_childs_failure_reaches_its_parent(path):
    async with hub(make_app(), path) as durable:
        text = await durable.run("parent_of_failing")
        assert text.startswith("Orchestrator function 'failing' failed: Activity function 'fail'")


@pytest.mark.parametrize("chosen", [None, "my-child"])
async def test_a_failed_child_is_tried_again(path, chosen):
    async with hub(make_app(), path) as durable:
        assert await durable.run("parent_retrying", ["s", 3, chosen]) == 3
        page, _ = await durable.engine.query_instances(InstanceFilter(), top=50)
        children = [record for record in page if record.name == "child_flaky"]
        assert len(children) == (3 if chosen is None else 1)


async def test_a_timer_fires_when_it_is_due(path):
    async with hub(make_app(), path) as durable:
        assert 0.03 <= await durable.run("timer") < 5


async def test_an_event_beats_a_timer_which_is_cancelled(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("race")
        await durable.status(instance_id, "Running")
        await durable.engine.raise_event(instance_id, "approval", '"wrong case"')
        await durable.engine.raise_event(instance_id, "Approval", '{"by": "me"}')
        assert await durable.result(instance_id) == ["approved", {"by": "me"}]


async def test_of_early_events_the_last_is_given_to_every_wait(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("collect", 3)
        for value in range(3):
            await durable.engine.raise_event(instance_id, "E", json.dumps(value))
        gates.setdefault("collect", asyncio.Event()).set()
        assert await durable.result(instance_id) == [2, 2, 2]


@pytest.mark.parametrize(
    "name", ["unknown_activity", "unknown_child", "never_tried", "tried_again_in_a_week"]
)
async def test_what_cannot_be_scheduled_is_awaited_for_ever_and_told_in_the_log(path, name, caplog):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start(name)
        await durable.status(instance_id, "Running")
        assert await durable.kinds(instance_id) == [12, 0, 13]
        assert f"of instance {instance_id}: " in caplog.text
    async with hub(make_app(), path) as durable:
        await durable.run("chain", 1)
        assert (await durable.engine.get_instance(instance_id)).runtime_status == "Running"
        await durable.engine.terminate(instance_id, "enough")


async def test_the_rest_of_a_set_with_an_unknown_activity_runs(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("partly_unknown")

        async def both():
            return (await durable.kinds(instance_id)).count(5) == 2

        await durable.until(both)
        assert (await durable.engine.get_instance(instance_id)).runtime_status == "Running"


async def test_an_unknown_orchestrator_starts_and_fails(path):
    async with hub(make_app(), path) as durable:
        text = await durable.failure(await durable.start("nowhere"))
        assert text.startswith("Orchestrator function 'nowhere' failed: The function 'nowhere'")
        assert "The following are the known orchestrator functions: 'any_of'" in text


async def test_names_are_found_whatever_their_case(path):
    async with hub(make_app(), path) as durable:
        assert await durable.run("CHAIN", 1) == 8


async def test_the_first_of_several_goes_on_and_the_rest_can_be_awaited(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("any_of")

        async def reported():
            return (await durable.engine.get_instance(instance_id)).custom_status_text == "8"

        await durable.until(reported)
        gates["slow"].set()
        assert await durable.result(instance_id) == [8, "slow"]


async def test_an_instance_runs_on_while_an_abandoned_activity_does(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("forgets_a_task")
        await durable.until(lambda: replays_of(durable, "forgets_a_task", 2))
        assert (await durable.engine.get_instance(instance_id)).runtime_status == "Running"
        gates["forgotten"].set()
        assert await durable.result(instance_id) == "returned"


async def replays_of(durable, name, count):
    return sum(call.function == name for call in durable.executor.calls) >= count
