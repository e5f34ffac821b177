"""So many runs go on at once; the others wait in line, and each is woken when its turn comes.

Who has many runs waiting and who has one share the places, by caller and by workload.
"""

import json
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.hosts import patient
from tests.support.hosts.principals import principal
from tests.support.hosts.product import Product
from tests.support.hosts.running_product import product_on

pytestmark = pytest.mark.needs_settings
PLACES = 2
RUNS = 20
SECONDS_TO_LEARN = 60
DURABLE = "/runtime/webhooks/durabletask/instances"


class Door:
    """A server whose callers wait until they are let through; it knows who is there."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.inside: set[str] = set()
        self.most = 0
        self._changed = threading.Condition()
        self._let = 0
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                door._hold(self.path.strip("/"))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep the test's output to itself."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _hold(self, name: str) -> None:
        with self._changed:
            if name not in self.came:
                self.came.append(name)
            self.inside.add(name)
            self.most = max(self.most, len(self.inside))
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.came.index(name) < self._let, 600)
            self.inside.discard(name)

    def await_callers(self, count: int) -> None:
        """Wait until so many have come, ever."""
        with self._changed:
            seconds = patient(SECONDS_TO_LEARN)
            assert self._changed.wait_for(lambda: len(self.came) >= count, seconds), self.came

    def let(self, count: int) -> None:
        """Let so many through, of all that have come or will."""
        with self._changed:
            self._let = count
            self._changed.notify_all()

    def close(self) -> None:
        self.let(10_000)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


def admitting(storage: str, folder: Path, container: str, **more: str) -> Any:
    settings = {"FANOUT_MAX_RUNS": str(PLACES), "FANOUT_RUNS_CONTAINER": container}
    return product_on(storage, folder, **settings, **more)


@pytest.fixture
def product(storage: str, tmp_path: Path) -> Iterator[Product]:
    with admitting(storage, tmp_path, f"admitted-{secrets.token_hex(4)}") as product:
        yield product


def request_of(door: Door, run_id: str) -> dict[str, Any]:
    return {
        "workload": "caller",
        "run_id": run_id,
        "source": {"kind": "inline", "items": [{"id": run_id}]},
        "parameters": {"url": door.url},
    }


def post(product: Product, door: Door, number: int) -> str:
    """Start a run that calls at the door; wait until it does, or stands in line."""
    run_id = f"run-{number:02d}"
    answer = product.post(request_of(door, run_id))
    assert answer.status == 202, answer.body
    if number < PLACES:
        door.await_callers(number + 1)
    else:
        product.until(run_id, lambda status: status["phase"] == "queued")
        product.until(run_id, lambda _: "TimerCreated" in events_of(product, run_id))
    return run_id


def events_of(product: Product, run_id: str) -> list[str]:
    answer = product.host.get(f"{DURABLE}/{run_id}?showHistory=true")
    if answer.status == 404:  # the engine does not know of it yet
        return []
    return [event["EventType"] for event in answer.json.get("historyEvents") or []]


def test_runs_wait_in_line_and_each_that_ends_wakes_the_next(product: Product, door: Door):
    runs = [post(product, door, number) for number in range(RUNS)]
    for number in range(RUNS):
        door.await_callers(min(RUNS, number + PLACES))
        door.let(number + 1)
    assert {product.done(run_id)["outcome"] for run_id in runs} == {"succeeded"}
    assert door.most == PLACES
    assert door.came == runs
    woken = [run_id for run_id in runs if "EventRaised" in events_of(product, run_id)]
    assert set(woken) == set(runs[PLACES:]), "nobody had to wait for a timer"


def test_a_run_of_another_workload_does_not_wait_for_all_that_came_before(
    product: Product, door: Door
):
    runs = [post(product, door, number) for number in range(PLACES + 5)]
    single = {"workload": "probe", "run_id": "single"}
    assert product.post(single | {"source": {"kind": "inline", "items": [{"id": 1}]}}).status == 202
    waits = product.until("single", lambda status: status["phase"] == "queued")["wait"]
    assert waits == {"reason": "places", "position": 1, "waiting": 6, "running": PLACES}
    positions = [product.status(run_id)["wait"]["position"] for run_id in runs[PLACES:]]
    assert positions == [2, 3, 4, 5, 6]
    listed = product.host.get("/api/runs?limit=100").json["runs"]
    assert {run["run_id"]: run["wait"] and run["wait"]["position"] for run in listed} == {
        "single": 1,
        **dict.fromkeys(runs[:PLACES]),
        **dict(zip(runs[PLACES:], positions, strict=True)),
    }
    door.let(1)
    assert product.done("single")["outcome"] == "succeeded"
    assert set(door.came) <= set(runs[: PLACES + 1])
    door.let(len(runs))
    assert {product.done(run_id)["outcome"] for run_id in runs} == {"succeeded"}
    assert door.most == PLACES


def test_a_run_of_another_caller_does_not_wait_for_all_that_came_before(
    storage: str, tmp_path: Path, door: Door
):
    def start(product: Product, run_id: str, caller: str) -> None:
        body = json.dumps(request_of(door, run_id)).encode()
        headers = principal("Fanout.Admin", who=caller)
        assert product.host.request("POST", "/api/runs", body, headers).status == 202

    container = f"admitted-{secrets.token_hex(4)}"
    with admitting(storage, tmp_path, container, FANOUT_SIGN_IN="true") as product:
        for number in range(PLACES + 4):
            start(product, f"ann-{number}", "ann")
            door.await_callers(min(PLACES, number + 1))
        deadline = time.monotonic() + patient(SECONDS_TO_LEARN)
        while "TimerCreated" not in events_of(product, f"ann-{PLACES + 3}"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        start(product, "ben-0", "ben")
        while "TimerCreated" not in events_of(product, "ben-0"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        door.let(1)
        door.await_callers(PLACES + 1)
        assert door.came[-1] == "ben-0"
        door.let(10)
        door.await_callers(PLACES + 5)


def test_a_run_that_is_cancelled_while_it_waits_hears_of_it_at_once(product: Product, door: Door):
    runs = [post(product, door, number) for number in range(PLACES + 2)]
    assert product.host.request("POST", f"/api/runs/{runs[PLACES]}/cancel").status == 202
    cancelled = product.done(runs[PLACES])
    assert (cancelled["outcome"], cancelled["items"]["pending"]) == ("cancelled", 1)
    assert door.came == runs[:PLACES]
    (pending,) = product.outcomes(runs[PLACES])
    assert (pending.index, pending.status) == (0, "pending")
    door.let(len(runs))
    assert product.done(runs[-1])["outcome"] == "succeeded"
    assert product.host.request("POST", f"/api/runs/{runs[PLACES]}/redrive").status == 202
    product.until(runs[PLACES], lambda status: status["redrive_count"] == 1)
    redriven = product.done(runs[PLACES])
    assert (redriven["outcome"], redriven["items"]["succeeded"]) == ("succeeded", 1)


def terminate(product: Product, run_id: str) -> None:
    """End a run by force, and wait until Durable has done so: some hosts take their time."""
    product.host.request("POST", f"{DURABLE}/{run_id}/terminate?reason=enough")
    deadline = time.monotonic() + patient(SECONDS_TO_LEARN)
    while product.host.get(f"{DURABLE}/{run_id}").json["runtimeStatus"] != "Terminated":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_run_that_is_ended_by_force_makes_room(product: Product, door: Door):
    runs = [post(product, door, number) for number in range(PLACES + 1)]
    terminate(product, runs[0])
    product.host.request("POST", "/admin/functions/watchdog", b'{"input": ""}')
    door.await_callers(PLACES + 1)
    assert door.came[-1] == runs[-1]
    door.let(len(runs))
    assert product.done(runs[-1])["outcome"] == "succeeded"


@pytest.mark.needs_restart
def test_who_waits_is_not_forgotten_when_everything_is_killed(
    storage: str, tmp_path: Path, door: Door
):
    with admitting(storage, tmp_path, "admitted-again") as product:
        runs = [post(product, door, number) for number in range(PLACES + 3)]
        product.host.stop(signal.SIGKILL)  # type: ignore[attr-defined]  # a host of its own
    with admitting(storage, tmp_path, "admitted-again") as product:
        door.let(len(runs))
        assert {product.done(run_id)["outcome"] for run_id in runs} == {"succeeded"}
    # Two that get their places together may come in either order.
    assert all(abs(door.came.index(run_id) - place) < PLACES for place, run_id in enumerate(runs))
