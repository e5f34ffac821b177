"""Calling functions with the library's own converters."""

import asyncio
import enum
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest

from localhost.execution.contract import (
    FunctionInfo,
    HttpRequestData,
    HttpResponseData,
    Invocation,
    InvocationResult,
    Retry,
)
from localhost.worker.indexing import LoadedFunction, read_function
from localhost.worker.invocation import CallableFunction

# The library's advice to its own users.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions:DeprecationWarning")
REQUEST = HttpRequestData(
    method="POST",
    url="http://localhost/api/x?q=1",
    headers={"x-a": "b"},
    query={"q": "1"},
    route_params={"id": "7"},
    body=b'{"n": 1}',
)


def _prepare(register: Callable[[df.DFApp], Any]) -> CallableFunction:
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    # Without an HTTP function the library logs a warning.
    app.route(route="other")(lambda req: "")
    register(app)
    return CallableFunction(read_function(app.get_functions()[-1]), Path("/app"))


def _run(function: CallableFunction, payload: Any, **fields: Any) -> InvocationResult:
    invocation = Invocation("id-1", function.info.name, payload, **fields)
    if function.info.is_async:
        return asyncio.run(function.run_async(invocation))
    return function.run(invocation)


def _activity(call: Callable[..., Any]) -> CallableFunction:
    return _prepare(lambda app: app.activity_trigger(input_name="n")(call))


def _http(call: Callable[..., Any]) -> CallableFunction:
    return _prepare(lambda app: app.route(route="x")(call))


def _response(result: InvocationResult) -> HttpResponseData:
    assert result.error is None, result.stack
    assert isinstance(result.value, HttpResponseData)
    return result.value


@pytest.mark.parametrize(
    ("text", "value"), [('{"a": [1, null]}', {"a": [1, None]}), ('"x"', "x"), ("plain", "plain")]
)
def test_an_activity_gets_json_decoded_and_returns_json(text: str, value: Any) -> None:
    def act(n):  # type: ignore[no-untyped-def]
        return {"got": n}

    assert json.loads(_run(_activity(act), text).value) == {"got": value}


def test_an_activity_that_returns_nothing_returns_null() -> None:
    def act(n: str) -> None:
        return None

    assert _run(_activity(act), '"x"').value == "null"


def test_an_activity_that_returns_what_json_lacks_fails() -> None:
    def act(n: str) -> object:
        return {1, 2}

    assert "json serializable" in str(_run(_activity(act), '"x"').error)


def test_a_coroutine_function_is_awaited() -> None:
    async def act(n: str) -> str:
        await asyncio.sleep(0)
        return n * 2

    function = _activity(act)
    assert function.info.is_async
    assert _run(function, '"x"').value == '"xx"'


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(3), KeyboardInterrupt()])
def test_whatever_user_code_raises_is_in_the_result(error: BaseException) -> None:
    def act(n: str) -> None:
        raise error

    result = _run(_activity(act), '"x"')
    assert result.error == f"{type(error).__name__}: {error}"
    assert result.stack is not None
    assert result.stack.splitlines()[1].endswith("in act")


def test_a_context_tells_whose_call_it_is() -> None:
    def act(n: str, context: func.Context) -> list[Any]:
        return [
            context.invocation_id,
            context.function_name,
            context.function_directory,
            context.trace_context.trace_parent,
            context.retry_context.retry_count,
            context.thread_local_storage.invocation_id,
        ]

    result = _run(_activity(act), '"x"', trace_parent="00-a-b-01")
    assert json.loads(result.value) == [
        "id-1",
        "act",
        str(Path(__file__).parent),
        "00-a-b-01",
        0,
        "id-1",
    ]


def test_a_retry_tells_what_the_try_before_ended_with_by_the_workers_name() -> None:
    def act(n: str, context: func.Context) -> list[Any]:
        retry = context.retry_context
        error = retry.rpc_exception
        return [retry.retry_count, error.message, error.source, hasattr(retry, "exception")]

    result = _run(_activity(act), '"x"', retry=Retry(1, 3, "ValueError: no"))
    assert json.loads(result.value) == [1, "ValueError: no", "", False]
    first = _run(_activity(act), '"x"', retry=Retry(0, 3))
    assert json.loads(first.value) == [0, "", "", False]


