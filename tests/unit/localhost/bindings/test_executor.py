"""Outputs are written between the end of a call and whoever waits for it."""

import asyncio
from collections.abc import Callable
from typing import Any

from localhost.bindings.executor import BoundExecutor
from localhost.execution.contract import Invocation, InvocationResult
from localhost.execution.invoke import invoke


class Inner:
    """Ends each call at once with the outputs that a test wants."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self._outputs = outputs

    def submit(self, invocations: Any, on_results: Any) -> None:
        ends = [InvocationResult(call.id, "kept", outputs=self._outputs) for call in invocations]
        asyncio.get_running_loop().call_soon(on_results, ends)

    async def stop(self) -> None:
        """Nothing runs."""


class Written:
    """Notes what is written, or fails."""

    def __init__(self, write: Callable[[Any], None]) -> None:
        self._write = write
        self.is_closed = False

    async def write(self, value: Any, invocation: Invocation) -> None:
        self._write(value)

    async def close(self) -> None:
        self.is_closed = True


def _executor(outputs: dict[str, Any], write: Callable[[Any], None]) -> BoundExecutor:
    executor = BoundExecutor(Inner(outputs))  # type: ignore[arg-type]
    executor.write_to({"tell": {"sent": Written(write)}})
    return executor


async def test_what_was_set_is_written_before_the_call_has_ended():
    values: list[Any] = []
    executor = _executor({"sent": "x", "response": "not an output here"}, values.append)
    result = await invoke(executor, Invocation("1", "tell", None))
    assert (result.value, result.error, values) == ("kept", None, ["x"])


async def test_none_is_not_written():
    values: list[Any] = []
    result = await invoke(_executor({"sent": None}, values.append), Invocation("1", "tell", None))
    assert (result.value, result.error, values) == ("kept", None, [])


async def test_functions_without_outputs_are_left_alone():
    executor = _executor({"sent": "x"}, lambda value: (_ for _ in ()).throw(AssertionError))
    calls = [Invocation("1", "other", None), Invocation("2", "another", None)]
    results = await asyncio.gather(*(invoke(executor, call) for call in calls))
    assert [result.error for result in results] == [None, None]


async def test_a_value_that_cannot_be_written_fails_the_call():
    def fail(value: Any) -> None:
        raise OSError("no such queue")

    result = await invoke(_executor({"sent": "x"}, fail), Invocation("1", "tell", None))
    assert (
        result.error == "OutputError: the output 'sent' cannot be written: OSError: no such queue"
    )
    assert (result.value, result.outputs) == (None, {})


async def test_what_is_being_written_as_the_host_stops_is_written():
    values: list[Any] = []
    output = Written(values.append)
    executor = BoundExecutor(Inner({"sent": "x"}))  # type: ignore[arg-type]
    executor.write_to({"tell": {"sent": output}})
    call = asyncio.create_task(invoke(executor, Invocation("1", "tell", None)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await executor.stop()
    assert ((await call).error, values, output.is_closed) == (None, ["x"], True)
