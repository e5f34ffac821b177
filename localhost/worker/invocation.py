"""Calls a loaded function as the Functions worker does, with the library's own converters."""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import azure.functions
from azure.functions.meta import Datum

from localhost.execution.contract import (
    HttpRequestData,
    HttpResponseData,
    Invocation,
    InvocationResult,
    is_deferred,
)
from localhost.logs import CURRENT, THREAD_LOCAL
from localhost.texts import describe_error, format_stack
from localhost.worker import deferred, outcomes
from localhost.worker.annotations import has_implicit_output, is_generic
from localhost.worker.context import InvocationContext
from localhost.worker.extensions import InvocationHooks, invocation_hooks
from localhost.worker.indexing import LoadedFunction
from localhost.worker.outcomes import Outcome, keep_outcome
from localhost.worker.plain import plain_value
from localhost.worker.signatures import CONTEXT, RETURN, is_out
from localhost.worker.unanswered import describe_fate
from localhost.worker.values import generic_data, http_result, queue_data, service_bus_data
from localhost.worker.values.input_data import input_decoders

logger = logging.getLogger(__name__)
Decode = Callable[[Invocation], Any]
_HIDDEN_FILES = frozenset({__file__, outcomes.__file__})
_LONGEST_LOGGED = 200
_RETURNS_TEXT = ("orchestrationTrigger", "entityTrigger")
QUEUE = "queue"


