"""Random orchestrations give what their code says, whatever the order, batching and crashes."""

import asyncio
import datetime
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localhost.durable.engine.engine import Engine
from localhost.durable.engine.tearing import Tearing
from localhost.durable.errors import InstanceFinishedError, RefusedWriteError
from localhost.durable.host_json import DurableSettings
from localhost.durable.storage.store import Callback, Store
from localhost.durable.storage.transaction import Transaction
from localhost.execution.contract import Invocation, OnResults
from tests.support.doubles.inline_executor import InlineExecutor

DEADLINE_SECONDS = 120
MOST_CRASHES = 3
AGAIN_SECONDS = (0.0, 0.02)

leaves = st.one_of(
    st.tuples(st.just("act"), st.integers(0, 99)),
    st.tuples(st.just("fail"), st.integers(0, 99)),
    st.tuples(st.just("retry"), st.integers(0, 99), st.integers(0, 3)),
    st.tuples(st.just("hopeless"), st.integers(0, 99)),
    st.tuples(st.just("event"), st.integers(0, 99)),
    st.tuples(st.just("entity"), st.integers(1, 9)),
    st.tuples(st.just("signal"), st.integers(1, 9)),
    st.tuples(st.just("timer"), st.integers(0, 3)),
)
steps = st.one_of(
    leaves,
    st.tuples(st.just("all"), st.lists(leaves, min_size=1, max_size=5)),
    st.tuples(st.just("any"), leaves),
)
programs = st.lists(
    st.one_of(steps, st.tuples(st.just("child"), st.lists(steps, max_size=3))), max_size=5
)


def make_app() -> df.DFApp:
    app = df.DFApp()

    @app.activity_trigger(input_name="x")
    def act(x):
        return x + 1

    @app.activity_trigger(input_name="x")
    def fail(x):
        raise ValueError(f"[{x}]")

    attempts: dict[str, int] = {}

    @app.activity_trigger(input_name="x")
    def flaky(x):
        key, value, failures = x
        attempts[key] = attempts.get(key, 0) + 1
        if attempts[key] <= failures:
            raise ValueError("not yet")
        return value

    @app.orchestration_trigger(context_name="context")
    def interpret(context):
        results = []
        for place, step in enumerate(context.get_input()):
            results.append((yield from interpret_step(context, f"{place}", step)))
        return results

    @app.entity_trigger(context_name="context")
    def tally(context):
        context.set_state(context.get_state(lambda: 0) + context.get_input())
        context.set_result(context.get_input())

    return app


def interpret_step(context: Any, key: str, step: Sequence[Any]) -> Any:
    kind, *rest = step
    if kind == "signal":
        context.signal_entity(df.EntityId("tally", "all"), "add", rest[0])
        return "signalled"
    if kind == "all":
        made = [(leaf, task_of(context, f"{key}.{n}", leaf)) for n, leaf in enumerate(rest[0])]
        tasks = [task for _, task in made if task is not None]
        try:
            yield context.task_all(tasks)
        except Exception:
            context.set_custom_status("a task has failed")
        results = []
        for leaf, task in made:
            results.append("signalled" if task is None else (yield from outcome(leaf, task)))
        return results
    if kind == "any":
        task = task_of(context, key, rest[0])
        if task is None:
            return "signalled"
        yield context.task_any([task, context.wait_for_external_event("never")])
        return (yield from outcome(rest[0], task))
    if kind == "child":
        return (yield context.call_sub_orchestrator("interpret", rest[0]))
    return (yield from outcome(step, task_of(context, key, step)))


def task_of(context: Any, key: str, leaf: Sequence[Any]) -> Any:
    """The task of a leaf; None for a signal, which has none."""
    kind, value = leaf[0], leaf[1]
    tally = df.EntityId("tally", "all")
    attempts = 2 + MOST_CRASHES if kind == "retry" else 2
    retry = df.RetryOptions(1, attempts)
    if kind == "signal":
        context.signal_entity(tally, "add", value)
        return None
    if kind == "timer":
        due = context.current_utc_datetime + datetime.timedelta(milliseconds=value)
        return context.create_timer(due)
    made = {
        "act": lambda: context.call_activity("act", value),
        "fail": lambda: context.call_activity("fail", value),
        "retry": lambda: context.call_activity_with_retry(
            "flaky", retry, [f"{context.instance_id}/{key}", value, leaf[-1]]
        ),
        "hopeless": lambda: context.call_activity_with_retry("fail", retry, value),
        "event": lambda: context.wait_for_external_event(f"event-{value}"),
        "entity": lambda: context.call_entity(tally, "add", value),
    }
    return made[kind]()


def outcome(leaf: Sequence[Any], task: Any) -> Any:
    try:
        return (yield task)
    except Exception as error:
        assert f"[{leaf[1]}]" in str(error)
        return "failed"


def expected(step: Sequence[Any]) -> Any:
    """What a step results in, worked out without any engine."""
    kind, value, *_ = step
    if kind in ("all", "child"):
        return [expected(inner) for inner in value]
    if kind == "any":
        return expected(value)
    fixed = {"fail": "failed", "hopeless": "failed", "signal": "signalled", "timer": None}
    return fixed[kind] if kind in fixed else value + (kind == "act")


