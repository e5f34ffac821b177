"""Bytes that no client sends and some do: the API names the header, the parameter or the path."""

import json
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

import pytest

from tests.support.hosts.product import Product


@dataclass
class RawAnswer:
    """An answer to bytes of our own making."""

    status: int
    media_type: str
    body: bytes

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        problem: dict[str, Any] = json.loads(self.body)
        return [error["field"] for error in problem["errors"]]


def send(
    product: Product,
    method: bytes,
    target: bytes,
    *headers: bytes,
    body: bytes = b"",
    host: bytes | None = None,
) -> RawAnswer:
    """Send a request as it is written here, which no library would."""
    with product.host.connect() as connection:
        length = b"Content-Length: %d" % len(body)
        head = [
            method + b" " + target + b" HTTP/1.1",
            b"Host: " + (product.host.name.encode() if host is None else host),
            b"Connection: close",
            length,
            *(f"{name}: {value}".encode() for name, value in product.host.credentials.items()),
        ]
        connection.sendall(b"\r\n".join([*head, *headers, b"", body]))
        response = HTTPResponse(connection, method=method.decode())
        response.begin()
        return RawAnswer(response.status, response.getheader("content-type", ""), response.read())


@pytest.fixture(scope="module")
def run_id(product: Product) -> str:
    request = {"workload": "probe", "source": {"kind": "inline", "items": [{}]}}
    return str(product.run(request)["run_id"])


BODY = json.dumps({"workload": "probe", "source": {"kind": "inline", "items": [{}]}}).encode()
KEYS = {
    "latin-1": [b"caf\xe9"],
    "utf-8": ["clé".encode()],
    "broken utf-8": [b"\xff\xfe"],
    "utf-8 of a surrogate": [b"\xed\xa0\x80"],
    "tab": [b"a\tb"],
    "escape": [b"a\x1bb"],
    "delete": [b"a\x7fb"],
    "empty": [b""],
    "blank": [b"   "],
    "long": [b"k" * 1025],
    "very long": [b"k" * 6000],
    "twice": [b"one", b"two"],
    "twice the same": [b"one", b"one"],
    "a list": [b"one, two"],
}


@pytest.mark.parametrize("values", KEYS.values(), ids=KEYS)
def test_a_key_of_odd_bytes_is_refused_by_the_name_of_its_header(
    values: list[bytes], product: Product
):
    headers = [b"Idempotency-Key: " + value for value in values]
    answer = send(product, b"POST", b"/api/runs", *headers, body=BODY)
    assert answer.status == 400, answer.body
    if answer.media_type == "application/problem+json":
        assert answer.fields == ["Idempotency-Key"]
    else:  # the host's own words: control characters do not reach the app
        assert b"Idempotency-Key" in answer.body


@pytest.mark.parametrize("key", [b"a", b"k" * 1024, b"a b!#$%&'()*+-./:;<=>?@[\\]^_`{|}~", b'"x"'])
def test_a_usual_key_finds_its_run_again(key: bytes, product: Product):
    first, second = (
        send(product, b"POST", b"/api/runs", b"Idempotency-Key: " + key, body=BODY)
        for _ in range(2)
    )
    assert {first.status, second.status} <= {200, 202}
    assert json.loads(first.body)["run_id"] == json.loads(second.body)["run_id"]


ODD_PARTS = [
    b"%FF",
    b"%00",
    b"a%00b",
    b"%ED%A0%80",
    b"%C3%A9",
    b"caf\xe9",
    b"\xff",
    b"%",
    b"%zz",
    b"%0D%0AX:%20y",
    b"%2E%2E",
    b"%E2%80%AE",
    b"a" * 300,
    b"a" * 4000,
    b"%F0%9F%92%A9" * 200,
    b"%D9%A1",
]


@pytest.mark.parametrize("part", ODD_PARTS)
def test_an_odd_path_is_found_nowhere(part: bytes, product: Product, run_id: str):
    run = run_id.encode()
    targets = [
        (b"GET", b"/api/runs/" + part),
        (b"GET", b"/api/runs/" + part + b"/results"),
        (b"GET", b"/api/runs/" + part + b"/items"),
        (b"GET", b"/api/runs/" + part + b"/request"),
        (b"GET", b"/api/runs/" + part + b"/timeline"),
        (b"POST", b"/api/runs/" + part + b"/cancel"),
        (b"POST", b"/api/runs/" + part + b"/redrive"),
        (b"DELETE", b"/api/runs/" + part),
        (b"GET", b"/api/runs/" + run + b"/results/" + part),
        (b"GET", b"/api/runs/" + run + b"/results/files/" + part),
        (b"GET", b"/api/workloads/" + part),
    ]
    statuses = {target: send(product, method, target).status for method, target in targets}
    assert set(statuses.values()) <= {400, 404}, statuses


ODD_VALUES = [*ODD_PARTS, b"9" * 5000, b"-1", b"1e9", b"%D9%A1", b"%C2%B2", b"9999-99-99", b"0.0.0"]


@pytest.mark.parametrize("value", ODD_VALUES)
def test_an_odd_parameter_is_named_or_finds_nothing(value: bytes, product: Product, run_id: str):
    run = run_id.encode()
    named = {
        b"limit": b"/api/runs?limit=",
        b"outcome": b"/api/runs?outcome=",
        b"since": b"/api/runs?since=",
        b"attempt": b"/api/runs/" + run + b"/request?attempt=",
        b"status": b"/api/runs/" + run + b"/items?status=",
    }
    for field, target in named.items():
        answer = send(product, b"GET", target + value)
        assert answer.status == 400, (target, answer)
        if answer.media_type == "application/problem+json":
            assert answer.fields == [field.decode()]
    for target in (
        b"/api/runs?text=",
        b"/api/runs?workload=",
        b"/api/runs?continuation=",
        b"/api/runs/" + run + b"/items?continuation=",
        b"/api/runs?" + value + b"=",
    ):
        answer = send(product, b"GET", target + value)
        assert answer.status in (200, 400), (target, answer)


@pytest.mark.parametrize("name", [b"X-MS-CLIENT-PRINCIPAL", b"X-Forwarded-For", b"traceparent"])
@pytest.mark.parametrize("value", [b"caf\xe9", b"\xff", b"\x1b", b"a" * 4000, b""])
def test_no_other_header_breaks_a_call(name: bytes, value: bytes, product: Product, run_id: str):
    target = b"/api/runs/" + run_id.encode()
    answer = send(product, b"GET", target, name + b": " + value)
    assert answer.status in (200, 400), answer


# What stands before an app in Azure goes by this header.
@pytest.mark.needs_same_machine
@pytest.mark.parametrize(
    "host", [b"caf\xe9", "bücher.example".encode(), b"\xff", b"a b", b"", b"["]
)
def test_no_host_header_breaks_a_call(host: bytes, product: Product):
    answer = send(product, b"POST", b"/api/runs", body=BODY, host=host)
    assert answer.status in (200, 202, 400), answer
