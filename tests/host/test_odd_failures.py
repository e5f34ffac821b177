"""Failures, texts and answers that a host could stumble over: each is one call's, no more."""

import json
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
