"""Inputs are read before the call; without them the call is not made."""

import asyncio
from collections.abc import Sequence
from typing import Any

from localhost.bindings.input_executor import InputExecutor
from localhost.execution.contract import (
    FunctionInfo,
    Invocation,
    InvocationResult,
    OnResults,
)
from localhost.execution.invoke import invoke


def _function(name: str, trigger_type: str) -> FunctionInfo:
    trigger = {"name": "t", "type": trigger_type, "direction": "in"}
    return FunctionInfo(name, trigger, [trigger], is_async=False)


class Echo:
    """Answers each call with the inputs that it got."""

    functions = (_function("reads", "httpTrigger"), _function("activity", "activityTrigger"))

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        on_results([InvocationResult(call.id, call.inputs) for call in invocations])

    async def stop(self) -> None:
        """Nothing is to be done."""


class Source:
    """An input of this value; an error is raised."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.is_closed = False

    async def read(self, invocation: Invocation) -> Any:
        if isinstance(self.value, Exception):
            raise self.value
        if isinstance(self.value, asyncio.Event):
            await self.value.wait()
        await asyncio.sleep(0)
        return self.value

    async def close(self) -> None:
        self.is_closed = True


async def _results(executor: InputExecutor, *functions: str) -> dict[str, InvocationResult]:
    calls = [Invocation(name, name, None) for name in functions]
    results = await asyncio.gather(*(invoke(executor, call) for call in calls))
    return {result.id: result for result in results}


async def test_a_call_gets_its_inputs_and_others_pass_through() -> None:
    executor = InputExecutor(Echo())  # type: ignore[arg-type]
    source = Source("text")
    executor.read_from({"reads": {"a": source, "b": Source(None)}})
    results = await _results(executor, "plain", "reads")
    assert results["plain"].value == {}
    assert results["reads"].value == {"a": "text", "b": None}
    await executor.stop()
    assert source.is_closed


async def test_an_input_that_cannot_be_read_fails_the_call() -> None:
    executor = InputExecutor(Echo())  # type: ignore[arg-type]
    executor.read_from({"reads": {"a": Source(ValueError("no"))}})
    result = (await _results(executor, "reads"))["reads"]
    assert result.error == "InputError: the input 'a' cannot be read: ValueError: no"


async def test_a_host_that_stops_ends_calls_that_wait_for_inputs_but_for_what_is_delivered_again():
    executor = InputExecutor(Echo())  # type: ignore[arg-type]
    never = Source(asyncio.Event())
    executor.read_from({"reads": {"a": never}, "activity": {"a": never}})
    results: list[InvocationResult] = []
    executor.submit([Invocation(n, n, None) for n in ("reads", "activity")], results.extend)
    await asyncio.sleep(0)
    await executor.stop()
    assert [(r.id, r.error) for r in results] == [("reads", "HostStopping: the host is stopping")]
