"""What `FaultyExecutor` does to activities, around an executor that answers on command."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from localhost.execution import faulty_executor
from localhost.execution.contract import FunctionInfo, Invocation, InvocationResult, OnResults
from localhost.execution.faulty_executor import FaultyExecutor, Holdback
from localhost.faults import Faults


def info(name: str, kind: str) -> FunctionInfo:
    binding = {"type": kind, "name": "value"}
    return FunctionInfo(name, binding, [binding], is_async=False)


class Inner:
    """Keeps each call until it is answered."""

    functions = (info("act", "activityTrigger"), info("run", "orchestrationTrigger"))
    worker_pids = (101, 102)

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.calls: list[tuple[str, OnResults]] = []
        self.is_stopped = False

    async def prepare(self) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.is_stopped = True

    def bind(self, inputs: Any) -> None: ...

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        self.calls += [(call.id, on_results) for call in invocations]

    def find_worker(self, invocation_id: str) -> int | None:
        return 102 if any(call == invocation_id for call, _ in self.calls) else None

    @property
    def ids(self) -> list[str]:
        return [call for call, _ in self.calls]

    def answer(self, index: int, value: str = "v") -> None:
        call, done = self.calls.pop(index)
        done([InvocationResult(call, value)])


class Trial:
    """A faulty executor, what it hands over, and the workers it kills."""

    def __init__(self, document: dict[str, Any], kills: list[int]) -> None:
        self.inner = Inner()
        faults = Faults.model_validate_json(json.dumps({"seed": 1, **document}))
        self.executor = FaultyExecutor(self.inner, faults, self.inner)
        self.results: list[tuple[str, Any]] = []
        self.kills = kills

    async def submit(self, function: str, *ids: str) -> None:
        await self.executor.start()
        calls = [Invocation(one, function, "null") for one in ids]
        self.executor.submit(calls, self._take)
        await self.settle()

    def _take(self, results: Sequence[InvocationResult]) -> None:
        self.results += [(result.id, result.value) for result in results]

    async def settle(self) -> None:
        """Let what is due in this turn of the loop and the next happen."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def until_handed_over(self, number: int) -> None:
        async with asyncio.timeout(10):
            while len(self.results) < number:  # noqa: ASYNC110 - it waits for timers
                await asyncio.sleep(0.002)


Trials = Callable[[dict[str, Any]], Trial]


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trials]:
    kills: list[int] = []

    def kill(pid: int, number: int) -> None:
        assert number == signal.SIGKILL
        kills.append(pid)

    monkeypatch.setattr(faulty_executor.os, "kill", kill)
    return lambda document: Trial(document, kills)


async def test_an_activity_is_delivered_twice_and_the_first_result_alone_is_handed_over(trial):
    twice = trial({"activities": {"deliver_twice": 1}})
    await twice.submit("act", "a")
    assert twice.inner.ids == ["a", "a-again"]
    twice.inner.answer(1, "second delivery")
    twice.inner.answer(0, "first delivery")
    await twice.settle()
    assert twice.results == [("a", "second delivery")]


async def test_orchestrators_are_never_disturbed(trial):
    calm = trial(
        {
            "activities": {"deliver_twice": 1, "delay_ms": [5000, 5000]},
            "workers": {"kill": {"before_activity": 1, "after_activity": 1}},
        }
    )
    await calm.submit("run", "o")
    assert calm.inner.ids == ["o"]
    calm.inner.answer(0)
    assert calm.results == [("o", "v")]
    assert calm.kills == []


async def test_a_worker_killed_before_an_activity_is_the_one_that_has_it(trial):
    before = trial({"workers": {"kill": {"before_activity": 1}}})
    await before.submit("act", "a")
    assert before.kills == [102]


async def test_a_worker_killed_after_an_activity_takes_its_result_along_once(trial):
    after = trial({"workers": {"kill": {"after_activity": 1}}})
    await after.submit("act", "a")
    assert after.kills == []
    after.inner.answer(0, "lost")
    await after.settle()
    assert (after.kills, after.results, after.inner.ids) == ([102], [], ["a"])
    after.inner.answer(0, "kept")
    await after.settle()
    assert (after.kills, after.results) == ([102], [("a", "kept")])


async def test_a_worker_that_has_ended_by_itself_costs_no_result(trial, monkeypatch):
    def gone(pid: int, number: int) -> None:
        raise ProcessLookupError

    after = trial({"workers": {"kill": {"after_activity": 1}}})
    monkeypatch.setattr(os, "kill", gone)
    await after.submit("act", "a")
    after.inner.answer(0)
    await after.settle()
    assert after.results == [("a", "v")]


async def test_completions_overtake_one_another_if_they_may(trial):
    late = trial({"activities": {"delay_ms": [0, 60], "reorder": True}})
    ids = [str(number) for number in range(20)]
    await late.submit("act", *ids)
    for _ in ids:
        late.inner.answer(0)
    await late.until_handed_over(20)
    handed = [one for one, _ in late.results]
    assert sorted(handed) == sorted(ids) and handed != ids


async def test_late_completions_keep_their_order_if_they_may_not_overtake(trial):
    late = trial({"activities": {"delay_ms": [0, 60]}})
    ids = [str(number) for number in range(20)]
    await late.submit("act", *ids)
    for _ in ids:
        late.inner.answer(0)
    assert late.results == []
    await late.until_handed_over(20)
    assert [one for one, _ in late.results] == ids


async def test_what_is_held_back_when_the_host_stops_is_lost(trial):
    late = trial({"activities": {"delay_ms": [1, 1]}})
    await late.submit("act", "a", "b")
    late.inner.answer(0)
    await late.executor.stop()
    late.inner.answer(0)
    await asyncio.sleep(0.01)
    assert late.inner.is_stopped
    assert late.results == []


async def test_a_call_that_raises_keeps_no_other_back():
    made: list[int] = []
    errors: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.append(context))
    held = Holdback(may_overtake=False)
    held.add(0.001, lambda: 1 // 0)
    held.add(0.001, lambda: made.append(1))
    async with asyncio.timeout(10):
        while not made:  # noqa: ASYNC110 - it waits for timers
            await asyncio.sleep(0.002)
    assert len(errors) == 1
