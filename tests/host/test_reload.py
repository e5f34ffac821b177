"""`--reload`: a changed app is served without stopping the host by hand."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hosts.host_process import HostProcess, launch, running

SLOW_APP = """
import pathlib
import time

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
folder = pathlib.Path({folder!r})


@app.activity_trigger(input_name="value")
def waits(value):
    with (folder / "runs").open("a") as file:
        file.write("{mark}")
    while not (folder / "gate").exists():
        time.sleep(0.02)
    return "{mark}"


@app.route(route="ping")
def ping(req: func.HttpRequest) -> str:
    return "{mark}"


@app.orchestration_trigger(context_name="context")
def main(context):
    return (yield context.call_activity("waits", None))
"""
APP = """
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="{route}")
def answer(req: func.HttpRequest) -> str:
    return "{text}"
"""


def write(folder: Path, route: str, text: str) -> None:
    (folder / "function_app.py").write_text(APP.format(route=route, text=text))


def wait_until(host: HostProcess, path: str, body: bytes) -> None:
    until(host, lambda: host.get(path).body == body)


def test_changed_code_new_functions_and_mended_mistakes_are_taken_up(tmp_path):
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    write(app, "one", "first")
    with running(app, tmp_path, "--no-stack", "--reload") as host:
        wait_until(host, "/api/one", b"first")
        write(app, "two", "second")
        wait_until(host, "/api/two", b"second")
        assert host.get("/api/one").status == 404
        (app / "function_app.py").write_text("this is no Python")
        until(host, lambda: "SyntaxError" in host.log)
        write(app, "three", "third")
        wait_until(host, "/api/three", b"third")
        assert host.process.poll() is None


def test_an_activity_in_flight_is_delivered_again_to_the_new_code(tmp_path):
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    code, runs = app / "function_app.py", tmp_path / "runs"
    code.write_text(SLOW_APP.format(folder=str(tmp_path), mark="a"))
    base = "/runtime/webhooks/durabletask"
    with running(app, tmp_path, "--no-stack", "--reload") as host:
        assert host.request("POST", f"{base}/orchestrators/main/one").status == 202
        until(host, lambda: runs.exists() and runs.read_text() == "a")
        # Of another length: Python knows a module that it has compiled by its second and its size.
        code.write_text(SLOW_APP.format(folder=str(tmp_path), mark="new"))
        until(host, lambda: runs.read_text() == "anew")
        (tmp_path / "gate").touch()
        until(host, lambda: host.get(f"{base}/instances/one").status == 200)
        ended = host.get(f"{base}/instances/one?showHistory=true").json
        assert (ended["runtimeStatus"], ended["output"]) == ("Completed", "new")
        events = [event["EventType"] for event in ended["historyEvents"]]
        assert events.count("TaskCompleted") == 1
        assert "function_app.py changed" in host.log


def test_the_storage_emulator_outlives_a_reload_and_ends_with_the_host(tmp_path):
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    write(app, "one", "first")
    settings = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    data = tmp_path / "data"
    with running(app, tmp_path, "--reload", environment=settings) as host:
        before = (data / "stack.json").read_text(), int((data / "azurite.pid").read_text())
        assert "BlobEndpoint" in json.loads(before[0])["AzureWebJobsStorage"]
        write(app, "two", "second")
        wait_until(host, "/api/two", b"second")
        assert before == (
            (data / "stack.json").read_text(),
            int((data / "azurite.pid").read_text()),
        )
        assert host.stop(signal.SIGINT) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(before[1], 0)


def test_without_worker_processes_there_is_no_reload(tmp_path):
    process, log = launch(tmp_path, tmp_path, "--reload", "--workers", "0")
    assert process.wait(timeout=30) == 2
    assert process.stdout is not None
    process.stdout.close()
    assert "--workers 0 has none" in log.read_text()


def until(host: HostProcess, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while True:
        try:
            if condition():
                return
        except OSError:  # it is starting again
            pass
        assert time.monotonic() < deadline, host.log
        time.sleep(0.05)
