"""What a function gets of blobs and tables, and what it may give."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from localhost.execution.contract import Invocation, InvocationResult
from localhost.worker.indexing import read_function
from localhost.worker.invocation import CallableFunction
from localhost.worker.signatures import SignatureError

PLACE = {"path": "c/b", "connection": "S"}
TABLE = {"table_name": "t", "connection": "S"}
TICK = '{"IsPastDue": false}'


def _prepare(
    decorate: Callable[[func.FunctionApp, Any], Any], call: Callable[..., Any]
) -> CallableFunction:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    # Without an HTTP function the library logs a warning.
    app.route(route="other")(lambda req: "")
    app.timer_trigger("tick", schedule="0 0 0 1 1 *")(decorate(app, call))
    return CallableFunction(read_function(app.get_functions()[-1]), Path("/app"))


def _run(function: CallableFunction, **inputs: Any) -> InvocationResult:
    return function.run(Invocation("id-1", function.info.name, TICK, inputs=inputs))


@pytest.mark.parametrize("value", ["é", "é".encode()])
def test_a_blob_is_a_stream_unless_it_is_annotated_as_text_or_bytes(value: str | bytes) -> None:
    seen: list[Any] = []

    def plain(tick: func.TimerRequest, text, stream: func.InputStream, same: str) -> None:  # type: ignore[no-untyped-def]
        seen.extend([text.read(), stream.read(), same])

    def decorate(app: func.FunctionApp, call: Any) -> Any:
        for name in ("text", "stream", "same"):
            call = app.blob_input(name, **PLACE)(call)
        return call

    result = _run(_prepare(decorate, plain), text=value, stream=value, same=value)
    assert result.error is None, result.stack
    assert seen == ["é".encode(), "é".encode(), value]


def test_a_blob_that_is_not_there_is_none() -> None:
    seen: list[Any] = []

    def plain(tick: func.TimerRequest, blob: func.InputStream) -> None:
        seen.append(blob)

    function = _prepare(lambda app, call: app.blob_input("blob", **PLACE)(call), plain)
    assert _run(function, blob=None).error is None
    assert seen == [None]


@pytest.mark.parametrize(
    ("value", "sent"),
    [("{}", "{}"), (b"{}", b"{}"), ({"n": 1}, '{"n": 1}'), ([1], "[1]"), (7, 7)],
)
def test_a_table_takes_text_bytes_and_json_values(value: Any, sent: Any) -> None:
    def plain(tick: func.TimerRequest, rows: func.Out[str]) -> None:
        rows.set(value)

    function = _prepare(lambda app, call: app.table_output("rows", **TABLE)(call), plain)
    assert _run(function).outputs == {"rows": sent}


def test_a_table_does_not_take_other_objects() -> None:
    def plain(tick: func.TimerRequest, rows: func.Out[str]) -> None:
        rows.set(object())  # type: ignore[arg-type]

    function = _prepare(lambda app, call: app.table_output("rows", **TABLE)(call), plain)
    assert "a table binding cannot carry a value of type 'object'" in str(_run(function).error)


def test_a_function_with_a_table_may_return_what_nobody_takes_as_in_azure() -> None:
    def plain(tick: func.TimerRequest, rows: func.Out[str]) -> str:
        return "lost"

    function = _prepare(lambda app, call: app.table_output("rows", **TABLE)(call), plain)
    result = _run(function)
    assert (result.error, result.value, result.outputs) == (None, None, {})


def test_a_table_input_is_annotated_str_or_bytes() -> None:
    def plain(tick: func.TimerRequest, rows: dict) -> None:  # type: ignore[type-arg]
        json.dumps(rows)

    with pytest.raises(SignatureError, match="table"):
        _prepare(lambda app, call: app.table_input("rows", **TABLE)(call), plain)
