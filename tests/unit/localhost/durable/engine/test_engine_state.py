"""Continue-as-new, entities, control from outside and queries, through the SDK's own code."""

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from functools import partial

import azure.durable_functions as df
import pytest

from localhost.durable.errors import (
    InstanceExistsError,
    InstanceFinishedError,
    InstanceNotFoundError,
    InvalidOperationError,
    StorageRefusalError,
    UnknownFunctionError,
    WrongStateError,
)
from localhost.durable.records import EntityFilter, InstanceFilter
from tests.support.replays.durable_hub import hub

gates: dict[str, asyncio.Event] = {}
code = {"first": "double"}


@pytest.fixture(autouse=True)
def fresh():
    gates.clear()
    code["first"] = "double"


def make_app() -> df.DFApp:
    app = df.DFApp()

    @app.activity_trigger(input_name="x")
    def double(x):
        return 2 * x

    @app.activity_trigger(input_name="x")
    def text_of(x):
        return "é" * x

    @app.activity_trigger(input_name="x")
    def length_of(x):
        return len(x)

    @app.activity_trigger(input_name="x")
    async def gate(x):
        await gates.setdefault(x, asyncio.Event()).wait()
        return x

    @app.orchestration_trigger(context_name="context")
    def counts_down(context):
        left, total = context.get_input()
        added = yield context.call_activity("double", left)
        if left == 0:
            return total
        context.continue_as_new([left - 1, total + added])

    @app.orchestration_trigger(context_name="context")
    def sums_events(context):
        total, wanted = context.get_input()
        if wanted == 0:
            return total
        value = yield context.wait_for_external_event("add")
        context.set_custom_status({"total": total + value})
        context.continue_as_new([total + value, wanted - 1])

    @app.orchestration_trigger(context_name="context")
    def takes_two(context):
        yield context.call_activity("gate", "two")
        taken = [*context.get_input(), (yield context.wait_for_external_event("add"))]
        if len(taken) == 2:
            return taken
        context.continue_as_new(taken)

    @app.orchestration_trigger(context_name="context")
    def waits(context):
        return (yield context.wait_for_external_event("go"))

    @app.orchestration_trigger(context_name="context")
    def parent_of_waiting(context):
        return (yield context.call_sub_orchestrator("waits", None, "waiting-child"))

    @app.orchestration_trigger(context_name="context")
    def gated(context):
        yield context.call_activity("gate", "gated")
        return "done"

    @app.orchestration_trigger(context_name="context")
    def reads_version(context):
        yield context.call_activity("double", 1)
        child = yield context.call_sub_orchestrator("own_version", None, None, "7.0")
        return [context.version, child]

    @app.orchestration_trigger(context_name="context")
    def own_version(context):
        return context.version

    @app.orchestration_trigger(context_name="context")
    def changes(context):
        yield context.call_activity(code["first"], 1)
        yield context.wait_for_external_event("go")

    @app.orchestration_trigger(context_name="context")
    def large(context):
        text = yield context.call_activity("text_of", context.get_input()["size"])
        yield context.wait_for_external_event("go")
        length = yield context.call_activity("length_of", text)
        return [length, len(context.get_input()["padding"])]

    @app.orchestration_trigger(context_name="context")
    def uses_entity(context):
        counter = df.EntityId("Counter", "k@1")
        context.signal_entity(counter, "add", 5)
        yield context.call_entity(counter, "add", 2)
        try:
            yield context.call_entity(counter, "explode")
        except Exception as error:
            problem = str(error)
        return [(yield context.call_entity(counter, "get")), problem]

    @app.orchestration_trigger(context_name="context")
    def uses_unknown_entity(context):
        try:
            yield context.call_entity(df.EntityId("nowhere", "k"), "get")
        except Exception as error:
            return str(error)

    @app.entity_trigger(context_name="context", entity_name="Counter")
    def counter(context):
        value = context.get_state(lambda: 0)
        operation = context.operation_name
        if operation == "add":
            context.set_state(value + context.get_input())
            context.set_result(None)
        elif operation == "get":
            context.set_result(value)
        elif operation == "delete":
            context.destruct_on_exit()
        else:
            raise ValueError(f"cannot {operation}")

    return app


