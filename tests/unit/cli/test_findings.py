"""What `fanout doctor` makes of the answers of an app, and of what is no app."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cli.api import Api
from cli.findings import Examination, Level, examine
from cli.settings import ClientSettings
from tests.support.services.serving import serve

HEALTH = {"status": "up", "dependencies": {"storage": "up", "durable": "up"}, "circuits": {}}
WELL = {"check": "hub.name", "level": "ok", "message": "task hub 'H'", "remedy": ""}
DIAGNOSIS = {"status": "ok", "now": "", "versions": {"python": "3.11.7"}, "findings": [WELL]}
HOST = {"version": "4.1037.0", "extensionBundle": {"version": "4.26.2"}}
Answers = Mapping[str, tuple[int, Any]]
APP: Answers = {
    "/api/health": (200, HEALTH),
    "/api/diagnosis": (200, DIAGNOSIS),
    "/admin/host/status": (200, HOST),
}


@contextmanager
def app(answers: Answers, skew: timedelta = timedelta(0)) -> Iterator[ClientSettings]:
    """A server that answers so, with a clock that is so far ahead."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, "nothing"))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + skew, usegmt=True)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with serve(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield ClientSettings(f"http://127.0.0.1:{port}")


def look(answers: Answers, **more: Any) -> Examination:
    with app(answers, **more) as settings:
        found = examine(Api(settings), settings)
    assert all((one.level == Level.OK) == (one.remedy == "") for one in found.findings)
    return found


def bad(found: Examination) -> dict[str, str]:
    return {one.check: one.level for one in found.findings if one.level != Level.OK}


def test_an_app_that_is_well_is_said_to_be():
    found = look(APP)
    assert bad(found) == {}
    assert found.status == Level.OK
    assert found.versions == {"host": "4.1037.0", "python": "3.11.7"}
    checks = [one["check"] for one in found.document["findings"]]
    assert checks == ["outside.app", "outside.clock", "hub.name"]


@pytest.mark.parametrize(
    ("change", "check", "level"),
    [
        ({"/api/health": (404, "none")}, "outside.app", "error"),
        ({"/api/health": (200, {"status": "up"})}, "outside.app", "error"),
        (
            {"/api/health": (503, HEALTH | {"dependencies": {"storage": "down: x"}})},
            "outside.storage",
            "error",
        ),
        ({"/api/diagnosis": (401, {})}, "inside", "error"),
        ({"/api/diagnosis": (403, {"title": "Forbidden"})}, "inside", "warning"),
        ({"/api/diagnosis": (404, {})}, "inside", "warning"),
        ({"/api/diagnosis": (500, {})}, "inside", "error"),
        ({"/admin/host/status": (200, {"errors": ["it did not load"]})}, "outside.host", "error"),
        (
            {"/admin/host/status": (200, {"extensionBundle": {"version": "3.38.0"}})},
            "outside.bundle",
            "error",
        ),
    ],
)
def test_what_is_wrong_is_found_with_what_to_do(change: dict[str, Any], check: str, level: str):
    found = look({**APP, **change})
    assert bad(found) == {check: level}
    assert found.status == level


@pytest.mark.parametrize("level", ["warning", "error", "worse"])
def test_what_the_app_finds_counts(level: str):
    told = DIAGNOSIS | {"findings": [WELL | {"level": level, "remedy": "do"}]}
    found = look({**APP, "/api/diagnosis": (200, told)})
    assert found.status == ("warning" if level == "warning" else "error")


@pytest.mark.parametrize(
    ("minutes", "level"), [(1, "warning"), (-1, "warning"), (9, "error"), (-9, "error")]
)
def test_clocks_that_differ_are_told_with_the_side(minutes: int, level: str):
    found = look(APP, skew=timedelta(minutes=minutes))
    assert bad(found) == {"outside.clock": level}
    (told,) = (one.message for one in found.findings if one.check == "outside.clock")
    assert ("behind" in told) == (minutes > 0)


def test_a_host_that_tells_nothing_to_this_key_is_no_fault():
    for status in (401, 403, 404):
        found = look({**APP, "/admin/host/status": (status, {})})
        assert bad(found) == {}
        assert "host" not in found.versions


def test_an_address_that_others_can_read_is_warned_of():
    with app(APP) as settings:
        api = Api(settings)
        found = examine(api, ClientSettings("http://fanout.example"))
    assert bad(found) == {"outside.address": "warning"}
