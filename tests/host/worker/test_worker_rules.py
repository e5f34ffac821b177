"""How the worker loads an app and calls it: where modules are found, what extensions are told."""

import json
import shutil
import site
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.host_process import REPOSITORY, HostProcess, launch, running

APP = Path(__file__).parents[1] / "apps" / "worker_app"
DEADLINE_SECONDS = 20
with_hooks = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="Azure's worker for this Python calls no hooks"
)


@pytest.fixture(scope="module", params=[(), ("--workers", "0")], ids=["worker", "in process"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostProcess]:
    with running(APP, tmp_path_factory.mktemp("host"), "--no-stack", *request.param) as started:
        yield started


@pytest.fixture(scope="module")
def modules(host: HostProcess) -> Any:
    return host.get("/api/modules").json


def test_modules_of_the_app_are_found_behind_all_others(modules):
    origins, path, _ = modules
    assert origins["neighbour"] == "app"
    assert origins["colorsys"] is None
    assert path[-2:] == [str(APP), str(REPOSITORY)]
    assert path.index(str(APP)) > path.index(site.getsitepackages()[0])


def test_the_python_path_of_local_settings_is_looked_into_first(modules):
    origins, path, setting = modules
    assert origins["borrowed"] == "lib"
    assert path[0] == str(APP / "lib")
    assert setting == "lib"


def test_a_context_has_the_folder_of_the_functions_file(host):
    assert host.get("/api/place").body.decode() == str(APP / "parts")
    assert host.get("/api/wait").body.decode() == str(APP)


@with_hooks
def test_an_extension_for_all_functions_is_told_of_each_and_of_each_call(host):
    host.get("/api/wait")
    seen = host.get("/api/seen").json
    assert seen[0] == ["made"]
    names = ["around", "place", "modules", "seen", "wait"]
    loaded = [entry for entry in seen if entry[0] == "loaded"]
    assert loaded == [["loaded", name, str(APP)] for name in names]
    assert ["before", "wait", ["context", "req"]] in seen
    assert ["after", "wait", str(APP)] in seen
    assert "before " in host.log


@with_hooks
def test_an_extension_for_one_function_may_change_what_it_is_given(host):
    assert host.get("/api/around").body == b"req is changed"
    seen = host.get("/api/seen").json
    alone = [entry for entry in seen if entry[0].endswith("alone")]
    assert alone[:3] == [
        ["loaded alone", "around", str(APP)],
        ["before alone", "around"],
        ["after alone", "req is changed"],
    ]


@with_hooks
def test_a_hook_that_fails_is_told_in_the_log_alone(host):
    assert host.get("/api/place").status == 200
    assert "pre_invocation_app_level of Broken failed" in host.log
    assert "ValueError: broken on purpose" in host.log


@with_hooks
def test_an_extension_that_no_function_has_is_named_in_the_log(host):
    assert "The worker extension Lost is never called, as in Azure" in host.log
    assert "begins with 'function_app.py', and no function has that name" in host.log


def test_extensions_are_not_run_without_the_setting_and_the_log_says_so(tmp_path):
    app = tmp_path / "app"
    shutil.copytree(APP, app)
    (app / "local.settings.json").write_text(
        json.dumps({"IsEncrypted": False, "Values": {"PYTHONPATH": "lib"}})
    )
    with running(app, tmp_path, "--no-stack") as host:
        assert host.get("/api/seen").json == [["made"]]
        assert "Worker extensions are not run, as in Azure: Everywhere, Broken, " in host.log
        has_remedy = "Set PYTHON_ENABLE_WORKER_EXTENSIONS=1" in host.log
        assert has_remedy == (sys.version_info < (3, 13))


def test_an_app_that_azure_would_not_load_is_refused_with_all_reasons(tmp_path):
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.route()\ndef host(req: func.HttpRequest) -> str: ...\n"
        "@app.route(trigger_arg_name='my_req')\ndef other(my_req: func.HttpRequest) -> str: ...\n"
    )
    process, log = launch(tmp_path, tmp_path, "--no-stack")
    with process:
        assert process.wait(timeout=DEADLINE_SECONDS) == 1
    said = log.read_text()
    assert "Function 'host': its name is the host's own." in said
    assert "Function 'other': its binding 'my_req' must be called by letters and digits" in said
    assert "Traceback" not in said
