"""The host's own endpoints, its home page and its life as a process."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.host_process import REPOSITORY, HostProcess, launch, running

APP = Path(__file__).parents[1] / "apps" / "http_app"
DEADLINE_SECONDS = 20


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    with running(APP, tmp_path_factory.mktemp("host"), "--no-stack") as started:
        yield started


def _wait_for(host: HostProcess, text: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while text not in host.log:
        assert time.monotonic() < deadline, host.log
        time.sleep(0.01)


def test_the_host_says_how_it_is(host: HostProcess) -> None:
    status = host.get("/admin/host/status").json
    assert status["state"] == "Running"
    assert status["processUptime"] >= 0
    assert host.request("POST", "/admin/host/ping").status == 200


def test_the_functions_are_listed(host: HostProcess) -> None:
    functions = {one["name"]: one for one in host.get("/admin/functions").json}
    assert functions["see"]["invoke_url_template"] == (
        f"http://localhost:{host.port}/api/see/{{id:int?}}"
    )
    assert functions["switched_off"]["isDisabled"]
    assert not functions["new_year"]["isDisabled"]
    assert host.get("/admin/functions/SEE").json == functions["see"]
    assert host.get("/admin/functions/none").status == 404
    assert host.get("/admin/functions/see/status").json == {}


def test_a_timer_function_is_run_by_hand(host: HostProcess) -> None:
    mark = b"\xef\xbb\xbf"
    answer = host.request("POST", "/admin/functions/new_year", mark + b'{"input": ""}')
    assert (answer.status, answer.body) == (202, b"")
    _wait_for(host, "a new year, past due: False")


def test_an_activity_is_run_by_hand(tmp_path: Path) -> None:
    with running(APP.parent / "limits_app", tmp_path, "--no-stack") as host:
        assert host.request("POST", "/admin/functions/nap", b'{"input": "0"}').status == 202
        _wait_for(host, "woke up")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/admin/functions/none", b'{"input": ""}', 404),
        ("/admin/functions/switched_off", b'{"input": ""}', 400),
        ("/admin/functions/new_year", b"", 400),
        ("/admin/functions/new_year", b"[]", 400),
        ("/admin/functions/see", b'{"input": ""}', 400),
    ],
)
def test_what_cannot_be_run_by_hand_is_refused(
    host: HostProcess, path: str, body: bytes, status: int
) -> None:
    assert host.request("POST", path, body).status == status


def test_the_home_page_is_shown(host: HostProcess) -> None:
    answer = host.get("/")
    assert answer.status == 200
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert b"Your functions are running" in answer.body


def test_the_banner_lists_every_function_as_core_tools_does(host: HostProcess) -> None:
    origin = f"http://localhost:{host.port}/api"
    assert host.banner.startswith("\nFunctions:\n\n\tsee:  " + origin + "/see/{id:int?}\n\n")
    assert f"\tsame_second: [GET,DELETE] {origin}/same/{{name}}\n\n" in host.banner
    assert "\tnew_year: timerTrigger\n\n" in host.banner
    assert "Function switched_off is disabled.\n" in host.banner


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_after_running_calls(tmp_path: Path, number: int) -> None:
    with running(APP, tmp_path, "--no-stack") as host:
        connection = socket.create_connection(("127.0.0.1", host.port))
        connection.sendall(b"GET /api/slow HTTP/1.1\r\nHost: h\r\n\r\n")
        _wait_for(host, "slow began")
        assert host.stop(number) == 0
        with connection:
            assert connection.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
        assert "Traceback" not in host.log
        assert "ERROR" not in host.log


def test_a_busy_port_is_a_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        process, log = launch(APP, tmp_path, "--no-stack", "--port", port)
        with process:
            assert process.wait(timeout=DEADLINE_SECONDS) == 1
        assert log.read_text() == (
            f"Port {port} is unavailable. Close the process using that port, or specify another "
            "port using --port.\n"
        )


def test_a_second_host_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with running(APP, tmp_path, "--no-stack"):
        other = tmp_path / "other"
        other.mkdir()
        process, log = launch(APP, other, "--no-stack", "--data", str(tmp_path / "data"))
        with process:
            assert process.wait(timeout=DEADLINE_SECONDS) == 1
        assert str(tmp_path / "data") in log.read_text()
        assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("raise LookupError('at import')", "LookupError: at import"),
        (
            '@app.generic_trigger(arg_name="m", type="eventHubTrigger")\ndef take(m): ...',
            "Function 'take': this host does not serve the binding 'm' of type eventHubTrigger. To "
            "use it, run it with Core Tools (func start)",
        ),
        ('@app.route(route="{a")\ndef bad(req): ...', "'{a' has a '{' that nothing closes"),
        (
            '@app.timer_trigger(schedule="often", arg_name="t")\ndef bad(t): ...',
            "Function 'bad': 'often' is neither",
        ),
    ],
)
def test_an_app_that_cannot_be_served_is_refused_with_the_reason(
    tmp_path: Path, function: str, expected: str
) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0"}))
    (tmp_path / "function_app.py").write_text(
        f"import azure.functions as func\napp = func.FunctionApp()\n{function}\n"
    )
    process, log = launch(tmp_path, tmp_path, "--no-stack")
    with process:
        assert process.wait(timeout=DEADLINE_SECONDS) == 1
    assert expected in log.read_text()


def test_state_is_kept_under_the_app_unless_told_otherwise(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    for name in ("host.json", "function_app.py", "local.settings.json"):
        (app / name).write_bytes((APP / name).read_bytes())
    with running(app, tmp_path, "--no-stack", "--data", str(app / ".localhost")) as host:
        host.get("/api/see")
    assert (app / ".localhost" / "durable.sqlite").exists()


def test_help_explains_the_options() -> None:
    for arguments in (["--help"], ["start", "--help"]):
        command = [sys.executable, "-m", "localhost", *arguments]
        shown = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        assert "python -m localhost" in shown.stdout


def test_in_process_the_app_is_served_too(tmp_path: Path) -> None:
    with running(APP, tmp_path, "--no-stack", "--workers", "0") as host:
        assert host.get("/api/text/plain").body == b"hello"
        assert host.get("/api/files/a").body == b"a"
        assert host.stop() == 0
