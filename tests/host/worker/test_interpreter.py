"""`--python PATH`: user code runs on another Python, with packages of its own."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.host_process import EMBEDDED, HostProcess, running

ROOT = Path(__file__).parents[3]
APP = """
import sys

import azure.durable_functions as df
import azure.functions as func
import only_there

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="who")
def who(req: func.HttpRequest) -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor} {only_there.WORD} {sys.prefix}"


@app.route(route="start")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    instance_id = await client.start_new("main", client_input=3)
    return await client.wait_for_completion_or_create_check_status_response(req, instance_id, 20000)


@app.activity_trigger(input_name="value")
def twice(value: int) -> list:
    return [2 * value, only_there.WORD]


@app.orchestration_trigger(context_name="context")
def main(context):
    return (yield context.call_activity("twice", context.get_input()))


@app.route(route="die")
def die(req: func.HttpRequest) -> str:
    import os

    os._exit(3)
"""


def another_python() -> str:
    """A Python of another version, or this one's program where there is none."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    finder = ROOT / ".ci" / "python"
    listed = subprocess.run([finder, "--versions"], capture_output=True, check=True, text=True)
    for version in listed.stdout.split():
        found = subprocess.run([finder, version], capture_output=True, check=False, text=True)
        if version != own and found.returncode == 0:
            return found.stdout.strip()
    return sys.executable


def make_environment(folder: Path, python: str) -> tuple[Path, str]:
    """Make an environment with a package that the host does not have; return it and its version."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "only_there.py").write_text('WORD = "there"\n')
    # The SDKs are of Python alone, so that any version may borrow them.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return folder, packages.parent.name.removeprefix("python")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return make_environment(tmp_path_factory.mktemp("python") / "env", another_python())


@pytest.fixture(scope="module")
def host(
    tmp_path_factory: pytest.TempPathFactory, environment: tuple[Path, str]
) -> Iterator[HostProcess]:
    app = tmp_path_factory.mktemp("app")
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text(APP)
    options = ("--no-stack", "--python", str(environment[0]))
    with running(app, tmp_path_factory.mktemp("host"), *options) as started:
        yield started


def test_user_code_runs_in_that_environment(host: HostProcess, environment: tuple[Path, str]):
    folder, version = environment
    assert host.get("/api/who").body.decode() == f"{version} there {folder}"


def test_orchestrations_run_there_too(host: HostProcess):
    assert host.get("/api/start").json == [6, "there"]


def test_a_worker_that_died_is_replaced_by_one_of_the_same_python(
    host: HostProcess, environment: tuple[Path, str]
):
    assert host.get("/api/die").status == 500
    assert host.get("/api/who").body.decode().split()[2] == str(environment[0])


COOKIE_APP = """
import importlib.util

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="cookie")
def cookie(req: func.HttpRequest) -> func.HttpResponse:
    assert importlib.util.find_spec("dateutil") is None
    return func.HttpResponse("set", headers={"Set-Cookie": req.params["text"]})
"""


def test_a_python_with_the_library_alone_runs_a_worker(tmp_path: Path):
    env, app = tmp_path / "env", tmp_path / "app"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
    (packages,) = env.glob("lib/python*/site-packages")
    library = Path(sysconfig.get_path("purelib"))
    for name in ("werkzeug", "markupsafe"):
        (packages / name).symlink_to(library / name)
    (packages / "azure").mkdir()
    (packages / "azure" / "functions").symlink_to(library / "azure" / "functions")
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text(COOKIE_APP)
    with running(app, tmp_path, "--no-stack", "--python", str(env)) as host:
        assert host.get("/api/cookie?text=a%3D1").header("set-cookie") == "a=1"
        assert host.get("/api/cookie?text=a%3D1%3BExpires%3D2026-10-21").status == 500
        assert "a cookie's Expires is read with python-dateutil" in host.log
        assert host.get("/api/cookie?text=a%3D1").status == 200


def refusal(folder: Path, *options: str) -> str:
    """What the host says as it does not start."""
    (folder / "host.json").write_text('{"version": "2.0"}')
    words = [*EMBEDDED, "--app", str(folder), "--port", "0", "--no-stack", *options]
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, check=False, text=True, timeout=60, env={**os.environ}
    )
    assert done.returncode != 0
    return done.stderr


def test_a_python_that_cannot_run_a_worker_is_refused_with_what_to_do(tmp_path: Path):
    assert "there is no such program" in refusal(tmp_path, "--python", str(tmp_path / "none"))
    shim = tmp_path / "shim"
    shim.write_text("#!/bin/sh\necho 'pyenv: not chosen' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert "does not start: pyenv: not chosen" in refusal(tmp_path, "--python", str(shim))
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    said = refusal(tmp_path, "--python", str(bare))
    assert "No module named 'azure'" in said
    assert f"{bare}/bin/python -m pip install -r requirements.txt" in said


def test_the_hosts_own_process_has_one_python(tmp_path: Path):
    said = refusal(tmp_path, "--python", sys.executable, "--workers", "0")
    assert "--workers 0 has none" in said
