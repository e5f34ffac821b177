"""A turn whose messages are sent and whose state is lost, as on Azure's backend."""

import asyncio
from collections import Counter

import azure.durable_functions as df
import pytest

from localhost.durable.engine.tearing import Tearing
from tests.support.replays.durable_hub import hub
from tests.support.replays.scripted_tearing import ScriptedTearing

TASK_SCHEDULED, TASK_COMPLETED, CHILD_CREATED, CHILD_COMPLETED, EVENT_SENT = 4, 5, 7, 8, 14
LONG = 3600.0
# A turn is held back for longer than a busy machine takes to do what comes meanwhile.
STALL_SECONDS = 3.0
runs: Counter[str] = Counter()
gates: dict[str, asyncio.Event] = {}


@pytest.fixture(autouse=True)
def fresh():
    runs.clear()
    gates.clear()


def make_app() -> df.DFApp:
    app = df.DFApp()

    @app.activity_trigger(input_name="x")
    def count(x):
        runs[x] += 1
        return [x, runs[x]]

    @app.activity_trigger(input_name="x")
    async def gate(x):
        runs[x] += 1
        await gates.setdefault(x, asyncio.Event()).wait()
        return x

    @app.activity_trigger(input_name="x")
    def large(x):
        return x * 100_000

    @app.orchestration_trigger(context_name="context")
    def fan(context):
        return (yield context.task_all([context.call_activity("count", x) for x in "abc"]))

    @app.orchestration_trigger(context_name="context")
    def parent(context):
        found = yield context.call_sub_orchestrator(context.get_input(), None, "child")
        yield context.wait_for_external_event("end")
        return found

    @app.orchestration_trigger(context_name="context")
    def waits(context):
        return (yield context.call_activity("gate", "gate"))

    @app.orchestration_trigger(context_name="context")
    def counts(context):
        return (yield context.call_activity("count", "child"))

    @app.orchestration_trigger(context_name="context")
    def hears(context):
        heard = []
        for _ in range(2):
            heard.append((yield context.wait_for_external_event("say")))
        return heard

    @app.orchestration_trigger(context_name="context")
    def sizes(context):
        text = yield context.call_activity("large", "x")
        yield context.call_sub_orchestrator("size", text)
        return (yield context.call_sub_orchestrator("size", text))

    @app.orchestration_trigger(context_name="context")
    def size(context):
        return len(context.get_input())

    @app.orchestration_trigger(context_name="context")
    def takes_ticket(context):
        return (yield context.call_entity(df.EntityId("tickets", "all"), "take"))

    @app.orchestration_trigger(context_name="context")
    def signals(context):
        context.signal_entity(df.EntityId("tickets", "all"), "take")

    @app.orchestration_trigger(context_name="context")
    def writes(context):
        for word in context.get_input():
            yield context.call_entity(df.EntityId("paper", "all"), "write", word)

    @app.entity_trigger(context_name="context")
    def tickets(context):
        number = context.get_state(lambda: 0) + 1
        context.set_state(number)
        context.set_result(number)

    @app.entity_trigger(context_name="context")
    def paper(context):
        context.set_state([*context.get_state(list), context.get_input()])
        context.set_result(None)

    return app


async def state(durable, name):
    found = await durable.engine.get_entity(name, "all")
    return found and found.state_text


async def is_state(durable, name, text):
    return await state(durable, name) == text


async def test_an_entitys_answer_outlives_its_state(path):
    async with hub(
        make_app(), path, tearing=ScriptedTearing(1, delay_seconds=STALL_SECONDS)
    ) as durable:
        assert await durable.run("takes_ticket") == 1
        assert await state(durable, "tickets") is None
        assert await durable.run("takes_ticket") == 1, "the state was not lost"
        await durable.until(lambda: is_state(durable, "tickets", "2"))


async def test_operations_of_other_callers_come_between_those_of_one_never_overtake(path):
    async with hub(
        make_app(), path, tearing=ScriptedTearing(1, delay_seconds=STALL_SECONDS)
    ) as durable:
        first = await durable.start("writes", ["a1", "a2"])
        await durable.until(lambda: has(durable, first, EVENT_SENT, 2))
        await durable.run("writes", ["b1", "b2"])
        await durable.result(first)
        assert await state(durable, "paper") == '["b1", "b2", "a1", "a2"]'


async def has(durable, instance, kind, wanted=1):
    """Whether a history has so many events of a type by now."""
    return (await durable.kinds(instance)).count(kind) == wanted


async def test_a_torn_orchestrator_signals_twice(path):
    async with hub(make_app(), path, tearing=ScriptedTearing(0)) as durable:
        await durable.run("signals")
        await durable.until(lambda: is_state(durable, "tickets", "2"))


async def test_its_activities_run_twice_and_the_first_results_are_used_once(path):
    async with hub(
        make_app(), path, tearing=ScriptedTearing(0, delay_seconds=STALL_SECONDS)
    ) as durable:
        instance = await durable.start("fan")
        assert await durable.result(instance) == [["a", 1], ["b", 1], ["c", 1]]
        assert (await durable.kinds(instance)).count(TASK_SCHEDULED) == 3
        assert (await durable.kinds(instance)).count(TASK_COMPLETED) == 3
        await durable.until(lambda: ran(a=2, b=2, c=2))