async def test_continue_as_new_begins_a_fresh_history(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("counts_down", [4, 0])
        assert await durable.result(instance_id) == 20
        assert await durable.kinds(instance_id) == [12, 0, 13, 4, 13, 12, 5, 1, 13]
        record = await durable.engine.get_instance(instance_id)
        assert json.loads(json.loads(record.input_text)) == [0, 20]


async def test_continue_as_new_takes_an_event_a_generation(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("sums_events", [0, 4])
        total = 0
        for left, value in ((3, 1), (2, 20), (1, 300), (0, 4000)):
            await durable.engine.raise_event(instance_id, "add", json.dumps(value))
            total += value
            await durable.until(partial(has_input, durable, instance_id, [total, left]))
        assert await durable.result(instance_id) == 4321


async def has_input(durable, instance_id, values):
    record = await durable.engine.get_instance(instance_id)
    return record.input_text == json.dumps(json.dumps(values))


async def test_continue_as_new_drops_the_events_that_came_early(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("takes_two", [])
        for value in (1, 2):
            await durable.engine.raise_event(instance_id, "add", json.dumps(value))
        gates.setdefault("two", asyncio.Event()).set()
        await durable.until(partial(has_input, durable, instance_id, [2]))
        await durable.engine.raise_event(instance_id, "add", "3")
        assert await durable.result(instance_id) == [2, 3]


async def test_entities_keep_state_answer_calls_and_report_errors(path):
    async with hub(make_app(), path) as durable:
        assert await durable.run("uses_entity") == [7, "cannot explode"]
        record = await durable.engine.get_entity("COUNTER", "k@1")
        assert (record.name, record.key, record.state_text) == ("counter", "k@1", "7")


async def test_a_clients_signals_are_carried_out_in_order(path):
    async with hub(make_app(), path) as durable:
        await asyncio.gather(
            *(durable.engine.signal_entity("counter", "x", "add", '"1"') for _ in range(50))
        )

        async def counted():
            record = await durable.engine.get_entity("counter", "x")
            return record is not None and record.state_text == "50"

        await durable.until(counted)
        page, token = await durable.engine.query_entities(EntityFilter("counter"), top=10)
        assert [entity.key for entity in page] == ["x"]
        assert token is None
        await durable.engine.signal_entity("counter", "x", "delete", None)

        async def gone():
            return (await durable.engine.get_entity("counter", "x")).state_text is None

        await durable.until(gone)
        assert await durable.engine.query_entities(EntityFilter(), top=10) == ([], None)
        everyone = EntityFilter(with_deleted=True)
        assert len((await durable.engine.query_entities(everyone, top=10))[0]) == 1
        assert await durable.engine.purge("@counter@x") == 1
        assert await durable.engine.get_entity("counter", "x") is None


async def test_an_entity_is_an_instance_too_and_comes_first(path):
    async with hub(make_app(), path) as durable:
        await durable.run("uses_entity", instance_id="main")
        found, _ = await durable.engine.query_instances(InstanceFilter(), top=1)
        assert (found[0].instance_id, found[0].runtime_status) == ("@counter@k@1", "Running")
        assert json.loads(found[0].input_text) == {"exists": True, "state": "7", "sorter": {}}
        assert await durable.engine.get_instance("@counter@k@1") == found[0]


async def test_a_signal_without_input_cannot_be_read(path):
    async with hub(make_app(), path) as durable:
        await durable.engine.signal_entity("counter", "none", "add", None)
        await durable.engine.signal_entity("counter", "none", "add", '"4"')

        async def counted():
            record = await durable.engine.get_entity("counter", "none")
            return record is not None and record.state_text == "4"

        await durable.until(counted)


async def test_an_unknown_entity_is_named_to_a_client_and_leaves_an_orchestrator_waiting(path):
    async with hub(make_app(), path) as durable:
        await durable.status(await durable.start("uses_unknown_entity"), "Running")
        with pytest.raises(UnknownFunctionError, match="'Counter'"):
            await durable.engine.signal_entity("nowhere", "k", "get", None)


async def test_terminate_ends_an_instance_while_its_children_go_on(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("parent_of_waiting")
        await durable.status("waiting-child", "Running")
        await durable.engine.terminate(instance_id, "enough")
        record = await durable.engine.get_instance(instance_id)
        assert (record.runtime_status, record.output_text) == ("Terminated", "enough")
        await durable.engine.raise_event("waiting-child", "go", "1")
        assert await durable.result("waiting-child") == 1
        with pytest.raises(InstanceFinishedError):
            await durable.engine.raise_event(instance_id, "go", None)


async def test_a_terminated_child_fails_in_its_parent(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("parent_of_waiting")
        await durable.status("waiting-child", "Running")
        await durable.engine.terminate("waiting-child", "not needed")
        assert "not needed" in await durable.failure(instance_id)


async def test_a_suspended_instance_goes_on_only_when_resumed(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("gated")
        await durable.status(instance_id, "Running")
        await durable.engine.suspend(instance_id, "lunch")
        assert (await durable.engine.get_instance(instance_id)).runtime_status == "Suspended"
        with pytest.raises(InvalidOperationError):
            await durable.engine.suspend(instance_id, "again")
        gates.setdefault("gated", asyncio.Event()).set()
        await durable.run("counts_down", [2, 0])
        assert (await durable.engine.get_instance(instance_id)).runtime_status == "Suspended"
        await durable.engine.resume(instance_id, "back")
        assert await durable.result(instance_id) == "done"
        assert {19, 20} <= set(await durable.kinds(instance_id))
        with pytest.raises(InstanceFinishedError):
            await durable.engine.resume(instance_id, "back")


async def test_purge_leaves_no_trace(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("counts_down", [1, 0])
        await durable.result(instance_id)
        running = await durable.start("waits")
        await durable.status(running, "Running")
        assert await durable.engine.purge("nowhere") == 0
        assert await durable.engine.purge_many(InstanceFilter()) == 1
        assert await durable.engine.get_instance(instance_id) is None
        assert await durable.engine.history(instance_id) == []
        with pytest.raises(WrongStateError, match="has status Running"):
            await durable.engine.purge(running)
        await durable.engine.terminate(running, None)
        assert await durable.engine.purge(running) == 1
        with pytest.raises(InstanceNotFoundError):
            await durable.engine.terminate(running, "")


async def test_queries_filter_and_page(path):
    async with hub(make_app(), path) as durable:
        ids = [await durable.start("waits", instance_id=f"a-{n}") for n in range(5)]
        ended = await durable.start("counts_down", [0, 0], instance_id="b")
        await durable.result(ended)
        for instance_id in ids:
            await durable.status(instance_id, "Running")
        seen, token = [], None
        while True:
            page, token = await durable.engine.query_instances(
                InstanceFilter(id_prefix="a-"), top=2, token=token
            )
            seen += [record.instance_id for record in page]
            if token is None:
                break
        assert seen == ids
        finished, _ = await durable.engine.query_instances(
            InstanceFilter(statuses=frozenset({"Completed"})), top=9
        )
        assert [record.instance_id for record in finished] == ["b"]
        later = InstanceFilter(created_from=datetime.now(UTC) + timedelta(minutes=1))
        assert await durable.engine.query_instances(later, top=9) == ([], None)


async def test_an_id_in_use_is_refused_and_one_that_has_ended_is_used_again(path):
    async with hub(make_app(), path) as durable:
        await durable.start("waits", instance_id="one")
        with pytest.raises(InstanceExistsError):
            await durable.start("waits", instance_id="one")
        await durable.engine.raise_event("one", "go", "1")
        assert await durable.result("one") == 1
        assert await durable.run("counts_down", [1, 0], instance_id="one") == 2


async def test_whoever_is_told_that_an_id_is_in_use_finds_its_instance(path):
    async def attempt(durable) -> bool:
        try:
            await durable.start("waits", instance_id="one")
        except InstanceExistsError:
            return await durable.engine.get_instance("one") is not None
        return True

    for _ in range(20):
        async with hub(make_app(), path) as durable:
            assert all(await asyncio.gather(*(attempt(durable) for _ in range(8))))
            await durable.engine.terminate("one", "")
            await durable.engine.purge("one")


async def test_any_state_lets_a_start_replace_a_running_instance(path):
    settings = {"overridable_existing_instance_states": "AnyState"}
    async with hub(make_app(), path, **settings) as durable:
        await durable.start("waits", instance_id="one")
        assert await durable.run("counts_down", [1, 0], instance_id="one") == 2


async def test_an_id_longer_than_a_key_of_a_table_is_refused(path):
    async with hub(make_app(), path) as durable:
        await durable.start("waits", instance_id="x" * 512)
        with pytest.raises(StorageRefusalError):
            await durable.start("waits", instance_id="x" * 513)


async def test_restart_runs_the_same_input_again(path):
    async with hub(make_app(), path) as durable:
        first = await durable.start("counts_down", [0, 9])
        await durable.result(first)
        second = await durable.engine.restart(first, with_new_id=True)
        assert second != first
        assert await durable.result(second) == 9
        assert await durable.engine.restart(first, with_new_id=False) == first
        with pytest.raises(InstanceNotFoundError):
            await durable.engine.restart("nowhere", with_new_id=True)


async def test_versions_are_given_inherited_and_shown(path):
    async with hub(make_app(), path, default_version="8.0") as durable:
        assert await durable.run("reads_version") == ["8.0", "7.0"]
        assert await durable.run("own_version", version="1.5") == "1.5"


async def test_an_instance_of_a_newer_version_waits_or_fails_as_set(path):
    async with hub(make_app(), path, default_version="1.9") as durable:
        waiting = await durable.start("own_version", version="1.10")
        await durable.run("own_version")
        assert (await durable.engine.get_instance(waiting)).runtime_status == "Pending"
    async with hub(make_app(), path, default_version="1.10") as durable:
        assert await durable.result(waiting) == "1.10"
    failing = {"default_version": "1.9", "version_failure_strategy": "Fail"}
    async with hub(make_app(), path, **failing) as durable:
        refused = await durable.start("own_version", version="2.0")
        assert "VersionMismatch" in await durable.failure(refused)


async def test_changed_code_is_found_out(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("changes")
        await durable.until(lambda: has_waited(durable, instance_id))
        code["first"] = "length_of"
        await durable.engine.raise_event(instance_id, "go", None)
        assert await durable.failure(instance_id) == (
            "Non-Deterministic workflow detected: A previous execution of this orchestration "
            "scheduled an activity task with sequence number 0 named 'double', but the current "
            "orchestration replay instead scheduled an activity task with sequence number 0 named "
            "'length_of'. Was a change made to the orchestrator code after this instance had "
            "already started running?"
        )


async def has_waited(durable, instance_id):
    return (await durable.kinds(instance_id)).count(12) == 2


async def test_large_texts_are_kept_out_of_histories_and_joined_in(path):
    padding = "p" * 70_000
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("large", {"size": 60_000, "padding": padding})
        await durable.until(lambda: has_waited(durable, instance_id))
        live = durable.engine._live[instance_id]
        assert len("".join(live.turns)) < 5_000
    async with hub(make_app(), path) as durable:
        await durable.engine.raise_event(instance_id, "go", None)
        assert await durable.result(instance_id) == [60_000, 70_000]
        events = await durable.engine.history(instance_id)
        assert len(json.loads(next(e["Result"] for e in events if e["EventType"] == 5))) == 60_000


async def test_too_many_actions_fail_the_orchestration(path):
    async with hub(make_app(), path, max_orchestration_actions=1) as durable:
        text = await durable.failure(await durable.start("reads_version"))
        assert "Maximum amount of orchestration actions (1) has been reached" in text


async def test_activities_run_in_the_trace_of_the_start(path):
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with hub(make_app(), path) as durable:
        parent = f"00-{trace}-b7ad6b7169203331-01"
        await durable.result(await durable.start("counts_down", [0, 0], trace_parent=parent))
        spans = [call.trace_parent for call in durable.executor.calls]
        assert all(span.startswith(f"00-{trace}-") for span in spans)
        assert len(set(spans)) == len(spans) == 3


async def test_a_history_that_contradicts_itself_fails_its_instance_and_no_other(path):
    async with hub(make_app(), path) as durable:
        instance_id = await durable.start("gated")
        await durable.until(lambda: has_begun(durable, instance_id))
        other_id = await durable.start("gated")
        await durable.until(lambda: has_begun(durable, other_id))
    connection = sqlite3.connect(path)
    with connection:
        event = '{"EventType":5,"EventId":-1,"TaskScheduledId":0,"Result":"1","Timestamp":"x"}'
        connection.execute(
            "UPDATE history SET notes = NULL, events = ? WHERE instance_id = ?",
            (event, instance_id),
        )
    connection.close()
    async with hub(make_app(), path) as durable:
        words = f"the history of instance '{instance_id}' contradicts itself"
        assert words in await durable.failure(instance_id)
        assert (await durable.status(other_id, "Running")).instance_id == other_id


async def has_begun(durable, instance_id):
    return await durable.kinds(instance_id)
