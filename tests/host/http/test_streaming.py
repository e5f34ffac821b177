"""HTTP streaming by Microsoft's extension for FastAPI, as the Functions host and worker do it."""

import base64
import contextlib
import hashlib
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from rig.processes import free_port
from tests.support.hosts.host_process import EMBEDDED, Host, HostProcess, running

ROOT = Path(__file__).parents[3]
APP = Path(__file__).parents[1] / "apps" / "stream_app"
MEBIBYTE = 1024 * 1024
LIMIT = 8 * MEBIBYTE
STORAGE = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
REFUSED = """
import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request

app = func.FunctionApp()


@app.route(route="old")
def old(req: func.HttpRequest) -> str:
    return ""
"""

SHUT = """
import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request

app = func.FunctionApp()


@app.route(route="shut")
def shut(req: Request) -> str:
    return "by hand"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("host")


@pytest.fixture(scope="module")
def host(folder: Path) -> Iterator[HostProcess]:
    settings = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(LIMIT), **STORAGE}
    with running(APP, folder, environment=settings) as started:
        yield started


@contextmanager
def ask(
    host: HostProcess, method: str, path: str, **more: Any
) -> Iterator[http.client.HTTPResponse]:
    """Send a request, and give the response as it begins."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, **more)
        with connection.getresponse() as response:
            yield response


