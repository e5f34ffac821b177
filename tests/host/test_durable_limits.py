"""Versions, large results, HTTP calls, and what orchestrators must not do, from outside."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.host_process import HostProcess, running

APP = Path(__file__).parent / "apps" / "durable_app"
BASE = "/runtime/webhooks/durabletask"
VERSIONED = {"AzureFunctionsJobHost__extensions__durableTask__defaultVersion": "1.2"}
POLLS = 2


def finished(host: HostProcess, name: str, value: Any = None, query: str = "") -> Any:
    """Run an orchestration to its end and give its status."""
    path = f"{BASE}/orchestrators/{name}/{uuid.uuid4().hex}?timeout=30&pollingInterval=1{query}"
    body = None if value is None else json.dumps(value).encode()
    answer = host.request("POST", path, body)
    assert answer.status == 200, answer.body
    return answer.json


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    folder = tmp_path_factory.mktemp("host")
    with running(APP, folder, "--no-stack", environment=VERSIONED) as started:
        yield started


@pytest.fixture
def slow_service() -> Iterator[str]:
    """A service that accepts a request and has the answer two polls later."""
    asked: list[str] = []

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            is_ready = len(asked) > POLLS
            self.send_response(200 if is_ready else 202)
            if not is_ready:
                self.send_header("Location", f"http://127.0.0.1:{port}/poll")
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(b"ready" if is_ready else b"")

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{port}/start"
    server.shutdown()
    server.server_close()


def test_the_default_version_and_one_of_its_own(host):
    assert finished(host, "version_of") == "1.2"
    assert finished(host, "version_of", query="&version=1.1") == "1.1"


def test_large_results_pass_through_activities_and_children(host):
    assert finished(host, "large") == [200_000, 200_000, 200_000, 100_000]


def test_an_http_call_gives_the_first_answer_as_the_sdk_asks_for_no_polling(host, slow_service):
    assert finished(host, "calls_http", {"url": slow_service}) == {"status": 202, "content": ""}


def test_an_http_call_that_fails_names_the_reason(host):
    ended = finished(host, "calls_http", {"url": "http://127.0.0.1:1/"})
    assert ended["runtimeStatus"] == "Failed"


def test_an_orchestrator_that_diverges_is_failed_as_the_extension_does(host):
    ended = finished(host, "changes_its_mind")
    assert ended["runtimeStatus"] == "Failed"
    assert "Non-Deterministic workflow detected" in ended["output"]


@pytest.mark.parametrize("name", ["calls_unknown_child", "calls_unknown_entity"])
def test_calling_what_does_not_exist_waits_for_ever_and_names_it_in_the_log(host, name):
    instance = f"{name}-{uuid.uuid4().hex}"
    host.request("POST", f"{BASE}/orchestrators/{name}/{instance}")
    deadline = time.monotonic() + 20
    while f"of instance {instance}: The function 'nobody' doesn't exist" not in host.log:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert host.get(f"{BASE}/instances/{instance}").json["runtimeStatus"] in ("Pending", "Running")


def test_yielding_a_list_fails_with_the_sdks_own_words(host):
    ended = finished(host, "yields_a_list")
    assert ended["runtimeStatus"] == "Failed"
    assert "Orchestrator function 'yields_a_list' failed" in ended["output"]


@pytest.mark.parametrize("schema", ["1", "2", "3"])
def test_orchestrations_run_under_every_replay_schema(tmp_path, schema):
    setting = "AzureFunctionsJobHost__extensions__durableTask__replaySchemaVersion"
    with running(APP, tmp_path, "--no-stack", environment={setting: schema}) as host:
        assert finished(host, "chain", {"value": 3}) == [3, 3]
        assert finished(host, "all_of", {"n": 20}) == list(range(20))
        assert finished(host, "any_of") == {"is_quick": True, "result": "quick"}
        plan = {"file": str(tmp_path / "tries"), "times": 2, "attempts": 5}
        assert finished(host, "retries", plan) == 3


def test_state_is_kept_when_the_host_is_stopped_and_started(tmp_path):
    key = uuid.uuid4().hex
    with running(APP, tmp_path, "--no-stack") as host:
        assert finished(host, "counts", {"key": key}) == 7
        waiting = f"waiting-{key}"
        host.request("POST", f"{BASE}/orchestrators/collects/{waiting}", b'{"count": 1}')
    with running(APP, tmp_path, "--no-stack") as host:
        assert finished(host, "counts", {"key": key}) == 14
        event = f"{BASE}/instances/{waiting}/raiseEvent/item"
        host.request("POST", event, b'{"n": 1}', {"Content-Type": "application/json"})
        deadline = time.monotonic() + 20
        while host.get(f"{BASE}/instances/{waiting}").json["output"] != [{"n": 1}]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