def walk(program: Sequence[Any], *, is_child: bool = False) -> list[tuple[Any, bool]]:
    """Every leaf, and whether it is a child's."""
    found: list[tuple[Any, bool]] = []
    for step in program:
        if step[0] in ("all", "child"):
            found += walk(step[1], is_child=is_child or step[0] == "child")
        elif step[0] == "any":
            found.append((step[1], is_child))
        else:
            found.append((step, is_child))
    return found


def alone(step: Sequence[Any]) -> Sequence[Any]:
    """Leave one step with retries in a group.

    Their attempts are numbered in the order in which they fail. A torn turn and the one that takes
    its place may see another order, and a completion finds its task by the number alone: in Azure,
    too, it may end up with another's.
    """
    kind, inner, *rest = step
    if kind == "child":
        return [kind, [alone(own) for own in inner], *rest]
    if kind != "all":
        return step
    retried = [leaf for leaf in inner if leaf[0] in ("retry", "hopeless")]
    return [kind, [leaf for leaf in inner if leaf not in retried] + retried[:1]]


class ShufflingExecutor(InlineExecutor):
    """Runs calls in a random order, and hands results over in random batches."""

    def __init__(self, app: Any, chance: random.Random) -> None:
        super().__init__(app)
        self._chance = chance
        self._waiting: list[tuple[Invocation, OnResults]] = []

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._some)
        self._waiting += [(call, on_results) for call in invocations]

    def _some(self) -> None:
        self._chance.shuffle(self._waiting)
        count = self._chance.randint(1, len(self._waiting))
        now, self._waiting = self._waiting[:count], self._waiting[count:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._some)
        by_done: dict[OnResults, list[Invocation]] = {}
        for call, done in now:
            by_done.setdefault(done, []).append(call)
        for done, calls in by_done.items():
            task = asyncio.get_running_loop().create_task(self._run_all(calls, done))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


class CrashingStore(Store):
    """A store that writes a number of transactions and loses all that are submitted later."""

    left: float = float("inf")

    def submit(
        self,
        transaction: Transaction,
        callback: Callback | None = None,
        on_refusal: Callable[[RefusedWriteError], None] | None = None,
    ) -> None:
        self.left -= 1
        if self.left >= 0:
            super().submit(transaction, callback, on_refusal)


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["whole", "torn"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs, st.integers(0, 2**32), st.lists(st.integers(2, 25), max_size=3))
def test_any_shape_survives_any_order_batching_crash_and_tear(share, program, seed, crashes):
    chance = random.Random(seed)
    program = json.loads(json.dumps(program))
    # An event step in a child would need the child's id to be raised to.
    if any(leaf[0] == "event" and is_child for leaf, is_child in walk(program)):
        program = [step for step in program if step[0] != "child"]
    if share:
        program = [alone(step) for step in program]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hub.db"
        output, tally = asyncio.run(run(program, chance, crashes, path, share))
    assert output == [expected(step) for step in program]
    counted = sum(leaf[1] for leaf, _ in walk(program) if leaf[0] in ("entity", "signal"))
    # A torn turn of an orchestrator calls its entities again.
    assert tally == counted or (share and tally > counted)


async def run(
    program: Any, chance: random.Random, crashes: list[int], path: Path, share: float
) -> tuple[Any, int]:
    app = make_app()
    functions = ShufflingExecutor(app, chance)
    for writes in [*crashes, float("inf")]:
        store = CrashingStore.open(path)
        tearing = Tearing(share, AGAIN_SECONDS, chance.getrandbits(32))
        settings = DurableSettings(max_concurrent_activities=3)
        engine = Engine(functions, store, settings, tearing=tearing)
        await engine.start()
        await begin(engine, program)
        store.left = writes
        result = await settled(engine, store)
        await engine.stop(grace_seconds=0)
        # What the dead engine still had under way is never heard of again.
        functions._waiting.clear()
        await functions.stop()
        if result is not None:
            return result
    raise AssertionError("it never came to its end")


async def begin(engine: Engine, program: Any) -> None:
    """Start the instance and raise its events, unless an earlier life of the engine did."""
    if await engine.get_instance("main") is not None:
        return
    await engine.start_instance(
        "interpret", instance_id="main", input_text=json.dumps(json.dumps(program))
    )
    for leaf, _ in walk(program):
        if leaf[0] != "event":
            continue
        # The SDK gives an event that came before its wait to every later wait of its name.
        with suppress(InstanceFinishedError):
            await engine.raise_event("main", f"event-{leaf[1]}", json.dumps(leaf[1]))


async def settled(engine: Engine, store: CrashingStore) -> tuple[Any, int] | None:
    """Wait for the end, or for the crash; the end includes that all signals have arrived."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while store.left >= 0:
            record = await engine.get_instance("main")
            if record is not None and record.is_finished:
                await idle(engine)
                entity = await engine.get_entity("tally", "all")
                tally = int(entity.state_text or 0) if entity else 0
                assert record.runtime_status == "Completed", record.output_text
                if store.left >= 0:
                    return json.loads(record.output_text or "null"), tally
            await asyncio.sleep(0.001)
    return None


async def idle(engine: Engine) -> None:
    def operations(connection: Any) -> int:
        return int(connection.execute("SELECT count(*) FROM operations").fetchone()[0])

    store = engine._store
    while await store.read(operations) and store.left >= 0:  # noqa: ASYNC110 - it asks the store
        await asyncio.sleep(0.001)
