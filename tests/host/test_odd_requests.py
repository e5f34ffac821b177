"""Requests to the durable webhooks and functions with odd bytes, names and bodies."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.hosts.host_process import Answer, HostProcess, running

APP = Path(__file__).parent / "apps" / "odd_app"
BASE = "/runtime/webhooks/durabletask"
JSON = {"Content-Type": "application/json"}
DEADLINE_SECONDS = 30
IDS = [
    "sp ace",
    "x%20y",
    "ü☃",
    "a+b",
    "a&b=c",
    "a#b?c",
    "a%b",
    "50%",
    "\x01",
    "日本",
    "'\"<>",
    "a;b",
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    with running(APP, tmp_path_factory.mktemp("host"), "--no-stack") as started:
        yield started
        path = f"{BASE}/orchestrators/calls?timeout=30&pollingInterval=1"
        assert started.post(path, json.dumps(["same", "good"])).json == "good"
        assert started.process.poll() is None, started.log


def wait_for_end(host: HostProcess, encoded_id: str) -> Any:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (answer := host.get(f"{BASE}/instances/{encoded_id}")).status == 202:
        assert time.monotonic() < deadline, host.log[-3_000:]
        time.sleep(0.01)
    return answer.json


@pytest.mark.parametrize("instance_id", IDS)
def test_an_instance_id_is_decoded_once_wherever_it_stands_in_a_path(host, instance_id):
    encoded = quote(instance_id, safe="")
    started = host.post(f"{BASE}/orchestrators/waits/{encoded}", json.dumps("go"))
    assert (started.status, started.json["id"]) == (202, instance_id)
    assert host.get(f"{BASE}/instances/{encoded}").json["instanceId"] == instance_id
    by_url = started.json["statusQueryGetUri"].partition(str(host.port))[2]
    assert host.get(by_url).json["instanceId"] == instance_id
    for verb in ("suspend", "resume"):
        url = f"{BASE}/instances/{encoded}/{verb}?reason=caf%E9"
        assert host.request("POST", url).status == 202
    assert host.post(f"{BASE}/instances/{encoded}/raiseEvent/go", "x").status == 202
    assert wait_for_end(host, encoded)["output"] == "x"
    listed = host.get(f"{BASE}/instances?instanceIdPrefix={encoded}").json
    assert [found["instanceId"] for found in listed] == [instance_id]
    assert host.request("DELETE", f"{BASE}/instances/{encoded}").status == 200
    assert host.get(f"{BASE}/instances/{encoded}").status == 404


@pytest.mark.parametrize("name", IDS)
def test_an_event_name_is_decoded_once(host, name):
    started = host.post(f"{BASE}/orchestrators/waits", json.dumps(name)).json["id"]
    path = f"{BASE}/instances/{started}/raiseEvent/{quote(name, safe='')}"
    assert host.post(path, "came").status == 202
    assert wait_for_end(host, started)["output"] == "came"


@pytest.mark.parametrize("key", IDS)
def test_the_key_of_an_entity_is_decoded_once(host, key):
    path = f"{BASE}/entities/keeps/{quote(key, safe='')}"
    assert host.request("POST", f"{path}?op=add").status == 202
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (answer := host.get(path)).status == 404:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert answer.json == 1
    keys = [entity["entityId"]["key"] for entity in host.get(f"{BASE}/entities/keeps").json]
    assert key in keys


def test_an_id_that_the_sdks_client_gives_is_the_one_that_the_webhooks_know(host):
    answer = host.post("/api/client", {"place": "id", "value": "from the ünit"})
    assert (answer.status, answer.json) == (200, "from the ünit")
    assert wait_for_end(host, "from%20the%20%C3%BCnit")["instanceId"] == "from the ünit"


def test_bytes_in_a_path_that_are_no_utf_8_stay_as_they_came(host):
    started = host.post(f"{BASE}/orchestrators/again/caf%E9", "x")
    assert (started.status, started.json["id"]) == (202, "caf%E9")
    assert wait_for_end(host, "caf%25E9")["instanceId"] == "caf%E9"


def test_a_slash_in_an_id_is_one_of_the_path(host):
    assert host.post(f"{BASE}/orchestrators/again/a%2Fb", "x").status == 404


ODD_BODIES = {
    "no UTF-8": (b'"caf\xe9"', 202),
    "a long integer": (b"1" * 5_000, 400),
    "a long integer within": (b"[1, " + b"1" * 5_000 + b"]", 400),
    "nested deeply": (b"[" * 100_000 + b"]" * 100_000, 400),
    "nested deeply, with single quotes": (b"[" * 100_000 + b"'x'" + b"]" * 100_000, 400),
    "a number that overflows": (b"[1e400, -1e400]", 202),
    "NaN": (b"NaN", 202),
    "a lone surrogate": (b'"\\ud800"', 202),
    "a NUL": (b'"\\u0000s00000000000000000000000000000000\\u0000"', 202),
    "a raw NUL": (b"\0", 400),
    "a bad escape": (b"['\\x']", 400),
    "nothing at all": (b"", 202),
    "half": (b'{"a": ', 400),
    "a byte order mark": (b"\xef\xbb\xbf1", 202),
}


def strict_json(answer: Answer) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(word)

    return json.loads(answer.body.decode("utf-8"), parse_constant=refuse)


@pytest.mark.parametrize(("body", "status"), ODD_BODIES.values(), ids=ODD_BODIES)
def test_an_input_is_taken_or_refused_with_words(host, body, status):
    answer = host.request("POST", f"{BASE}/orchestrators/status", body, JSON)
    assert answer.status == status, answer.body[:500]
    if status == 400:
        assert strict_json(answer)["ExceptionMessage"]
    else:
        wait_for_end(host, answer.json["id"])
        for query in ("", "?showHistory=true&showHistoryOutput=true"):
            assert strict_json(host.get(f"{BASE}/instances/{answer.json['id']}{query}"))
    strict_json(host.get(f"{BASE}/instances?top=1000"))


@pytest.mark.parametrize("body", [body for body, _ in ODD_BODIES.values()], ids=ODD_BODIES)
def test_an_event_and_a_signal_are_taken_or_refused_with_words(host, body):
    started = host.post(f"{BASE}/orchestrators/waits", json.dumps("go")).json["id"]
    raised = host.request("POST", f"{BASE}/instances/{started}/raiseEvent/go", body, JSON)
    assert raised.status in (202, 400)
    assert host.request("POST", f"{BASE}/entities/keeps/odd?op=x", body, JSON).status in (202, 400)
    if raised.status == 202:
        wait_for_end(host, started)
    else:
        host.request("POST", f"{BASE}/instances/{started}/terminate?reason=%E9")
        assert wait_for_end(host, started)["runtimeStatus"] == "Terminated"


@pytest.mark.parametrize(
    "query",
    [
        "top=99999999999999999999",
        "top=-1",
        f"top={'9' * 5_000}",
        "createdTimeFrom=0001-01-01T00:00:00%2B14:00",
        "createdTimeTo=9999-12-31T23:59:59-14:00",
        "runtimeStatus=%E9,%00",
        "instanceIdPrefix=%00",
        "taskHub=%E9",
        "connection=%E9%0d%0a",
    ],
)
def test_odd_options_of_a_list_are_borne(host, query):
    answer = host.get(f"{BASE}/instances?{query}")
    assert answer.status in (200, 404, 500)
    assert not answer.body or strict_json(answer) is not None
    assert host.get(f"{BASE}/instances?top=1").status == 200


@pytest.mark.parametrize("timeout", ["nan", "inf", "1e400", "-1", "x"])
def test_a_time_out_that_is_no_number_is_none(host, timeout):
    path = f"{BASE}/orchestrators/waits?timeout={timeout}&pollingInterval={timeout}"
    assert host.post(path, json.dumps("go")).status == 202


@pytest.mark.parametrize(
    "header", ["traceparent", "x-ms-continuation-token", "x-functions-key", "Host"]
)
def test_a_header_of_odd_bytes_costs_no_more_than_its_request(host, header):
    lines = [f"{header}: 00-caf".encode() + b"\xe9\xff", b"Content-Type: application/json"]
    lines += [b"Host: x"] if header != "Host" else []
    head = b"\r\n".join([*lines, b"Content-Length: 1", b"Connection: close"]) + b"\r\n\r\n1"
    for line in (
        f"POST {BASE}/orchestrators/again",
        f"GET {BASE}/instances",
        "GET /api/process",
        "GET /admin/host/status",
    ):
        with socket.create_connection(("127.0.0.1", host.port), timeout=30) as connection:
            connection.sendall(f"{line} HTTP/1.1\r\n".encode() + head)
            answered = b""
            while part := connection.recv(65536):
                answered += part
        assert answered.startswith(b"HTTP/1.1 "), line
        assert answered.split()[1] in (b"200", b"202", b"400"), answered[:300]