def _until(look: Callable[[], Any]) -> Any:
    """Wait until there is something to see."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(ResourceNotFoundError):
            if found := look():
                return found
        time.sleep(0.05)
    raise TimeoutError


def test_a_response_comes_piece_by_piece(host: HostProcess) -> None:
    with ask(host, "GET", "/api/pieces?name=it") as response:
        assert response.status == 201
        assert response.getheader("Content-Type") == "text/event-stream; charset=utf-8"
        assert response.getheader("Transfer-Encoding") == "chunked"
        assert response.readline() == b"first\n"  # and the function waits
        assert host.request("POST", "/api/open", b"").body == b'"open"'
        assert response.read() == b"second\n"
    assert "waits in the middle of it" in host.log


@pytest.mark.parametrize("size", [0, 1, 5 * MEBIBYTE])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["whole", "chunked"])
def test_a_body_of_a_request_is_a_stream(host: HostProcess, size: int, is_chunked: bool) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    pieces = (body[at : at + 65_536] for at in range(0, size, 65_536)) if is_chunked else body
    expected = f'{{"count":{size},"sha256":"{hashlib.sha256(body).hexdigest()}"}}'
    with ask(host, "POST", "/api/digest", body=pieces, encode_chunked=is_chunked) as answer:
        assert answer.read().decode() == expected


def test_a_function_sees_the_whole_request(host: HostProcess) -> None:
    path = "/api/see/7?a=1&a=2&b=x%20y"
    seen = host.request("GET", path, headers={"X-Own": "v", "Cookie": "c=1"}).json
    assert seen == {
        "params": {"id": "7"},
        "query": [["a", "1"], ["a", "2"], ["b", "x y"]],
        "header": "v",
        "cookies": {"c": "1"},
        "url": f"http://127.0.0.1:{host.port}{path}",
        "method": "GET",
        "function": "see",
        "is_own_invocation": True,
    }


def test_headers_cookies_and_methods(host: HostProcess) -> None:
    with ask(host, "GET", "/api/cookies") as answer:
        assert answer.read() == b"set"
        assert answer.getheader("Content-Length") == "3"
        assert answer.getheader("X-Own") == "v"
    cookies = answer.msg.get_all("Set-Cookie") or []
    assert [cookie.partition(";")[0] for cookie in cookies] == ["a=1", "b=2"]
    assert host.request("POST", "/api/cookies", b"").status == 404


def test_plain_functions_run_side_by_side_on_threads(host: HostProcess) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: host.request("POST", "/api/plain", b"").body, range(40)))
    assert answers == [b'"POST text"'] * 40


def test_what_a_function_raises_is_answered_as_fastapi_does(host: HostProcess) -> None:
    missing = host.get("/api/missing")
    assert (missing.status, missing.json) == (404, {"detail": "no such thing"})
    assert missing.header("x-why") == "gone"
    broken = host.get("/api/broken")
    assert (broken.status, broken.body) == (500, b"Internal Server Error")
    # The answer is sooner here than the result of the call.
    _until(lambda: "Executed 'Functions.broken' (Failed" in host.log)
    _until(lambda: "ValueError: it broke" in host.log)
    assert "http_stream.py" not in host.log.partition("Functions.broken")[2].partition("\n\n")[0]


def test_what_a_function_sets_on_its_outputs_is_written(host: HostProcess, folder: Path) -> None:
    assert host.request("POST", "/api/noted/7", b"news").body == b"noted 7"
    stack = json.loads((folder / "data" / "stack.json").read_text())
    with QueueClient.from_connection_string(
        stack["AzureWebJobsStorage"], "noted", api_version="2025-11-05"
    ) as queue:
        message = _until(queue.receive_message)
    assert base64.b64decode(message.content) == b"news"


def test_an_output_that_cannot_be_written_fails_the_call(host: HostProcess) -> None:
    # Its answer is on its way by then.
    assert host.get("/api/unwritable").body == b'"made"'
    _until(lambda: "OutputError: the output 'row' cannot be written: ValueError" in host.log)


@pytest.mark.parametrize("route", ["torn", "dies"])
def test_a_stream_that_breaks_off_is_not_taken_for_a_whole_one(
    host: HostProcess, route: str
) -> None:
    broken = pytest.raises((http.client.IncompleteRead, ConnectionError))
    with ask(host, "GET", f"/api/{route}") as response, broken:
        response.read()
    # The host may hear of the stream's end before it hears of the worker's.
    deadline = time.monotonic() + 20
    while host.request("POST", "/api/plain", b"").body != b'"POST text"':
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_body_is_read_before_a_stream_is_returned(host: HostProcess) -> None:
    assert host.request("POST", "/api/echo?first", b"body").body == b"body"
    broken = pytest.raises((http.client.IncompleteRead, ConnectionError))
    with ask(host, "POST", "/api/echo", body=b"body") as response, broken:
        response.read()
    assert "Read it before you return the StreamingResponse" in host.log


def test_a_stream_may_look_whether_its_caller_is_there(host: HostProcess) -> None:
    assert host.request("POST", "/api/watch", b"body").body == b"False False False "


def test_a_caller_that_leaves_ends_the_stream(host: HostProcess) -> None:
    with ask(host, "GET", "/api/endless") as response:
        assert response.read(1000) == b"x" * 1000
    deadline = time.monotonic() + 20
    while host.get("/api/endings").json != ["endless"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("is_chunked", [False, True], ids=["whole", "chunked"])
def test_a_body_over_the_limit_is_refused(host: HostProcess, is_chunked: bool) -> None:
    framing = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {LIMIT + 1}"
    head = f"POST /api/digest HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", host.port), timeout=30) as caller:
        caller.sendall(head)
        if is_chunked:
            caller.sendall(f"{LIMIT + 1:x}\r\n".encode() + b"x" * (LIMIT + 1))
        assert caller.recv(64).startswith(b"HTTP/1.1 413")


def test_a_body_that_grows_over_the_limit_later_cuts_the_stream_off(host: HostProcess) -> None:
    head = b"POST /api/flow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    deadline = time.monotonic() + 10
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as caller:
        caller.sendall(head)
        assert caller.recv(64).startswith(b"HTTP/1.1 200")
        with contextlib.suppress(ConnectionError):
            caller.sendall(f"{LIMIT + 1:x}\r\n".encode() + b"x" * (LIMIT + 1))
            while caller.recv(65_536):
                assert time.monotonic() < deadline
    assert "never retrieved" not in host.log


def test_a_call_over_the_timeout_is_answered_at_once(tmp_path: Path) -> None:
    limit = {"AzureFunctionsJobHost__functionTimeout": "00:00:01"}
    with running(APP, tmp_path, "--no-stack", environment=STORAGE | limit) as host:
        assert host.get("/api/missing").status == 404  # the extension is imported by now
        begin = time.monotonic()
        assert host.get("/api/hang").status == 500
        assert time.monotonic() - begin < 5  # before its worker counts as stuck
        assert "Timeout value of 00:00:01 exceeded by function 'Functions.hang'" in host.log
        assert host.get("/api/missing").status == 404


def test_user_code_may_run_in_the_hosts_own_process(tmp_path: Path) -> None:
    with running(APP, tmp_path, "--no-stack", "--workers", "0", environment=STORAGE) as host:
        assert host.get("/api/missing").status == 404
        assert host.request("POST", "/api/plain", b"").body == b'"POST text"'


def test_an_app_whose_functions_are_all_disabled_streams_when_called_by_hand(
    tmp_path: Path,
) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(SHUT)
    disabled = {"AzureWebJobs.shut.Disabled": "true"}
    port = free_port()  # what is printed names none, without an enabled function
    options = ("--no-stack", "--port", str(port))
    with running(tmp_path, tmp_path, *options, environment=disabled) as host:
        assert Host("127.0.0.1", port).get("/api/shut").body == b'"by hand"', host.log


def test_an_old_request_type_is_refused_as_by_the_worker(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(REFUSED)
    words = [*EMBEDDED, "--app", str(tmp_path), "--port", "0", "--no-stack"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, check=False, text=True, timeout=60)
    assert done.returncode != 0
    assert "Function 'old' cannot be loaded: its parameter 'req' is annotated" in done.stderr
