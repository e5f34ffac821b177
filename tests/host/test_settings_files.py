"""Settings as they work on a running host: local.settings.json, host.json and the environment."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.host_process import HostProcess, launch, running

DEADLINE_SECONDS = 20
CODE = """\
import json
import os
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="%ROUTE%/environment")
def environment(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(dict(os.environ)))

@app.route(route="off")
def off(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("on")

@app.timer_trigger(schedule="%SCHEDULE%", arg_name="timer")
def tick(timer: func.TimerRequest) -> None: ...
"""
VALUES = {"ROUTE": "shown", "SCHEDULE": "0 0 0 1 1 *", "COLOUR": "red", "SIZE": "large"}
DURABLE = "/runtime/webhooks/durabletask/instances"


def _app(folder: Path, local: Any = None, host: Any = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "function_app.py").write_text(CODE)
    for name, content in [
        ("host.json", host or {"version": "2.0"}),
        ("local.settings.json", local or {"IsEncrypted": False, "Values": VALUES}),
    ]:
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text)
    return folder


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    folder = tmp_path_factory.mktemp("host")
    local = {
        "IsEncrypted": False,
        "Values": {**VALUES, "AzureWebJobs.off.Disabled": "true", "NUMBER": 5, "SWITCH": True},
        "ConnectionStrings": {"db": "Server=x", "other": {"ConnectionString": "Server=y"}},
        "Host": {"LocalHttpPort": _free_port(), "CORS": "*"},
    }
    app = _app(folder / "app", local)
    with running(
        app, folder, "--no-stack", environment={"COLOUR": "blue"}, any_port=False
    ) as started:
        assert started.port == local["Host"]["LocalHttpPort"]
        yield started


@pytest.fixture(scope="module")
def environment(host: HostProcess) -> dict[str, str]:
    shown: dict[str, str] = host.get("/api/shown/environment").json
    return shown


def test_the_host_listens_where_local_settings_say(host: HostProcess) -> None:
    assert host.get("/admin/host/status").status == 200


def test_values_are_in_the_environment_of_functions(environment: dict[str, str]) -> None:
    assert environment["SIZE"] == "large"
    assert environment["NUMBER"] == "5"
    assert environment["SWITCH"] == "true"
    assert environment["ConnectionStrings:db"] == "Server=x"
    assert environment["ConnectionStrings:other"] == "Server=y"


def test_the_hosts_own_environment_wins_over_values_and_the_log_says_so(
    host: HostProcess, environment: dict[str, str]
) -> None:
    assert environment["COLOUR"] == "blue"
    assert "Skipping 'COLOUR' from local settings as it's already defined" in host.log


def test_what_the_host_sets_is_there(host: HostProcess, environment: dict[str, str]) -> None:
    assert environment["AZURE_FUNCTIONS_ENVIRONMENT"] == "Development"
    assert environment["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert environment["WEBSITE_HOSTNAME"] == f"localhost:{host.port}"
    assert environment["AzureWebJobsScriptRoot"].endswith("/app")


def test_percent_names_in_bindings_are_settings(host: HostProcess) -> None:
    assert host.get("/api/shown/environment").status == 200
    tick = host.get("/admin/functions/tick").json
    assert tick["config"]["bindings"][0]["schedule"] == "0 0 0 1 1 *"


def test_a_setting_disables_a_function(host: HostProcess) -> None:
    assert host.get("/api/off").status == 404
    assert host.get("/admin/functions/off").json["isDisabled"]


def test_an_environment_variable_disables_a_function_and_enables_it(tmp_path: Path) -> None:
    app = _app(tmp_path / "app")
    names = ("AzureWebJobs_off_Disabled", "AzureWebJobs__off__Disabled")
    for values, status in [(("1", "false"), 404), (("false", "1"), 200)]:
        environment = dict(zip(names, values, strict=True))
        with running(app, tmp_path, "--no-stack", environment=environment) as host:
            assert host.get("/api/off").status == status


def test_any_page_may_call_functions_and_webhooks_where_all_are_allowed(host: HostProcess) -> None:
    page = {"Origin": "https://page.example"}
    for path in ("/api/shown/environment", DURABLE, "/api/nowhere"):
        answer = host.get(path, **page)
        assert answer.header("access-control-allow-origin") == "*"
        assert answer.header("access-control-allow-credentials") is None
    asked = host.request(
        "OPTIONS", DURABLE, headers=page | {"Access-Control-Request-Method": "DELETE"}
    )
    assert (asked.status, asked.header("access-control-allow-methods")) == (204, "DELETE")


def test_host_json_is_overridden_by_settings(tmp_path: Path) -> None:
    overrides = {
        "AzureFunctionsJobHost__extensions__http__routePrefix": "other",
        "AzureFunctionsJobHost__functions__0": "environment",
    }
    local = {"IsEncrypted": False, "Values": {**VALUES, **overrides}}
    with running(_app(tmp_path / "app", local), tmp_path, "--no-stack") as host:
        assert host.get("/other/shown/environment").status == 200
        assert [one["name"] for one in host.get("/admin/functions").json] == ["environment"]


def test_the_port_of_the_command_line_wins(tmp_path: Path) -> None:
    taken, free = _free_port(), _free_port()
    local = {"IsEncrypted": False, "Values": VALUES, "Host": {"LocalHttpPort": taken}}
    with running(
        _app(tmp_path / "app", local), tmp_path, "--no-stack", "--port", str(free)
    ) as host:
        assert host.port == free


@pytest.mark.parametrize(
    ("local", "host", "expected"),
    [
        ('{\n"IsEncrypted": false,\n"Values": {"A": }\n}', None, "local.settings.json, line 3, "),
        ('{"IsEncrypted": false,\n"Values": {\n"A": ["b"]}}', None, "line 3: 'A': a value must be"),
        ('{\n"IsEncrypted": true,\n"Values": {}}', None, "line 2: 'IsEncrypted': the file counts"),
        (
            '{"IsEncrypted": false,\n"Host": {"LocalHttpPort": "x"}}',
            None,
            "line 2: 'LocalHttpPort'",
        ),
        (None, '{\n"version": "3.0"\n}', "host.json, line 2: 'version': it must have"),
        (None, '{"version": "2.0"\n"extensions": {}}', "host.json, line 2, column 1"),
        (None, '{"version": "2.0",\n\n"functionTimeout": "soon"}', "line 3: 'functionTimeout'"),
        (
            {"IsEncrypted": False, "Values": {"ROUTE": "x"}},
            None,
            "Function 'tick': %SCHEDULE% in its bindings names no setting. Add it to the Values",
        ),
    ],
)
def test_a_bad_file_is_refused_at_start_with_the_line_and_the_reason(
    tmp_path: Path, local: Any, host: Any, expected: str
) -> None:
    process, log = launch(_app(tmp_path / "app", local, host), tmp_path, "--no-stack")
    with process:
        assert process.wait(timeout=DEADLINE_SECONDS) == 1
    assert expected in log.read_text()
    assert "Traceback" not in log.read_text()
