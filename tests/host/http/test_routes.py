"""Routes, methods and repeated values behave on this host as on the Functions host."""

import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.host_process import HostProcess, running

APP = Path(__file__).parents[1] / "apps" / "routes_app"
PREFIX = "/v1/shop"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
PREFLIGHT = {"Origin": "https://page.example", "Access-Control-Request-Method": "GET"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    with running(APP, tmp_path_factory.mktemp("host"), "--no-stack") as started:
        yield started


@pytest.mark.parametrize(
    ("path", "function", "route"),
    [
        ("orders/17", "order_by_number", {"number": "17"}),
        (f"orders/{GUID}", "order_by_id", {"id": GUID}),
        ("ORDERS/AbC/", "order_by_code", {"code": "AbC"}),
        ("days/2013-01-31", "day", {"day": "2013-01-31"}),
        ("rates/99.5", "rate", {"rate": "99.5"}),
        ("seats/99", "seat", {"seat": "99"}),
        ("flags/TRUE", "flag", {"flag": "TRUE"}),
        ("parts/ab-12", "part", {"part": "ab-12"}),
        ("pages", "page", {"page": "1"}),
        ("pages/2", "page", {"page": "2"}),
        ("pages/a%0Ab", "page", {"page": "a\nb"}),
        ("pages/a%FFb%c3%28%C3%A9%2f", "page", {"page": "a%FFb%c3(é%2f"}),
        ("photos/cat.v2.png", "photo", {"name": "cat.v2", "kind": "png"}),
        ("photos/cat", "photo", {"name": "cat"}),
        ("tree/a", "tree", {"root": "a"}),
        ("tree/a/b/%C3%A9%20c", "tree", {"root": "a", "rest": "b/é c"}),
    ],
)
def test_a_route_leads_to_its_function_with_its_parameters(
    host: HostProcess, path: str, function: str, route: dict[str, str]
) -> None:
    assert host.get(f"{PREFIX}/{path}").json == {"function": function, "route": route}


@pytest.mark.parametrize(
    "path",
    [
        "orders/0",
        "orders/ab1",
        "orders/abcd",
        "orders",
        "days/31.31.2013",
        "rates/x",
        "seats/100",
        "flags/yes",
        "parts/abc-12",
        "tree",
    ],
)
def test_a_constraint_that_fails_is_404(host: HostProcess, path: str) -> None:
    answer = host.get(f"{PREFIX}/{path}")
    assert (answer.status, answer.body) == (404, b"")


def test_the_default_prefix_is_replaced_by_that_of_host_json(host: HostProcess) -> None:
    assert host.get("/api/pages").status == 404
    assert host.get("/v1/shop/pages").status == 200


def test_an_override_replaces_the_prefix_of_host_json(tmp_path: Path) -> None:
    environment = {"AzureFunctionsJobHost__extensions__http__routePrefix": "else"}
    with running(APP, tmp_path, "--no-stack", environment=environment) as host:
        assert host.get("/else/pages").status == 200
        assert host.get("/v1/shop/pages").status == 404


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH"])
def test_a_listed_method_reaches_the_function(host: HostProcess, method: str) -> None:
    answer = host.request(method, f"{PREFIX}/verbs")
    assert (answer.status, answer.header("x-method")) == (200, method)
    assert answer.body == (b"" if method == "HEAD" else b"a body")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_method_that_is_not_listed_is_404_and_not_405(host: HostProcess, method: str) -> None:
    assert host.request(method, f"{PREFIX}/verbs").status == 404


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_without_a_list_every_method_is_taken(host: HostProcess, method: str) -> None:
    assert host.request(method, f"{PREFIX}/pages").status == 200


def test_repeated_headers_query_parameters_and_cookies_are_joined(host: HostProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=20)
    with contextlib.closing(connection):
        connection.putrequest("GET", f"{PREFIX}/echo?tag=a&tag=b&tag=&Tag=c")
        for name, value in [("X-Tag", "1"), ("x-tag", "2"), ("Cookie", "a=1; b=2")]:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        seen = json.loads(response.read())
    assert seen["headers"]["x-tag"] == "1,2"
    assert seen["headers"]["cookie"] == "a=1; b=2"
    assert seen["query"] == {"tag": "a,b,c"}
    assert response.getheader("x-many") == "a, b"


def test_without_cors_settings_no_page_is_told_that_it_may_call(host: HostProcess) -> None:
    answer = host.request("OPTIONS", f"{PREFIX}/pages", headers=PREFLIGHT)
    assert answer.header("access-control-allow-origin") is None
    assert answer.header("access-control-allow-methods") is None


def test_the_largest_body_is_a_setting(tmp_path: Path) -> None:
    environment = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1000"}
    with running(APP, tmp_path, "--no-stack", environment=environment) as host:
        assert host.request("POST", f"{PREFIX}/pages", bytes(1000)).status == 200
        assert host.request("POST", f"{PREFIX}/pages", bytes(1001)).status == 413


def test_the_home_page_can_be_switched_off(tmp_path: Path) -> None:
    with running(
        APP, tmp_path, "--no-stack", environment={"AzureWebJobsDisableHomepage": "true"}
    ) as host:
        answer = host.get("/")
        assert (answer.status, answer.body) == (204, b"")
