"""What a trigger delivers to the expressions of its function's bindings."""

import json
from typing import Any

import pytest

from localhost.bindings.expressions import ExpressionError
from localhost.bindings.trigger_data import binding_data
from localhost.execution.contract import FunctionInfo, HttpRequestData, HttpStreamData, Invocation


def _fill(trigger_type: str, payload: Any, template: str, **metadata: Any) -> str:
    trigger = {"name": "t", "type": trigger_type, "direction": "in"}
    info = FunctionInfo("f", trigger, [trigger], is_async=False)
    return binding_data(info, Invocation("i", "f", payload, metadata=metadata)).fill(template)


def test_of_a_request_the_route_comes_before_the_query_and_that_before_the_body() -> None:
    request = HttpRequestData(
        method="POST",
        url="",
        headers={"x-own": "h"},
        query={"a": "query", "b": "query", "code": "secret"},
        route_params={"a": "route"},
        body=json.dumps({"a": "body", "b": "body", "c": "body"}).encode(),
    )
    template = "{a}-{b}-{c}-{query.a}-{headers.x-own}"
    assert _fill("httpTrigger", request, template) == "route-query-body-query-h"
    with pytest.raises(ExpressionError):
        _fill("httpTrigger", request, "{code}")


def test_of_a_request_that_is_a_stream_all_but_the_body_has_names() -> None:
    stream = HttpStreamData(
        address="",
        method="POST",
        scheme="http",
        path="/api/x/1",
        raw_path=b"/api/x/1?a=query&b=x%20y&b=z&code=secret&empty=",
        headers=[(b"x-own", b"h"), (b"x-own", "ü".encode())],
        route_params={"a": "route"},
        client=None,
        server=None,
    )
    template = "{a}|{b}|{query.a}|{headers.x-own}"
    assert _fill("httpTrigger", stream, template) == "route|x y,z|query|h,ü"
    for name in ("code", "empty"):
        with pytest.raises(ExpressionError):
            _fill("httpTrigger", stream, f"{{{name}}}")


def test_fields_of_a_json_payload_come_before_metadata() -> None:
    payload = '{"id": 1, "on": true, "size": 1e20, "in": {"size": 2.0}}'
    text = _fill("queueTrigger", payload, "{id}{on}{Other}-{size}-{in.size}", id="m", other="o")
    assert text == "1Trueo-1E+20-2"


@pytest.mark.parametrize("payload", ["text", b"\xff", "[1]", "{", "", '"x"'])
def test_a_payload_that_is_no_json_object_has_no_fields(payload: Any) -> None:
    assert _fill("blobTrigger", payload, "{name}", name="n") == "n"


def test_an_activity_has_its_input_as_data_too() -> None:
    assert _fill("activityTrigger", '{"id": "a"}', "{id}-{data.id}") == "a-a"
    assert _fill("activityTrigger", '"plain"', "{data}") == "plain"


def test_an_event_has_its_data() -> None:
    event = {"id": "1", "data": {"url": "u"}}
    assert _fill("eventGridTrigger", json.dumps(event), "{id}-{data.url}") == "1-u"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-31T10:00:00Z", "01/31/2026 10:00:00"),
        ("2026-01-31T10:00:00.1234567+02:00", "01/31/2026 08:00:00"),
        ("2026-01-31T10:00:00", "01/31/2026 10:00:00"),
        ("0001-01-01T00:00:00Z", "01/01/0001 00:00:00"),
        ("0001-01-01T00:00:00+02:00", "0001-01-01T00:00:00+02:00"),
        ("2026-13-31T10:00:00", "2026-13-31T10:00:00"),
        ("2026-01-31", "2026-01-31"),
    ],
)
def test_a_date_is_what_dotnet_makes_of_it(text: str, value: str) -> None:
    assert _fill("queueTrigger", json.dumps({"at": text}), "{at}") == value


def test_what_a_timer_delivers_has_no_names() -> None:
    with pytest.raises(ExpressionError):
        _fill("timerTrigger", '{"IsPastDue": false}', "{IsPastDue}")
