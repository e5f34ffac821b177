"""An `Executor` that runs an app's functions on the event loop itself: no processes, no sockets."""

import asyncio
import inspect
import json
import traceback
import warnings
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

import azure.functions as func
from azure.functions import meta

from localhost.execution.contract import FunctionInfo, Invocation, InvocationResult, OnResults

_DURABLE = {"orchestrationTrigger", "entityTrigger"}
_HISTORY_EVENT = "azure.durable_functions.models.history.HistoryEvent"
_TIMES_KEPT = 1 << 16


class InlineExecutor:
    """Runs durable functions of an app made with `df.DFApp`; `calls` lists what was asked for."""

    def __init__(self, app: Any) -> None:
        self._callables: dict[str, Any] = {}
        self._functions: list[FunctionInfo] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.calls: list[Invocation] = []
        _let_the_sdk_give_its_notice()
        _let_the_sdk_remember_times()
        for function in app.get_functions():
            info = _describe(function)
            self._functions.append(info)
            self._callables[info.name] = function.get_user_function()

    @property
    def functions(self) -> Sequence[FunctionInfo]:
        return self._functions

    async def start(self) -> None:
        """Nothing needs starting."""

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        self.calls.extend(invocations)
        task = asyncio.get_running_loop().create_task(self._run_all(list(invocations), on_results))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_all(self, invocations: list[Invocation], on_results: OnResults) -> None:
        quick = [call for call in invocations if not self._is_async(call)]
        slow = [call for call in invocations if self._is_async(call)]
        if quick:
            on_results([await self.run(call) for call in quick])
        for finished in asyncio.as_completed([self.run(call) for call in slow]):
            on_results([await finished])

    def _is_async(self, call: Invocation) -> bool:
        return inspect.iscoroutinefunction(self._callables[call.function])

    async def run(self, call: Invocation) -> InvocationResult:
        """Run one call as a worker does."""
        info = next(known for known in self._functions if known.name == call.function)
        function = self._callables[call.function]
        try:
            if info.trigger_type in _DURABLE:
                return InvocationResult(call.id, value=function(call.payload))
            value = function(**{info.trigger["name"]: _decode(call.payload)})
            if inspect.isawaitable(value):
                value = await value
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            return InvocationResult(call.id, error=text, stack=traceback.format_exc())
        return InvocationResult(call.id, value=_encode(value))


def _let_the_sdk_give_its_notice() -> None:
    """The first decoding in a process warns about types, and tests make warnings errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _decode("null")


@cache
def _let_the_sdk_remember_times() -> None:
    """Most of what a replay takes is to parse the times of its history, the same at every turn."""
    module = import_module(_HISTORY_EVENT)
    module.dt_parse = lru_cache(_TIMES_KEPT)(module.dt_parse)  # type: ignore[attr-defined]


def _describe(function: Any) -> FunctionInfo:
    body = json.loads(function.get_function_json())
    trigger = function.get_trigger()
    bindings = body["bindings"]
    own = next(binding for binding in bindings if binding["type"] == trigger.type)
    user = function.get_user_function()
    return FunctionInfo(
        function.get_function_name(), own, bindings, inspect.iscoroutinefunction(user)
    )


def _decode(payload: str) -> Any:
    converter = func.get_binding_registry().get("activityTrigger")
    return converter.decode(meta.Datum(payload, "json"), trigger_metadata={})


def _encode(value: Any) -> str:
    converter = func.get_binding_registry().get("activityTrigger")
    return str(converter.encode(value, expected_type=None).value)
