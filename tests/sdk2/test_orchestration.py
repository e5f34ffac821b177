"""What `fanout.durable` makes of the SDK 2.x, where that is not what it was in 1.x."""

from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import pytest
from durabletask.task import TaskFailedError

from fanout.durable import client as durable_client
from fanout.durable import orchestration as durable
from fanout.durable.app import orchestrator
from fanout.durable.sdk2.client import UnpurgedError
from tests.support.sdk2.backend_hub import backend_hub

pytestmark = pytest.mark.timeout(180)
LONG_SECONDS = 600.0


def make_app() -> df.DFApp:
    app = df.DFApp()

    @app.activity_trigger(input_name="number")
    def halve(number):
        if number % 2:
            raise ValueError(f"{number} is odd")
        return number // 2

    @orchestrator(app, "first_failure")
    def first_failure(context: Any, given: Any) -> Any:
        timer = durable.start_timer(context, LONG_SECONDS)
        tasks = [durable.call_activity(context, "halve", number) for number in given]
        yield from durable.await_all_or_failure(context, [*tasks, timer])
        failed = [task for task in tasks if durable.is_completed(task) and durable.failure_of(task)]
        durable.cancel_timer(timer)
        return [durable.failure_text(durable.failure_of(task)) for task in failed]

    @orchestrator(app, "all_of")
    def all_of(context: Any, given: Any) -> Any:
        tasks = [durable.call_activity(context, "halve", number) for number in given]
        try:
            return (yield durable.all_of(context, tasks))
        except TaskFailedError:
            return [durable.is_completed(task) for task in tasks]

    @orchestrator(app, "tries")
    def tries(context: Any, given: Any) -> Any:
        task = durable.call_activity_with_retry(context, "halve", given, 10, 3)
        try:
            return (yield task)
        except Exception as failure:
            return durable.failure_text(failure)

    @orchestrator(app, "events")
    def events(context: Any, given: Any) -> Any:
        came = []
        while len(came) < 2:
            event = durable.wait_for_event(context, "news")
            timer = durable.start_timer(context, 0.05)
            yield durable.any_of(context, [event, timer])
            if durable.is_completed(event):
                came.append(durable.value_of(event))
            else:
                durable.cancel_event(event)
            if not durable.is_completed(timer):
                durable.cancel_timer(timer)
        return came

    @orchestrator(app, "child")
    def child(context: Any, given: Any) -> Any:
        yield durable.start_timer(context, 0)
        if given > 0:
            durable.continue_as_new(context, given - 1)
            return None
        return [context.instance_id, durable.now(context).isoformat()]

    @orchestrator(app, "parent")
    def parent(context: Any, given: Any) -> Any:
        return (yield durable.call_child(context, "child", given, "its-child"))

    return app


async def run(name: str, given: Any) -> Any:
    async with backend_hub(make_app()) as hub:
        return await hub.result(await hub.start(name, given, instance_id="it"))


async def test_the_first_failure_is_heard_while_others_go_on():
    assert await run("first_failure", [2, 3]) == ["ValueError: 3 is odd"]


async def test_all_of_gives_results_in_order_and_ends_with_the_last():
    assert await run("all_of", [2, 4, 6]) == [1, 2, 3]
    assert await run("all_of", [2, 3, 6]) == [True, True, True]


async def test_an_activity_is_tried_again_and_its_last_failure_is_told():
    assert await run("tries", 8) == 4
    assert await run("tries", 7) == "ValueError: 7 is odd"


async def test_a_child_has_its_own_id_goes_on_in_new_histories_and_knows_the_time():
    instance, moment = await run("parent", 3)
    assert instance == "its-child"
    assert abs((datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()) < 120


async def test_an_event_reaches_the_wait_that_goes_on_and_keeps_its_value():
    async with backend_hub(make_app()) as hub:
        await hub.start("events", instance_id="it")
        for value in ("3 12", "4 8"):
            await durable_client.raise_event(hub.client, "it", "news", value)
        assert await hub.result("it") == ["3 12", "4 8"]


async def test_an_orchestration_is_seen_ended_and_purged_by_the_client():
    async with backend_hub(make_app()) as hub:
        assert await durable_client.read_status(hub.client, "it") is None
        assert await durable_client.purge(hub.client, "it") == 0
        await hub.start("first_failure", [2], instance_id="it")
        with pytest.raises(Exception, match="already exists"):
            await hub.start("first_failure", [2], instance_id="it")
        with pytest.raises(UnpurgedError):
            await durable_client.purge(hub.client, "it")
        await durable_client.terminate(hub.client, "it", "enough")
        known = await hub.status("it")
        assert (known.runtime, known.output) == ("Terminated", "enough")
        assert known.created_at is not None and known.updated_at is not None
        assert await durable_client.purge(hub.client, "it") == 1
        assert not await hub.is_there("it")


async def test_the_urls_of_durables_own_api_are_those_of_the_host():
    async with backend_hub(make_app()) as hub:
        hub.client.managementUrls = {"statusQueryGetUri": "http://x/instances/INSTANCEID?code=k"}
        urls = durable_client.management_urls(hub.client, "a b")
        assert urls["statusQueryGetUri"] == "http://x/instances/a%20b?code=k"
