"""Failures, texts and answers that a host could stumble over: each is one call's, no more."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.host_process import Answer, HostProcess, running

APP = Path(__file__).parent / "apps" / "odd_app"
BASE = "/runtime/webhooks/durabletask"
DEADLINE_SECONDS = 30


@pytest.fixture(scope="module", params=[(), ("--workers", "0")], ids=["worker", "in process"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostProcess]:
    folder = tmp_path_factory.mktemp("host")
    with running(APP, folder, "--no-stack", *request.param) as started:
        yield started
        assert started.process.poll() is None, started.log


def start(host: HostProcess, path: str, value: Any = None, **headers: str) -> str:
    # As the SDK's client does it: the input is a JSON string of JSON.
    body = json.dumps(json.dumps(value)).encode()
    kinds = {"Content-Type": "application/json", **headers}
    answer = host.request("POST", f"{BASE}/orchestrators/{path}", body, kinds)
    assert answer.status == 202, answer.body
    return str(answer.json["id"])


def ended(host: HostProcess, instance: str) -> Any:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (answer := host.get(f"{BASE}/instances/{instance}")).status == 202:
        assert time.monotonic() < deadline, host.log[-5_000:]
        time.sleep(0.01)
    return answer.json


def outcome(host: HostProcess, name: str, value: Any) -> Any:
    found = ended(host, start(host, name, value))
    return found["runtimeStatus"], found["output"]


def web(host: HostProcess, path: str, **ask: Any) -> Answer:
    return host.request("POST", f"/api/{path}", json.dumps(ask).encode())


@pytest.mark.parametrize("place", ["first", "later", "timer", "quick"])
def test_a_surrogate_in_an_exceptions_text_fails_its_instance_only(host, place):
    status, output = outcome(host, place, ["raise", "surrogate"])
    assert status == "Failed"
    assert "cannot open caf\\udce9.txt" in output
    assert outcome(host, "calls", ["same", "good"]) == ("Completed", "good")


def test_a_traceparent_of_odd_bytes_costs_nothing_but_the_trace(host):
    found = ended(host, start(host, "calls", ["same", 1], traceparent="00-caf\xe9"))
    assert (found["runtimeStatus"], found["output"]) == ("Completed", 1)


@pytest.mark.parametrize("activity", ["act", "act_async", "act_gather", "act_group"])
def test_an_exception_whose_text_cannot_be_made_fails_its_call_every_time(host, activity):
    for _ in range(12):
        status, output = outcome(host, "calls", [activity, ["raise", "text fails"]])
        assert status == "Failed"
        assert "TextFails" in output
    assert outcome(host, "calls", ["same", 1]) == ("Completed", 1)
    assert outcome(host, "calls", ["same_async", 1]) == ("Completed", 1)


@pytest.mark.parametrize("place", ["first", "later", "timer", "again", "child"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("SystemExit", "SystemExit: 3"),
        ("KeyboardInterrupt", "KeyboardInterrupt: "),
        ("GeneratorExit", "GeneratorExit: "),
        ("CancelledError", "CancelledError: "),
        ("base group", "BaseExceptionGroup: group (2 sub-exceptions)"),
        ("BaseException", "BaseException: \\udce9"),
        ("StopIteration", "generator raised StopIteration"),
    ],
)
def test_an_orchestrator_that_raises_no_exception_fails_with_what_it_raised(
    host, place, error, reason
):
    status, output = outcome(host, place, ["raise", error])
    assert status == ("Completed" if place == "child" else "Failed")
    assert reason in output


@pytest.mark.parametrize(
    ("activity", "error", "fate"),
    [
        ("act", "SystemExit", "SystemExit: 3. Azure's worker process ends of it"),
        (
            "act_async",
            "KeyboardInterrupt",
            "KeyboardInterrupt. Azure's worker process ends of it",
        ),
        ("act", "CancelledError", "CancelledError. Azure's worker never answers it"),
        ("act_async", "CancelledError", "CancelledError. Azure's worker never answers it"),
        ("act", "surrogate", "Azure's worker never answers it"),
    ],
)
def test_what_azure_never_answers_is_a_failure_and_the_log_says_what_azure_does(
    host, activity, error, fate
):
    begun = len(host.log)
    assert outcome(host, "calls", [activity, ["raise", error]])[0] == "Failed"
    lines = [line for line in host.log[begun:].splitlines() if fate in line]
    assert f"WARNING: Function '{activity}' raised " in lines[0]
    assert f"[{activity} " in lines[0]


def test_a_stop_iteration_is_told_of_where_azure_does_not_answer_it(host):
    begun = len(host.log)
    assert outcome(host, "calls", ["act", ["raise", "StopIteration"]])[0] == "Failed"
    lines = [line for line in host.log[begun:].splitlines() if "raised StopIteration: 5." in line]
    # The worker of the host runs on the Python of the tests; from 3.13 on a future takes it.
    assert len(lines) == (1 if sys.version_info < (3, 13) else 0)
    assert all("StopIteration: 5. Azure's worker never answers it" in line for line in lines)


@pytest.mark.parametrize("ask", ["stop", "cancel", "cancel all", "close"])
def test_what_is_done_to_the_loop_of_coroutine_functions_ends_no_more_than_calls(host, ask):
    for _ in range(3):
        assert outcome(host, "calls", ["act_on_loop", ask])[0] in ("Completed", "Failed")
    assert outcome(host, "calls", ["same_async", 1]) == ("Completed", 1)
    assert web(host, "web_async", place="body", value="good").body == b"good"


@pytest.mark.parametrize("error", ["SystemExit", "KeyboardInterrupt", "text exits", "base group"])
def test_what_a_task_a_callback_and_a_thread_raise_behind_a_call_stops_nothing(host, error):
    outcome(host, "calls", ["act_behind", ["raise", error]])
    assert outcome(host, "calls", ["same_async", 1]) == ("Completed", 1)
    assert outcome(host, "calls", ["same", 1]) == ("Completed", 1)


@pytest.mark.timeout(120)
def test_a_failure_of_ten_megabytes_is_kept_whole_and_holds_nobody_up(host):
    status, output = outcome(host, "calls", ["act", ["raise", "10 MB"]])
    assert status == "Failed"
    assert "x" * 10_000_000 + "\\udce9" in output
    assert web(host, "web", place="body", do=["raise", "10 MB"]).status == 500
    assert outcome(host, "calls", ["same", 1]) == ("Completed", 1)


@pytest.mark.parametrize(
    ("operation", "what", "reason"),
    [
        ("raise", "text fails", "no text"),
        ("raise", "SystemExit", "SystemExit: 3"),
        ("raise", "CancelledError", "CancelledError"),
        ("raise", "surrogate", "cannot open caf"),
        ("state", "set", "set"),
        ("result", "long integer", "4300 digits"),
        ("result", "deep", "RecursionError"),
    ],
)
def test_an_operation_of_an_entity_that_ends_badly_fails_and_no_other(
    host, operation, what, reason
):
    key = f"{operation}-{what}-{time.monotonic_ns()}"
    assert outcome(host, "asks", [key, "add", None]) == ("Completed", 1)
    status, output = outcome(host, "asks", [key, operation, what])
    assert status == "Failed"
    assert reason in output
    assert outcome(host, "asks", [key, "add", None]) == ("Completed", 2)


def test_a_bad_operation_costs_no_other_of_its_batch(host):
    key = f"batch-{time.monotonic_ns()}"
    asked = [[key, "add", None], [key, "raise", "SystemExit"], [key, "add", None]] * 10
    started = [start(host, "asks", ask) for ask in asked]
    ends = [ended(host, instance) for instance in started]
    good = [end["output"] for end in ends if end["runtimeStatus"] == "Completed"]
    assert sorted(good) == list(range(1, 21))
    bad = [end["output"] for end in ends if end["runtimeStatus"] == "Failed"]
    assert len(bad) == 10
    assert all("SystemExit: 3" in output for output in bad)


@pytest.mark.parametrize(
    ("place", "value", "status"),
    [
        ("status", 204, 204),
        ("status", 599, 599),
        ("status", 100, 500),
        ("status", -1, 500),
        ("status", 1000, 500),
        ("status", "abc", 500),
        ("header", "fine ü", 200),
        ("header", "caf\udce9", 500),
        ("header", "a\r\nb: c", 500),
        ("header", "a\0", 500),
        ("header name", "X Y", 500),
        ("header name", "X\r\nY", 500),
        ("header name", "", 500),
        ("type", "text/plain\udce9", 500),
        ("body", "caf\udce9", 500),
        ("return", "caf\udce9", 500),
    ],
)
def test_a_response_that_http_cannot_carry_is_a_failure_of_its_function(host, place, value, status):
    assert web(host, "web", place=place, value=value).status == status
    assert web(host, "web_async", place="body", value="good").body == b"good"


@pytest.mark.parametrize("body", ["[" * 100_000, "1" * 5_000, '{"body": ' + "[" * 100_000])
def test_a_text_is_a_body_however_odd_its_json_is(host, body):
    answer = host.request("POST", "/api/text", body.encode())
    assert (answer.status, answer.body) == (200, body.encode())
