"""Asks a deployed app for its health, and has it carry out a small run from beginning to end."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

WORKLOAD = "reports"
# After a deployment instances are replaced, and the first one starts from nothing.
HEALTH_SECONDS = 300.0
RUN_SECONDS = 300.0
# The rest of the API is there a little later than its health, or behind another instance.
READY_SECONDS = 60.0
PAUSE_SECONDS = 5.0
ANSWER_SECONDS = 30.0
REFUSED = {401, 403}
PASSING = {0, 502, 503, 504}


class SmokeError(Exception):
    """The app does not do what it should."""


@dataclass(frozen=True)
class Answer:
    """What the app answered; status 0 is no answer at all."""

    status: int
    body: Any


@dataclass(frozen=True)
class Api:
    """The HTTP API of an app.

    Attributes:
        url: Of the app.
        headers: What opens it.
    """

    url: str
    headers: Mapping[str, str]

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Call it once; one that cannot be reached is an answer, too."""
        request = urllib.request.Request(  # noqa: S310  the address that azd has of the app
            f"{self.url}/api/{path}",
            method=method,
            headers={**self.headers, "Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:  # noqa: S310
                return Answer(response.status, _parse(response.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _parse(error.read()))
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, str(error) or type(error).__name__)


def wait_for_health(url: str) -> None:
    """Wait until the app is well.

    Raises:
        SmokeError: It is not, for minutes.
    """
    end = time.monotonic() + HEALTH_SECONDS
    while True:
        answer = Api(url, {}).call("GET", "health")
        if answer.status == 200:
            return
        if time.monotonic() > end:
            raise SmokeError(f"{url}/api/health: {answer.status} {answer.body}")
        time.sleep(PAUSE_SECONDS)


def run_through(api: Api) -> str:
    """Start a run over three rows, wait for its end, delete it; return what came of it.

    Raises:
        SmokeError: It did not succeed. It is left for whoever looks into it.
    """
    listed = _list_workloads(api)
    if listed.status in REFUSED:
        return f"not tried: the app answered {listed.status}, so you lack a role or the key"
    if listed.status != 200:
        raise SmokeError(f"the workloads are not listed: {listed.status} {listed.body}")
    if WORKLOAD not in json.dumps(listed.body):
        return f"not tried: the app has no workload {WORKLOAD}"
    name = f"smoke-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    started = api.call("POST", "runs", smoke_request(name))
    if started.status in REFUSED:
        return f"not tried: the app answered {started.status}, so you lack the role Fanout.Operator"
    if started.status not in {200, 202}:
        raise SmokeError(f"the run {name} was not started: {started.status} {started.body}")
    seconds = _wait_for_end(api, name)
    deleted = api.call("DELETE", f"runs/{name}").status
    left = "" if deleted == 204 else f"; {name} is left, for its deletion was answered {deleted}"
    return f"three rows in {seconds:.0f} s{left}"


def smoke_request(name: str) -> dict[str, Any]:
    """The request of a run with this id: it reads no blob and calls nobody."""
    return {
        "workload": WORKLOAD,
        "run_id": name,
        "source": {"kind": "inline", "items": [{"n": 1}, {"n": 2}, {"n": 3}]},
        "parameters": {"metrics": {"n": ["count", "sum"]}},
    }


def _list_workloads(api: Api) -> Answer:
    """Ask for the workloads until there is an answer of the app itself."""
    end = time.monotonic() + READY_SECONDS
    while True:
        listed = api.call("GET", "workloads")
        if listed.status not in PASSING or time.monotonic() > end:
            return listed
        time.sleep(PAUSE_SECONDS)


def _wait_for_end(api: Api, name: str) -> float:
    start = time.monotonic()
    while True:
        answer = api.call("GET", f"runs/{name}")
        outcome = answer.body.get("outcome") if isinstance(answer.body, dict) else None
        if outcome == "succeeded":
            return time.monotonic() - start
        if outcome or time.monotonic() - start > RUN_SECONDS:
            raise SmokeError(f"the run {name}: {outcome or 'no end'}, {answer.status}")
        time.sleep(PAUSE_SECONDS)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data) if data.strip() else None
    except ValueError:
        return data[:200].decode(errors="replace")
