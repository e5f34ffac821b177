"""An executor that reads the inputs of a call before user code gets it.

A call whose input cannot be read has failed, as in Azure.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from localhost.bindings.inputs import Input
from localhost.execution.contract import (
    FunctionInfo,
    HostedExecutor,
    Invocation,
    InvocationResult,
    OnResults,
)
from localhost.execution.dispatch import REDELIVERED
from localhost.texts import describe_error

logger = logging.getLogger(__name__)


class InputExecutor:
    """A `HostedExecutor` around another; calls of functions without inputs pass through.

    Args:
        inner: Runs user code.
    """

    def __init__(self, inner: HostedExecutor) -> None:
        self._inner = inner
        self._inputs: Mapping[str, Mapping[str, Input]] = {}
        self._trigger_types: dict[str, str] = {}
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

    def read_from(self, inputs: Mapping[str, Mapping[str, Input]]) -> None:
        """Set where inputs come from: by function, then by the binding's name."""
        self._inputs = inputs
        self._trigger_types = {info.name: info.trigger_type for info in self.functions}

    async def stop(self) -> None:
        """See `Executor`; calls that still wait for their inputs are not made."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._inner.stop()
        every = [one for inputs in self._inputs.values() for one in inputs.values()]
        await asyncio.gather(*(one.close() for one in every), return_exceptions=True)

    def bind(self, inputs: Mapping[str, dict[str, str]]) -> None:
        """See `HostedExecutor`."""
        self._inner.bind(inputs)

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        """See `Executor`."""
        if not self._inputs:
            self._inner.submit(invocations, on_results)
            return
        plain_calls = [call for call in invocations if call.function not in self._inputs]
        if plain_calls:
            self._inner.submit(plain_calls, on_results)
        for call in invocations:
            if call.function in self._inputs:
                task = asyncio.create_task(self._submit_with_inputs(call, on_results))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _submit_with_inputs(self, call: Invocation, on_results: OnResults) -> None:
        inputs = self._inputs[call.function]
        try:
            values = await asyncio.gather(*(_read(name, one, call) for name, one in inputs.items()))
        except _InputError as error:
            on_results([InvocationResult(call.id, error=f"InputError: {error}")])
            return
        except asyncio.CancelledError:
            if self._trigger_types.get(call.function) not in REDELIVERED:
                on_results([InvocationResult(call.id, error="HostStopping: the host is stopping")])
            raise
        named_values = dict(zip(inputs, values, strict=True))
        self._inner.submit([replace(call, inputs={**named_values, **call.inputs})], on_results)


class _InputError(Exception):
    """An input of a call cannot be read; the message says which, and why."""


async def _read(name: str, source: Input, call: Invocation) -> Any:
    try:
        return await source.read(call)
    except Exception as error:
        raise _InputError(f"the input '{name}' cannot be read: {describe_error(error)}") from error
