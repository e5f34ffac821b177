"""The Event Grid webhook and the warmup trigger, as callers and functions see them."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.host_process import Answer, HostProcess, running

APP = Path(__file__).parents[1] / "apps" / "events_app"
PATH = "/runtime/webhooks/EventGrid"
DEADLINE_SECONDS = 30


@dataclass
class Served:
    host: HostProcess
    seen_path: Path

    def send(self, name: str, kind: str | None, body: Any) -> Answer:
        headers = {"aeg-event-type": kind} if kind else {}
        path = f"{PATH}?functionName={name}"
        return self.host.request("POST", path, json.dumps(body).encode(), headers)

    def seen(self, kind: str) -> list[Any]:
        return [document for known, document in read(self.seen_path) if known == kind]


def read(path: Path) -> list[list[Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def event(number: int, **data: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "topic": "/topics/t",
        "subject": "s",
        "eventType": "E",
        "eventTime": "2026-01-31T10:00:00Z",
        "dataVersion": "1",
        "data": data,
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("host")
    seen = folder / "seen"
    with running(APP, folder, "--no-stack", environment={"SEEN": str(seen)}) as host:
        yield Served(host, seen)


def test_a_subscription_is_validated(served: Served) -> None:
    answer = served.send("plain", "SubscriptionValidation", [event(1, validationCode="c-1")])
    assert (answer.status, answer.json) == (200, {"validationResponse": "c-1"})
    as_cloud_event = {"id": "1", "data": json.dumps({"validationCode": "c-2"})}
    answer = served.send("cloud", "subscriptionvalidation", as_cloud_event)
    assert (answer.status, answer.json) == (200, {"validationResponse": "c-2"})


def test_each_event_of_a_notification_is_a_call(served: Served) -> None:
    answer = served.send("plain", "Notification", [event(11, n=1), event(12, n=2)])
    assert (answer.status, answer.body) == (202, b"")
    seen = [one for one in served.seen("plain") if one[0] in ("11", "12")]
    assert sorted(seen) == [
        ["11", "s", "E", "/topics/t", {"n": 1}],
        ["12", "s", "E", "/topics/t", {"n": 2}],
    ]


def test_an_event_that_fails_is_answered_500_so_that_all_are_sent_again(served: Served) -> None:
    answer = served.send("plain", "Notification", [event(21), event(22, fail=True)])
    assert answer.status == 500
    assert "ValueError: no good" in served.host.log


def test_a_cloud_event_comes_alone_or_in_a_list(served: Served) -> None:
    document = {"specversion": "1.0", "id": "31", "source": "/s", "type": "T", "data": {"a": 1}}
    assert served.send("cloud", "Notification", document).status == 202
    assert served.send("cloud", "Notification", [document]).status == 202
    assert served.seen("cloud") == [["31", "/s", "T", {"a": 1}]] * 2


def test_an_endpoint_says_that_it_takes_cloud_events(served: Served) -> None:
    path = f"{PATH}?functionName=cloud"
    headers = {"WebHook-Request-Origin": "eventgrid.azure.us"}
    answer = served.host.request("OPTIONS", path, headers=headers)
    assert (answer.status, answer.header("webhook-allowed-origin")) == (200, "eventgrid.azure.us")


def test_a_generic_trigger_of_the_type_gets_the_json(served: Served) -> None:
    assert served.send("generic", "Notification", [event(41)]).status == 202
    assert served.seen("generic") == ["41"]


def test_what_is_no_event_is_refused(served: Served) -> None:
    assert served.send("plain", "Unsubscribe", []).status == 202
    assert served.send("plain", None, [event(51)]).status == 400
    assert served.send("plain", "Notification", ["text"]).status == 500
    answer = served.send("nobody", "Notification", [event(52)])
    assert (answer.status, answer.body) == (404, b"cannot find function: 'nobody'")


def test_warmup_is_called_once_before_any_other_function(served: Served) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not served.seen("timer"):
        assert time.monotonic() < deadline, served.host.log
        time.sleep(0.05)
    assert read(served.seen_path)[0] == ["warmup", "WarmUpContext"]
    assert len(served.seen("warmup")) == 1


def test_a_webhook_asks_for_its_system_key_where_keys_are_asked_for(tmp_path: Path) -> None:
    settings = {"SEEN": str(tmp_path / "seen"), "COLD": "1"}
    with running(APP, tmp_path, "--no-stack", "--auth", environment=settings) as host:
        keys = json.loads((tmp_path / "data" / "keys.json").read_text())
        served = Served(host, tmp_path / "seen")
        assert served.send("plain", "Notification", [event(61)]).status == 401
        for key, status in [
            (keys["host"]["default"], 403),
            (keys["system"]["eventgrid_extension"], 202),
            (keys["master"]["_master"], 202),
        ]:
            assert served.send(f"plain&code={key}", "Notification", [event(62)]).status == status
        # A warmup that fails keeps nothing from starting.
        assert "ValueError: too cold" in host.log
