"""Who runs what."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from localhost.execution.contract import FunctionInfo, Invocation, InvocationResult
from localhost.execution.dispatch import Dispatcher


class RecordingLane:
    """Keeps what it was sent."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def send(self, invocations: Sequence[Invocation]) -> None:
        self.batches.append([invocation.id for invocation in invocations])

    @property
    def ids(self) -> list[str]:
        return [name for batch in self.batches for name in batch]


def _info(name: str, trigger_type: str) -> FunctionInfo:
    trigger = {"type": trigger_type, "name": "x"}
    return FunctionInfo(name, trigger, [trigger], is_async=False)


def _dispatcher() -> Dispatcher:
    dispatcher = Dispatcher()
    dispatcher.serve([_info("act", "activityTrigger"), _info("web", "httpTrigger")])
    return dispatcher


def _calls(function: str, *ids: str) -> list[Invocation]:
    return [Invocation(name, function, "null") for name in ids]


async def test_what_is_submitted_in_one_turn_travels_together() -> None:
    dispatcher, lane = _dispatcher(), RecordingLane()
    dispatcher.add(lane)
    dispatcher.submit(_calls("act", "1", "2"), print)
    dispatcher.submit(_calls("act", "3"), print)
    await asyncio.sleep(0)
    assert lane.batches == [["1", "2", "3"]]


async def test_each_call_goes_to_the_lane_with_the_least_to_do() -> None:
    dispatcher, one, two = _dispatcher(), RecordingLane(), RecordingLane()
    received: list[InvocationResult] = []
    dispatcher.add(one)
    dispatcher.add(two)
    dispatcher.submit(_calls("act", "1", "2", "3", "4"), received.extend)
    await asyncio.sleep(0)
    assert (one.ids, two.ids) == (["1", "3"], ["2", "4"])
    dispatcher.finish(two, [InvocationResult("2"), InvocationResult("4")])
    dispatcher.submit(_calls("act", "5", "6"), received.extend)
    await asyncio.sleep(0)
    assert two.ids == ["2", "4", "5", "6"]
    assert [result.id for result in received] == ["2", "4"]


async def test_a_dead_lane_gives_its_durable_work_to_another_and_fails_the_rest() -> None:
    dispatcher, dead, other = _dispatcher(), RecordingLane(), RecordingLane()
    received: list[InvocationResult] = []
    dispatcher.add(dead)
    dispatcher.submit([*_calls("act", "1", "2"), *_calls("web", "h")], received.extend)
    await asyncio.sleep(0)
    dispatcher.remove(dead, "Died: x")
    assert received == [InvocationResult("h", error="Died: x", is_given_up=True)]
    dispatcher.finish(dead, [InvocationResult("1")])
    dispatcher.add(other)
    await asyncio.sleep(0)
    assert other.ids == ["1", "2"]
    assert len(received) == 1


async def test_one_receivers_fault_costs_no_other_its_results(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dispatcher, lane = _dispatcher(), RecordingLane()
    received: list[InvocationResult] = []

    def fail(results: Sequence[InvocationResult]) -> None:
        raise LookupError(len(results))

    dispatcher.add(lane)
    dispatcher.submit(_calls("act", "1"), fail)
    dispatcher.submit(_calls("act", "2"), received.extend)
    await asyncio.sleep(0)
    dispatcher.finish(lane, [InvocationResult("1"), InvocationResult("2")])
    assert received == [InvocationResult("2")]
    assert "could not be delivered" in caplog.text


async def test_a_function_gets_its_constant_inputs() -> None:
    dispatcher = _dispatcher()
    sent: list[Invocation] = []

    class Keeping(RecordingLane):
        def send(self, invocations: Sequence[Invocation]) -> None:
            sent.extend(invocations)

    dispatcher.bind({"web": {"client": "{}"}})
    dispatcher.add(Keeping())
    dispatcher.submit([*_calls("web", "1"), *_calls("act", "2")], print)
    await asyncio.sleep(0)
    assert [call.inputs for call in sent] == [{"client": "{}"}, {}]


async def test_draining_waits_for_what_runs_but_not_for_ever() -> None:
    dispatcher, lane = _dispatcher(), RecordingLane()
    await asyncio.wait_for(dispatcher.drain(60), 1)
    dispatcher.add(lane)
    dispatcher.submit(_calls("act", "1"), print)
    await asyncio.sleep(0)
    await asyncio.wait_for(dispatcher.drain(0.01), 1)
    draining = asyncio.create_task(dispatcher.drain(60))
    await asyncio.sleep(0)
    dispatcher.finish(lane, [InvocationResult("1")])
    await asyncio.wait_for(draining, 1)


async def _until(received: list[InvocationResult], count: int) -> None:
    async with asyncio.timeout(5):
        while len(received) < count:  # noqa: ASYNC110 - nothing tells of a result
            await asyncio.sleep(0.005)


async def test_a_call_over_the_limit_fails_and_its_late_result_is_dropped() -> None:
    dispatcher, lane = Dispatcher(timedelta(milliseconds=20)), RecordingLane()
    dispatcher.serve([_info("act", "activityTrigger")])
    received: list[InvocationResult] = []
    dispatcher.add(lane)
    dispatcher.submit(_calls("act", "1", "2"), received.extend)
    await asyncio.sleep(0)
    dispatcher.finish(lane, [InvocationResult("2", value="quick")])
    await _until(received, 2)
    error = (
        "FunctionTimeoutException: Timeout value of 00:00:00 was exceeded by function: "
        "Functions.act"
    )
    late = InvocationResult("1", error=error, is_given_up=True)
    assert received == [InvocationResult("2", value="quick"), late]
    dispatcher.finish(lane, [InvocationResult("1", value="late")])
    assert len(received) == 2
    dispatcher.submit(_calls("act", "3"), received.extend)
    await _until(received, 3)
    assert received[2].id == "3"


async def test_a_timed_out_call_is_not_redelivered_when_its_lane_dies() -> None:
    dispatcher, dead, other = (
        Dispatcher(timedelta(milliseconds=20)),
        RecordingLane(),
        RecordingLane(),
    )
    dispatcher.serve([_info("act", "activityTrigger")])
    received: list[InvocationResult] = []
    dispatcher.add(dead)
    dispatcher.submit(_calls("act", "1"), received.extend)
    await _until(received, 1)
    dispatcher.add(other)
    dispatcher.remove(dead, "Died: x")
    await asyncio.sleep(0)
    assert other.ids == []


async def test_a_retired_lane_gets_nothing_more_and_ends_what_it_has() -> None:
    dispatcher, old, new = _dispatcher(), RecordingLane(), RecordingLane()
    received: list[InvocationResult] = []
    dispatcher.add(old)
    dispatcher.submit(_calls("act", "1"), received.extend)
    await asyncio.sleep(0)
    retired = asyncio.create_task(dispatcher.retire(old))
    await asyncio.sleep(0)
    dispatcher.submit(_calls("act", "2"), received.extend)
    await asyncio.sleep(0)
    assert (old.ids, new.ids, retired.done()) == (["1"], [], False)
    dispatcher.add(new)
    await asyncio.sleep(0)
    assert new.ids == ["2"]
    dispatcher.finish(old, [InvocationResult("1")])
    await asyncio.wait_for(retired, 5)
    assert [result.id for result in received] == ["1"]
