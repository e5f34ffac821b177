"""An executor that writes what calls have set on their outputs, before anybody hears of their ends.

A call whose output cannot be written has failed, as in Azure: its trigger goes on from there.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from localhost.bindings.contract import Output
from localhost.execution.contract import (
    FunctionInfo,
    HostedExecutor,
    Invocation,
    InvocationResult,
    OnResults,
)
from localhost.texts import describe_error

GRACE_SECONDS = 5.0


class BoundExecutor:
    """A `HostedExecutor` around another.

    Args:
        inner: Runs user code.
    """

    def __init__(self, inner: HostedExecutor) -> None:
        self._inner = inner
        self._outputs: Mapping[str, Mapping[str, Output]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def environment(self) -> dict[str, str]:
        """See `HostedExecutor`."""
        return self._inner.environment

    @property
    def functions(self) -> Sequence[FunctionInfo]:
        """See `Executor`."""
        return self._inner.functions

    async def prepare(self) -> None:
        """See `HostedExecutor`."""
        await self._inner.prepare()

    async def start(self) -> None:
        """See `Executor`."""
        await self._inner.start()

    def write_to(self, outputs: Mapping[str, Mapping[str, Output]]) -> None:
        """Set where outputs go: by function, then by the binding's name."""
        self._outputs = outputs

    async def stop(self) -> None:
        """See `Executor`; what was set is written within a grace period."""
        await self._inner.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        every = [output for outputs in self._outputs.values() for output in outputs.values()]
        await asyncio.gather(*(output.close() for output in every), return_exceptions=True)

    def bind(self, inputs: Mapping[str, dict[str, str]]) -> None:
        """See `HostedExecutor`."""
        self._inner.bind(inputs)

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        """See `Executor`."""
        if not self._outputs:
            self._inner.submit(invocations, on_results)
            return
        calls = {call.id: call for call in invocations if call.function in self._outputs}
        if len(calls) < len(invocations):
            others = [call for call in invocations if call.id not in calls]
            self._inner.submit(others, on_results)
        if calls:
            self._inner.submit(list(calls.values()), partial(self._take, calls, on_results))

    def _take(
        self,
        calls: Mapping[str, Invocation],
        on_results: OnResults,
        results: Sequence[InvocationResult],
    ) -> None:
        ready = [result for result in results if result.error is not None or not result.outputs]
        for result in results:
            if result.error is None and result.outputs:
                task = asyncio.create_task(self._write(calls[result.id], on_results, result))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if ready:
            on_results(ready)

    async def _write(
        self, call: Invocation, on_results: OnResults, result: InvocationResult
    ) -> None:
        outputs = self._outputs[call.function]
        for name, value in result.outputs.items():
            output = outputs.get(name)
            # The HTTP response is none, and a function that returns None writes nothing.
            if output is None or value is None:
                continue
            try:
                await output.write(value, call)
            # Whatever it is, it is the failure of the call; cancelled is what the host's stop did.
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
                problem = f"OutputError: the output '{name}' cannot be written: "
                problem += describe_error(error)
                result = replace(result, value=None, error=problem, outputs={})
                break
        on_results([result])
