"""From a kill -9 to going on: of the only worker, and of one of two instances."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.engine.place import Place, place, waiting
from rig.web import Host

ITEMS = 240
ITEM_SECONDS = 0.5
# As many items are done when the kill comes.
STRUCK_AT = ITEMS // 4
POLL_SECONDS = 0.2
LATEST_SECONDS = 600


@dataclass(frozen=True)
class Death:
    """What a kill cost.

    Attributes:
        next_item: Seconds from the kill until more items were done than before.
        standstill: The longest time from then to the end in which nothing was done.
        end: Seconds from the kill to the end of the run.
        undisturbed: Seconds that a run takes from there to its end without a kill.
    """

    who: str
    next_item: float
    standstill: float
    end: float
    undisturbed: float


def measure(folder: Path, times: int) -> list[Death]:
    """Kill each so often."""
    found: list[Death] = []
    with place(folder, 1) as one, one.clock():
        one.instances[0].revives = True
        found += _strike(one, "the only worker", times, lambda: one.instances[0].kill_worker())
    with place(folder, 2) as two, two.clock():
        found += _strike(two, "one of two instances", times, lambda: two.instances[0].kill())
    return found


def _strike(cluster: Place, who: str, times: int, kill: Callable[[], None]) -> Iterator[Death]:
    host = cluster.instances[-1].host
    short = who.replace(" ", "-")
    _moments(host, f"warm-up-{short}", lambda: None)
    usual = _moments(host, f"calm-{short}", lambda: None)
    for number in range(times):
        moments = _moments(host, f"{short}-{number}", kill)
        silences = [after - before for before, after in pairwise(moments)]
        undisturbed = usual[-1] - usual[0]
        found = Death(who, silences[0], max(silences), moments[-1] - moments[0], undisturbed)
        print(f"  {who}: {found.next_item:.1f} s, standstill {found.standstill:.1f} s", flush=True)
        yield found
        cluster.wait_for_workers()
        if not cluster.instances[0].engine.is_running:
            cluster.instances[0].start()
        cluster.wait_for_balance()


def _moments(host: Host, run_id: str, strike: Callable[[], None]) -> list[float]:
    """When the strike came, when more items were done than before, and the end."""
    request = waiting(run_id, ITEMS, ITEM_SECONDS)
    answer = host.post("/api/runs", request)
    if answer.status != 202:
        raise SystemExit(f"the run was refused: {answer.body!r}")
    _until(host, run_id, STRUCK_AT - 1)
    strike()
    moments = [time.perf_counter()]
    done = _until(host, run_id, -1)["items"]["succeeded"]  # a dead worker's reports may be in it
    while True:
        state = _until(host, run_id, done)
        moments.append(time.perf_counter())
        done = state["items"]["succeeded"]
        if state["phase"] == "done":
            break
    if done != ITEMS:
        raise SystemExit(f"the run ended {state['outcome']}: {state['items']}")
    return moments


def _until(host: Host, run_id: str, done: int) -> dict[str, Any]:
    """Wait until more items than that are done, or the run is."""
    ends = time.monotonic() + LATEST_SECONDS
    while time.monotonic() < ends:
        state = _state(host, run_id)
        if state and (state["items"]["succeeded"] > done or state["phase"] == "done"):
            return state
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"the run stands still for {LATEST_SECONDS} s")


def _state(host: Host, run_id: str) -> dict[str, Any] | None:
    """How a run is; None while nobody answers."""
    try:
        answer = host.get(f"/api/runs/{run_id}")
        return dict(answer.json) if answer.status == 200 else None
    except (OSError, HTTPException):
        return None