class Out:
    """An output parameter: what `azure.functions.Out` promises."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


class CallableFunction:
    """A loaded function, ready to be called; what its bindings mean is worked out once."""

    def __init__(self, function: LoadedFunction, app_dir: Path) -> None:
        info = function.info
        self.info = info
        self._call = keep_outcome(function.call) if info.is_streamed else function.call
        self._directory = function.folder or app_dir
        self._wants_context = function.wants_context
        self._hooks = invocation_hooks(info.name)
        self._trigger_name = str(info.trigger["name"])
        self._decode = (
            _client_decoder(function) if is_deferred(info.trigger) else _decoder(function)
        )
        self._outs = {str(b["name"]): str(b["type"]) for b in info.bindings if is_out(b)}
        self._return_type = self._outs.pop(RETURN, None)
        # What is returned for an output other than the response goes where outputs go.
        self._returns_output = self._return_type not in (None, "http")
        self._input_decoders = input_decoders(info, function.call)
        # To the worker, a binding that it knows nothing of may be the one that is returned for.
        self._may_return = any(is_generic(str(b["type"])) for b in info.bindings)
        if self._return_type is None and has_implicit_output(info.trigger_type):
            self._return_type = info.trigger_type

    def run(self, invocation: Invocation) -> InvocationResult:
        """Call a plain function on this thread; whatever it raises is in the result."""
        token = CURRENT.set((invocation.function, invocation.id, threading.get_ident()))
        THREAD_LOCAL.invocation_id = invocation.id
        try:
            outs, arguments = self._arguments(invocation)
            if self._hooks is None:
                return self._result(invocation, self._call(**arguments), outs)
            context = self._context(invocation, arguments)
            self._hooks.run_before(context, arguments)
            returned = self._call(**arguments)
            _run_after(self._hooks, context, arguments, returned)
            return self._result(invocation, returned, outs)
        except BaseException as error:  # noqa: BLE001 - sys.exit() in user code ends the call only
            return self._fail(invocation, error)
        finally:
            THREAD_LOCAL.invocation_id = None
            CURRENT.reset(token)

    async def run_async(self, invocation: Invocation) -> InvocationResult:
        """Await a coroutine function on the running loop."""
        CURRENT.set((invocation.function, invocation.id, threading.get_ident()))
        try:
            outs, arguments = self._arguments(invocation)
            if self._hooks is None:
                return self._result(invocation, await self._call(**arguments), outs)
            context = self._context(invocation, arguments)
            self._hooks.run_before(context, arguments)
            returned = await self._call(**arguments)
            _run_after(self._hooks, context, arguments, returned)
            return self._result(invocation, returned, outs)
        except BaseException as error:  # noqa: BLE001 - as above
            return self._fail(invocation, error)

    def _fail(self, invocation: Invocation, error: BaseException) -> InvocationResult:
        result = failure(invocation, error)
        fate = describe_fate(error, is_async=self.info.is_async)
        if fate is not None and not _is_cancelled():
            text = (result.error or "")[:_LONGEST_LOGGED].rstrip(": ")
            with contextlib.suppress(BaseException):  # a handler of the log may be user code
                logger.warning("Function '%s' raised %s. %s", self.info.name, text, fate)
        return result

    def _context(self, invocation: Invocation, arguments: dict[str, Any]) -> Any:
        """The context for extensions: that of the function, where it asks for one."""
        if self._wants_context:
            return arguments[CONTEXT]
        return InvocationContext(invocation, self._directory)

    def _arguments(self, invocation: Invocation) -> tuple[dict[str, Out], dict[str, Any]]:
        arguments: dict[str, Any] = {self._trigger_name: self._decode(invocation)}
        if invocation.inputs:
            arguments.update(invocation.inputs)
            for name, decode in self._input_decoders.items():
                arguments[name] = decode(arguments[name], invocation)
        if self._wants_context:
            arguments[CONTEXT] = InvocationContext(invocation, self._directory)
        outs = {name: Out() for name in self._outs} if self._outs else {}
        arguments.update(outs)
        return outs, arguments

    def _result(
        self, invocation: Invocation, returned: Any, outs: dict[str, Out]
    ) -> InvocationResult:
        is_outcome = isinstance(returned, Outcome)
        if is_outcome and (not outs or returned.error is not None):
            return InvocationResult(invocation.id, returned)
        if not outs and self._return_type is not None and not self._returns_output:
            return InvocationResult(invocation.id, _encode(self._return_type, returned))
        outputs = {
            name: _encode(self._outs[name], out.get())
            for name, out in outs.items()
            if out.get() is not None
        }
        if is_outcome:
            return InvocationResult(invocation.id, returned, outputs=outputs)
        if self._return_type is None:
            if returned is not None and not self._may_return:
                raise RuntimeError(
                    f"function {self.info.name} without a $return binding returned a non-None value"
                )
            return InvocationResult(invocation.id, _response(outputs), outputs=outputs)
        value = _encode(self._return_type, returned)
        if self._returns_output:
            outputs[RETURN] = value
            is_activity = self.info.trigger_type == "activityTrigger"
            value = json.dumps(value) if is_activity else _response(outputs)
        return InvocationResult(invocation.id, value, outputs=outputs)


def _run_after(
    hooks: InvocationHooks, context: Any, arguments: dict[str, Any], returned: Any
) -> None:
    if not isinstance(returned, Outcome):
        hooks.run_after(context, arguments, returned)
    elif returned.error is None:
        hooks.run_after(context, arguments, returned.value)


def _response(outputs: dict[str, Any]) -> HttpResponseData | None:
    """The HTTP response that an output parameter was given."""
    responses = [out for out in outputs.values() if isinstance(out, HttpResponseData)]
    return responses[0] if responses else None


def _client_decoder(function: LoadedFunction) -> Decode:
    info = function.info
    annotation = get_type_hints(function.call)[str(info.trigger["name"])]
    return lambda invocation: deferred.make_client(
        info.trigger_type, annotation, invocation.payload
    )


def _decoder(function: LoadedFunction) -> Decode:
    info = function.info
    annotation = get_type_hints(function.call).get(str(info.trigger["name"]))
    if annotation is str and info.trigger_type == "serviceBusTrigger":
        return service_bus_data.text
    if annotation in (str, bytes) and not has_implicit_output(info.trigger_type):
        return _decode_generic
    if info.is_streamed:
        return lambda invocation: invocation.payload
    return _library_decoder(info.trigger_type)


def _library_decoder(trigger_type: str) -> Decode:
    converter = azure.functions.get_binding_registry().get(trigger_type)
    if trigger_type == "httpTrigger":
        return lambda invocation: converter.decode(
            _http_datum(invocation.payload), trigger_metadata=None
        )
    if trigger_type == "serviceBusTrigger":
        return lambda invocation: converter.decode(
            service_bus_data.body(invocation.payload),
            trigger_metadata=service_bus_data.metadata(invocation.metadata),
        )
    if trigger_type == "queueTrigger":
        return lambda invocation: converter.decode(
            queue_data.body(invocation.payload), trigger_metadata=_metadata(invocation)
        )
    payload_kind = "bytes" if trigger_type == "blobTrigger" else "json"
    return lambda invocation: converter.decode(
        Datum(invocation.payload, payload_kind), trigger_metadata=_metadata(invocation)
    )


def _metadata(invocation: Invocation) -> dict[str, Datum]:
    return {name: _datum(value) for name, value in invocation.metadata.items()}


def _decode_generic(invocation: Invocation) -> Any:
    if not isinstance(invocation.payload, str | bytes):
        raise TypeError("a parameter annotated str or bytes cannot take an HTTP request")
    return invocation.payload


def _datum(value: Any) -> Datum:
    if isinstance(value, Datum):
        return value
    if isinstance(value, dict):
        return Datum(json.dumps(value), "json")
    kinds = {str: "string", bytes: "bytes", int: "int", float: "double"}
    return Datum(value, kinds.get(type(value), "json"))


def _http_datum(request: HttpRequestData) -> Datum:
    def texts(values: dict[str, str]) -> dict[str, Datum]:
        return {name: Datum(value, "string") for name, value in values.items()}

    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(request.url, "string"),
            "headers": texts(request.headers),
            "query": texts(request.query),
            "params": texts(request.route_params),
            "body": Datum(request.body, "bytes"),
        },
        "http",
    )


def _encode(binding_type: str, value: Any) -> Any:
    return plain_value(_convert(binding_type, value))


def _convert(binding_type: str, value: Any) -> Any:
    if binding_type in _RETURNS_TEXT:
        return value
    converter = azure.functions.get_binding_registry().get(binding_type)
    try:
        if converter is None:
            return generic_data.encode(value)
        datum = converter.encode(value, expected_type=None)
    except NotImplementedError as error:
        raise TypeError(
            f"a {binding_type} binding cannot carry a value of type '{type(value).__name__}'"
        ) from error
    if binding_type == QUEUE:
        return queue_data.sent_value(datum)
    if binding_type != "http":
        return datum.value
    if datum.type == "string":
        return http_result.response_from_text(datum.value)
    return http_result.response_from_datum(datum.value)


def _is_cancelled() -> bool:
    """Whether the call ended because somebody cancelled it, such as a host that stops."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # a plain function, on a thread
        return False
    return task is not None and task.cancelling() > 0


def failure(invocation: Invocation, error: BaseException) -> InvocationResult:
    """Make a result of what a call raised; never raises, whatever that is."""
    stack = format_stack(error, _HIDDEN_FILES)
    return InvocationResult(
        invocation.id,
        error=describe_error(error),
        stack=stack,
        is_no_exception=not issubclass(type(error), Exception),
    )
