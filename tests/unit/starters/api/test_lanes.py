"""Lists and changes wait in turn, in queues that have an end, and leave all other calls alone."""

import asyncio
from collections import Counter

import pytest

from fanout.naming import functions
from starters.api import lanes
from starters.api.lanes import (
    CALLS_AT_ONCE,
    CALLS_OF_A_CALLER,
    CALLS_WAITING,
    CHANGES_WAITING,
    LARGE_AT_ONCE,
    LARGE_WAITING,
    LISTS_AT_ONCE,
    LISTS_OF_A_CALLER,
    LISTS_WAITING,
    CrowdedError,
    Lanes,
)


class Calls:
    """Calls that are at work until they are let go."""

    def __init__(self) -> None:
        self.lanes, self.go = Lanes(), asyncio.Event()
        self.at_work: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.order: list[int] = []

    async def call(
        self, number: int, function: str, run_id: str = "", caller: str = "", body: bytes = b""
    ) -> str:
        try:
            async with self.lanes.place(function, run_id, caller, body):
                key = f"{function} {run_id}"
                self.at_work[key] += 1
                self.most[key] = max(self.most[key], self.at_work[key])
                self.order.append(number)
                await self.go.wait()
                self.at_work[key] -= 1
        except CrowdedError:
            return "refused"
        return "answered"

    async def settle(self, *tasks: "asyncio.Task[str]") -> Counter[str]:
        await asyncio.sleep(0)
        self.go.set()
        return Counter(await asyncio.gather(*tasks))


async def test_lists_are_a_few_at_a_time_and_none_is_lost():
    calls = Calls()
    tasks = [
        asyncio.create_task(calls.call(n, functions.LIST_RUNS, caller=f"c{n % 16}"))
        for n in range(100)
    ]
    answers = await calls.settle(*tasks)
    assert calls.most.total() == LISTS_AT_ONCE
    assert answers["answered"] == LISTS_AT_ONCE + LISTS_WAITING
    assert calls.order == sorted(calls.order)
    assert await calls.call(101, functions.LIST_RUNS) == "answered"


async def test_one_caller_does_not_fill_the_queue_of_lists():
    calls = Calls()
    greedy = [
        asyncio.create_task(calls.call(n, functions.LIST_RUNS, caller="greedy")) for n in range(90)
    ]
    await asyncio.sleep(0)
    other = asyncio.create_task(calls.call(99, functions.LIST_ITEMS, caller="other"))
    answers = await calls.settle(*greedy)
    assert answers["answered"] == LISTS_OF_A_CALLER
    assert await other == "answered"


async def test_changes_of_a_run_wait_in_turn_and_those_of_others_do_not():
    calls = Calls()
    tasks = [
        asyncio.create_task(calls.call(n, functions.CHANGE_RUN, run_id=f"r{n % 2}"))
        for n in range(100)
    ]
    answers = await calls.settle(*tasks)
    assert set(calls.most.values()) == {1}
    assert answers["answered"] == 2 * (1 + CHANGES_WAITING)
    assert not calls.lanes._changes


async def test_all_other_calls_go_on_beside_lists_and_changes():
    calls = Calls()
    full = [
        asyncio.create_task(calls.call(n, function, "r", f"c{n}"))
        for function in (functions.LIST_RUNS, functions.CHANGE_RUN)
        for n in range(100)
    ]
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(calls.call(n, functions.GET_RUN, "r")) for n in range(60)]
    await asyncio.sleep(0)
    assert calls.at_work[f"{functions.GET_RUN} r"] == 60
    assert await calls.settle(*tasks) == {"answered": 60}
    await asyncio.gather(*full)


@pytest.mark.parametrize("function", [functions.GET_RUN, functions.START_RUN, functions.CHANGE_RUN])
async def test_no_flood_of_calls_is_taken_on_without_end(function: str):
    """Each of 2,000 is about a run of its own, from callers without number."""
    calls = Calls()
    tasks = [
        asyncio.create_task(calls.call(n, function, f"r{n}", caller=f"c{n}")) for n in range(2_000)
    ]
    health = asyncio.create_task(calls.call(0, functions.GET_HEALTH))
    await asyncio.sleep(0)
    assert sum(calls.at_work.values()) - 1 == CALLS_AT_ONCE
    answers = await calls.settle(*tasks)
    assert answers["answered"] == CALLS_AT_ONCE + CALLS_WAITING
    assert await health == "answered"


