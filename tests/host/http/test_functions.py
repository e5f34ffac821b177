"""HTTP functions behave on this host as on the Functions host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.host_process import HostProcess, running

APP = Path(__file__).parents[1] / "apps" / "http_app"
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    with running(APP, tmp_path_factory.mktemp("host"), "--no-stack") as started:
        yield started


def test_a_function_sees_the_whole_request(host: HostProcess) -> None:
    path = "/api/see/7?a=1&A=2&b=x%20y+z&empty=&n=%C3%A9"
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = host.request("PUT", path, b"\x00\xff", {"X-Own": "v", "traceparent": trace})
    seen = answer.json
    assert answer.header("content-type") == "application/json"
    assert seen["method"] == "PUT"
    assert seen["url"] == f"http://127.0.0.1:{host.port}{path}"
    assert seen["headers"]["x-own"] == "v"
    assert seen["params"] == {"a": "1,2", "b": "x y z", "n": "é"}
    assert seen["route_params"] == {"id": "7"}
    assert seen["body"] == "00ff"
    assert seen["function"] == "see"
    assert seen["trace_parent"] == trace


def test_a_missing_optional_parameter_is_absent(host: HostProcess) -> None:
    assert host.get("/api/see").json["route_params"] == {}
    assert host.get("/API/See/").json["route_params"] == {}
    assert host.get("/api/see/x").status == 404


def test_a_chunked_body_arrives_empty_as_on_the_real_host(host: HostProcess) -> None:
    chunked = {"Transfer-Encoding": "chunked"}
    answer = host.request("POST", "/api/see", b"3\r\nabc\r\n0\r\n\r\n", chunked)
    assert answer.json["body"] == ""


def test_a_compressed_body_is_left_as_it_is(host: HostProcess) -> None:
    answer = host.request("POST", "/api/see", b"\x1f\x8bnot", {"Content-Encoding": "gzip"})
    assert answer.json["body"] == b"\x1f\x8bnot".hex()


@pytest.mark.parametrize("size", [0, 1, 70_000, 20 * MEBIBYTE])
def test_binary_bodies_go_in_and_out_whole(host: HostProcess, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"\x00" * (size % 256)
    answer = host.request("POST", "/api/bytes", body)
    assert answer.header("content-type") == "application/octet-stream"
    assert answer.body == body[::-1]


def test_a_body_of_100_mib_is_taken_and_a_larger_one_refused(host: HostProcess) -> None:
    assert host.request("POST", "/api/length", bytes(100 * MEBIBYTE)).body == b"104857600"
    too_long = {"Content-Length": str(100 * MEBIBYTE + 1)}
    assert host.request("POST", "/api/length", headers=too_long).status == 413


def test_cookies_and_own_headers_are_sent(host: HostProcess) -> None:
    answer = host.get("/api/cookies")
    assert answer.status == 418
    assert answer.all("set-cookie") == ["a=1; path=/; httponly", "b=2; secure; samesite=lax"]
    assert answer.header("x-own") == "yes"
    assert answer.header("content-type") == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("cookie", "reason"),
    [("a=1; Expires=nonsense", "nonsense"), ("a=1; Max-Age=soon", "'soon'")],
)
def test_a_cookie_that_does_not_parse_is_a_failure_as_in_the_worker(
    host: HostProcess, cookie: str, reason: str
) -> None:
    answer = host.request("GET", "/api/own_cookie", headers={"X-Cookie": cookie})
    assert (answer.status, answer.body, answer.all("set-cookie")) == (500, b"", [])
    assert reason in host.log


def test_a_returned_text_is_the_body_with_the_settings_value(host: HostProcess) -> None:
    answer = host.get("/api/text/plain")
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.header("content-type") == "text/plain; charset=utf-8"


def test_a_returned_json_object_with_a_body_is_the_response(host: HostProcess) -> None:
    answer = host.get("/api/text/object")
    assert (answer.status, answer.json, answer.header("x-own")) == (202, {"a": 1}, "yes")


def test_the_first_registered_route_that_takes_the_request_wins(host: HostProcess) -> None:
    assert host.get("/api/same/abc").body == b"first"
    assert host.get("/api/same/1").body == b"second"
    assert host.request("DELETE", "/api/same/abc").body == b"second"


def test_a_catch_all_takes_slashes_and_nothing(host: HostProcess) -> None:
    assert host.get("/api/files/a/b%20c").body == b"a/b c"
    assert host.get("/api/files").body == b"none"


def test_a_function_without_a_route_is_found_by_its_name(host: HostProcess) -> None:
    assert host.get("/api/named_by_itself").body == b"named"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/bytes"),
        ("HEAD", "/api/cookies"),
        ("OPTIONS", "/api/cookies"),
        ("GET", "/api/nowhere"),
        ("GET", "/see"),
        ("GET", "/runtime/webhooks/unknown/x"),
        ("GET", "/admin/nowhere"),
        ("POST", "/"),
    ],
)
def test_what_is_not_served_is_404_with_an_empty_body(
    host: HostProcess, method: str, path: str
) -> None:
    answer = host.request(method, path)
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("path", ["/api/raise", "/api/nothing", "/api/smuggle", "/api/die"])
def test_a_failing_function_is_500_with_an_empty_body(host: HostProcess, path: str) -> None:
    answer = host.get(path)
    assert (answer.status, answer.body) == (500, b"")
    assert answer.header("x-injected") is None


def test_a_failure_is_in_the_log_with_its_stack_and_what_was_printed(host: HostProcess) -> None:
    host.get("/api/raise")
    assert "Executed 'Functions.failing' (Failed, Id=" in host.log
    assert "ValueError: no secret must leave" in host.log
    assert "[failing " in host.log
    assert "] about to fail\n" in host.log


def test_a_function_may_answer_with_no_content(host: HostProcess) -> None:
    answer = host.get("/api/empty")
    assert (answer.status, answer.body) == (204, b"")


def test_a_page_of_an_allowed_origin_may_call(host: HostProcess) -> None:
    preflight = host.request(
        "OPTIONS",
        "/api/see",
        headers={
            "Origin": "https://page.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "x-own",
        },
    )
    assert preflight.status == 204
    assert preflight.header("access-control-allow-origin") == "https://page.example"
    assert preflight.header("access-control-allow-methods") == "PUT"
    assert preflight.header("access-control-allow-headers") == "x-own"
    assert preflight.header("access-control-allow-credentials") == "true"
    answer = host.get("/api/raise", Origin="https://page.example")
    assert answer.header("access-control-allow-origin") == "https://page.example"


def test_a_page_of_another_origin_may_not(host: HostProcess) -> None:
    answer = host.get("/api/see", Origin="https://other.example")
    assert answer.status == 200
    assert answer.header("access-control-allow-origin") is None
