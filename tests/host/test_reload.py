"""`--reload`: a changed app is served without stopping the host by hand."""

import socket
import time
from pathlib import Path

from tests.support.host_process import HostProcess, running

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
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if host.get(path).body == body:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{path} never answered {body!r}\n{host.log}")


def test_changed_code_new_functions_and_mended_mistakes_are_taken_up(tmp_path):
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    write(app, "one", "first")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with running(app, tmp_path, "--no-stack", "--reload", "--port", port) as host:
        wait_until(host, "/api/one", b"first")
        write(app, "two", "second")
        wait_until(host, "/api/two", b"second")
        assert host.get("/api/one").status == 404
        (app / "function_app.py").write_text("this is no Python")
        deadline = time.monotonic() + 30
        while "SyntaxError" not in host.log:
            assert time.monotonic() < deadline, host.log
            time.sleep(0.05)
        write(app, "three", "third")
        wait_until(host, "/api/three", b"third")
        assert host.process.poll() is None