async def test_one_caller_leaves_room_for_the_calls_of_others():
    calls = Calls()
    greedy = [asyncio.create_task(calls.call(n, functions.GET_RUN)) for n in range(1_000)]
    await asyncio.sleep(0)
    others = [
        asyncio.create_task(calls.call(n, functions.GET_RUN, caller="other")) for n in range(50)
    ]
    assert (await calls.settle(*greedy))["answered"] == CALLS_OF_A_CALLER
    assert await asyncio.gather(*others) == ["answered"] * 50


async def test_who_waits_too_long_is_told_so_and_holds_no_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "MAX_WAIT_SECONDS", 0.01)
    calls = Calls()
    tasks = [asyncio.create_task(calls.call(n, functions.CHANGE_RUN, "r")) for n in range(6)]
    await asyncio.wait(tasks[1:])
    assert [task.result() for task in tasks[1:]] == ["refused"] * 5
    assert await calls.settle(tasks[0]) == {"answered": 1}
    assert not calls.lanes._changes


@pytest.mark.parametrize(
    ("function", "run_id", "words"),
    [
        (functions.LIST_RUNS, "", f"{LISTS_OF_A_CALLER} lists of yours are here already"),
        (functions.SUSPEND_RUN, "r", f"{CHANGES_WAITING} changes of 'r' wait already"),
        (functions.GET_RUN, "r", f"{CALLS_OF_A_CALLER} calls of yours are here already"),
    ],
)
async def test_who_is_refused_is_told_what_is_full(function: str, run_id: str, words: str):
    calls = Calls()
    tasks = [asyncio.create_task(calls.call(n, function, run_id)) for n in range(300)]
    await asyncio.sleep(0)
    with pytest.raises(CrowdedError, match=words):
        async with calls.lanes.place(function, run_id, ""):
            raise AssertionError("it was let in")
    await calls.settle(*tasks)


MANY_ITEMS = b'{"items":[' + b"{}," * 100_000 + b"{}]}"
ONE_LONG_ITEM = b'{"items":["' + b"x" * 2_000_000 + b'"]}'


async def test_requests_that_take_much_once_they_are_parsed_are_few_at_a_time():
    calls = Calls()
    tasks = [
        asyncio.create_task(calls.call(n, functions.START_RUN, caller=f"c{n}", body=MANY_ITEMS))
        for n in range(50)
    ]
    answers = await calls.settle(*tasks)
    assert calls.most.total() == LARGE_AT_ONCE
    assert answers == {"answered": LARGE_AT_ONCE + LARGE_WAITING, "refused": 50 - 2 - LARGE_WAITING}


async def test_requests_that_take_little_are_answered_beside_large_ones():
    calls = Calls()
    large = [
        asyncio.create_task(calls.call(n, functions.START_RUN, caller=f"c{n}", body=MANY_ITEMS))
        for n in range(10)
    ]
    small = [
        asyncio.create_task(calls.call(n, functions.START_RUN, caller=f"c{n}", body=body))
        for n, body in enumerate([ONE_LONG_ITEM, b"{}"] * 25, 10)
    ]
    await asyncio.sleep(0)
    assert [n for n in calls.order if n >= 10] == [*range(10, 60)]
    assert await calls.settle(*large, *small) == {"answered": 60}


@pytest.mark.parametrize("which", [0, 3])
async def test_a_call_that_is_given_up_leaves_its_place_to_the_next(which: int):
    calls = Calls()
    tasks = [asyncio.create_task(calls.call(n, functions.CHANGE_RUN, "r")) for n in range(6)]
    await asyncio.sleep(0)
    tasks[which].cancel()
    await asyncio.sleep(0)
    calls.go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers.pop(which), asyncio.CancelledError)
    assert answers == ["answered"] * 5 and not calls.lanes._changes