def test_an_http_function_sees_the_request() -> None:
    def web(req: func.HttpRequest) -> func.HttpResponse:
        seen = [
            req.method,
            req.url,
            req.headers["X-A"],
            req.params["q"],
            req.route_params["id"],
            req.get_json(),
        ]
        return func.HttpResponse(json.dumps(seen), mimetype="application/json", status_code=201)

    response = _response(_run(_http(web), REQUEST))
    assert json.loads(response.body) == [
        "POST",
        "http://localhost/api/x?q=1",
        "b",
        "1",
        "7",
        {"n": 1},
    ]
    assert response.status == 201
    assert response.headers == [("content-type", "application/json")]


def test_cookies_and_repeated_headers_are_kept() -> None:
    def web(req: func.HttpRequest) -> func.HttpResponse:
        response = func.HttpResponse(b"\x00\xff")
        response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
        response.headers.add("Set-Cookie", "b=2")
        response.headers.add("X-Two", "1")
        return response

    response = _response(_run(_http(web), REQUEST))
    cookies = [value for name, value in response.headers if name == "Set-Cookie"]
    assert cookies == ["a=1; path=/; httponly", "b=2"]
    assert ("x-two", "1") in [(name.lower(), value) for name, value in response.headers]
    assert response.body == b"\x00\xff"


def test_a_response_has_only_exact_texts_whatever_class_the_app_made() -> None:
    class Colour(enum.StrEnum):
        RED = "red"

    def web(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(b"x", headers={"X-Colour": Colour.RED})

    headers = dict(_response(_run(_http(web), REQUEST)).headers)
    assert headers["X-Colour"] == "red"
    assert {type(text) for text in headers.values()} == {str}


@pytest.mark.parametrize("value", [None, {"a": 1}, (1, 2), 5])
def test_an_http_function_that_returns_no_response_fails(value: Any) -> None:
    def web(req):  # type: ignore[no-untyped-def]
        return value

    assert "http binding cannot carry" in str(_run(_http(web), REQUEST).error)


def test_a_timer_function_gets_its_request_and_may_return_nothing_else() -> None:
    seen: list[Any] = []

    def tick(t: func.TimerRequest) -> str:
        seen.append((t.past_due, t.schedule_status))
        return "oops"

    function = _prepare(lambda app: app.timer_trigger(schedule="0 * * * * *", arg_name="t")(tick))
    payload = '{"IsPastDue": true, "ScheduleStatus": {"Last": "x"}, "Schedule": {}}'
    result = _run(function, payload)
    assert seen == [(True, {"Last": "x"})]
    assert "without a $return binding" in str(result.error)


def test_a_parameter_annotated_str_gets_the_raw_text() -> None:
    seen: list[str] = []

    def tick(t: str) -> None:
        seen.append(t)

    function = _prepare(lambda app: app.timer_trigger(schedule="0 * * * * *", arg_name="t")(tick))
    assert _run(function, '{"IsPastDue": false}').error is None
    assert seen == ['{"IsPastDue": false}']


def test_an_output_parameter_that_was_set_is_an_output() -> None:
    def web(req: func.HttpRequest, q: func.Out[str]) -> str:
        q.set("message")
        return "done"

    def register(app: df.DFApp) -> None:
        out = app.queue_output(arg_name="q", queue_name="q", connection="")
        app.route(route="x")(out(web))

    result = _run(_prepare(register), REQUEST)
    assert result.outputs == {"q": "message"}
    assert _response(result).body == b"done"


def test_an_orchestrator_is_given_its_context_and_returns_its_text() -> None:
    def orchestrate(context):  # type: ignore[no-untyped-def]
        return "ended"
        yield

    function = _prepare(lambda app: app.orchestration_trigger(context_name="context")(orchestrate))
    history = [
        {"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": "2026-01-01T00:00:00Z"},
        {
            "EventType": 0,
            "EventId": -1,
            "IsPlayed": False,
            "Timestamp": "2026-01-01T00:00:00Z",
            "Name": "orchestrate",
            "Input": None,
            "Version": "",
            "OrchestrationInstance": {"InstanceId": "i", "ExecutionId": "e"},
        },
    ]
    context = {
        "history": history,
        "input": None,
        "instanceId": "i",
        "isReplaying": False,
        "parentInstanceId": None,
        "upperSchemaVersion": 2,
    }
    result = _run(function, json.dumps(context))
    assert json.loads(result.value)["output"] == "ended"


def test_the_description_of_a_function_is_kept_with_it() -> None:
    def act(n: str) -> str:
        return n

    function = LoadedFunction(
        FunctionInfo("act", {"type": "activityTrigger", "name": "n"}, [], is_async=False),
        act,
        wants_context=False,
    )
    assert CallableFunction(function, Path()).info.name == "act"