async def ran(**wanted):
    return dict(runs) == wanted


async def test_a_child_that_is_running_is_left_as_it_is(path):
    async with hub(make_app(), path, tearing=ScriptedTearing(0)) as durable:
        instance = await durable.start("parent", "waits")
        await durable.until(lambda: has(durable, instance, CHILD_CREATED))
        gates["gate"].set()
        await durable.engine.raise_event(instance, "end", "null")
        assert await durable.result(instance) == "gate"
        assert runs["gate"] == 1


async def test_a_child_that_has_ended_runs_again_and_its_first_answer_counts(path):
    async with hub(
        make_app(), path, tearing=ScriptedTearing(0, delay_seconds=STALL_SECONDS)
    ) as durable:
        instance = await durable.start("parent", "counts")
        assert await durable.result("child") == ["child", 1]
        await durable.until(lambda: ran(child=2))
        await durable.engine.raise_event(instance, "end", "null")
        assert await durable.result(instance) == ["child", 1]
        assert (await durable.kinds(instance)).count(CHILD_COMPLETED) == 1


async def test_a_child_answers_its_parent_before_its_own_end_is_stored(path):
    async with hub(
        make_app(), path, tearing=ScriptedTearing(2, delay_seconds=STALL_SECONDS)
    ) as durable:
        instance = await durable.start("parent", "counts")
        await durable.until(lambda: has(durable, instance, CHILD_COMPLETED))
        assert (await durable.engine.get_instance("child")).runtime_status == "Running"
        await durable.result("child")
        await durable.engine.raise_event(instance, "end", "null")
        assert await durable.result(instance) == ["child", 1]
        assert (await durable.kinds(instance)).count(CHILD_COMPLETED) == 1


async def test_events_are_handed_over_again_behind_later_ones(path):
    async with hub(
        make_app(), path, tearing=ScriptedTearing(1, delay_seconds=STALL_SECONDS)
    ) as durable:
        instance = await durable.start("hears")
        await durable.status(instance, "Running")
        for number in (1, 2):
            await durable.engine.raise_event(instance, "say", str(number))
            await asyncio.sleep(0.05)
        assert await durable.result(instance) == [2, 1]


@pytest.mark.parametrize("place", range(6))
async def test_what_a_torn_turn_was_handed_is_found_by_the_next_host(path, place):
    """The host ends while the input is held back, and an early completion waits."""
    async with hub(make_app(), path, tearing=ScriptedTearing(place, delay_seconds=LONG)) as durable:
        await durable.start("parent", "counts", instance_id="parent")
        await durable.start("hears", instance_id="hears")
        await durable.engine.raise_event("hears", "say", "1")
        await durable.start("takes_ticket", instance_id="ticket")
        await asyncio.sleep(0.3)
    async with hub(make_app(), path) as durable:
        await durable.engine.raise_event("parent", "end", "null")
        await durable.engine.raise_event("hears", "say", "2")
        assert (await durable.result("parent"))[0] == "child"
        assert await durable.result("hears") == [1, 2]
        assert await durable.result("ticket") in (1, 2)


async def test_large_texts_survive_torn_turns(path):
    async with hub(make_app(), path, tearing=Tearing(1.0, (0.0, 0.05))) as durable:
        assert await durable.run("sizes") == 100_000


async def test_every_turn_torn_once_ends_all_the_same(path):
    async with hub(make_app(), path, tearing=Tearing(1.0, (0.0, 0.05))) as durable:
        found = await durable.run("fan")
        assert [name for name, _ in found] == ["a", "b", "c"]


async def test_an_instance_can_be_terminated_while_its_first_turn_is_held_back(path):
    held_back = ScriptedTearing(0, delay_seconds=STALL_SECONDS)
    async with hub(make_app(), path, tearing=held_back) as durable:
        instance = await durable.start("waits")
        await durable.until(lambda: ran(gate=1))
        await durable.engine.terminate(instance, "enough")
        gates["gate"].set()
        await durable.status(instance, "Terminated")
        await asyncio.sleep(STALL_SECONDS + 0.2)
        assert runs["gate"] == 1


def test_what_was_torn_is_spared_the_next_time():
    tearing = Tearing(1.0)
    assert tearing.should_tear([1, 2])
    assert tearing.should_tear([3])
    assert not tearing.should_tear([2, 4])
    assert tearing.should_tear([4])
    assert not tearing.should_tear([1])


def test_the_share_is_drawn_from_the_seed():
    first, again = Tearing(0.5, seed=3), Tearing(0.5, seed=3)
    drawn = [first.should_tear([number]) for number in range(100)]
    assert drawn == [again.should_tear([number]) for number in range(100)]
    assert 30 < sum(drawn) < 70
    assert not any(Tearing().should_tear([number]) for number in range(100))
