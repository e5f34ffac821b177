"""How long runs stand still after a kill -9: of the only worker, or of one of two instances."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.engine.cluster import MeasuredCluster, run_cluster, waiting_request
from rig.web import Host

ITEMS = 240
ITEM_SECONDS = 0.5
# So many items are done when the kill comes.
KILL_AT = ITEMS // 4
POLL_SECONDS = 0.2
MAX_SECONDS = 600


@dataclass(frozen=True)
class Death:
    """The cost of a kill; the names of the fields are those in the saved JSON.

    Attributes:
        who: The process that was killed.
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
    """Kill each several times."""
    deaths: list[Death] = []
    with run_cluster(folder, 1) as cluster, cluster.clock():
        instance = cluster.instances[0]
        instance.revives = True
        deaths += _measure_deaths(cluster, "the only worker", times, instance.kill_worker)
    with run_cluster(folder, 2) as cluster, cluster.clock():
        kill = cluster.instances[0].kill
        deaths += _measure_deaths(cluster, "one of two instances", times, kill)
    return deaths


def _measure_deaths(
    cluster: MeasuredCluster, who: str, times: int, kill: Callable[[], None]
) -> Iterator[Death]:
    host = cluster.instances[-1].host
    name = who.replace(" ", "-")
    _measure_moments(host, f"warm-up-{name}", lambda: None)
    calm = _measure_moments(host, f"calm-{name}", lambda: None)
    for number in range(times):
        moments = _measure_moments(host, f"{name}-{number}", kill)
        death = _make_death(who, moments, undisturbed=calm[-1] - calm[0])
        print(f"  {who}: {death.next_item:.1f} s, standstill {death.standstill:.1f} s", flush=True)
        yield death
        cluster.wait_for_workers()
        if not cluster.instances[0].engine.is_running:
            cluster.instances[0].start()
        cluster.wait_for_balance()


def _make_death(who: str, moments: list[float], undisturbed: float) -> Death:
    pauses = [after - before for before, after in pairwise(moments)]
    return Death(who, pauses[0], max(pauses), moments[-1] - moments[0], undisturbed)


def _measure_moments(host: Host, run_id: str, kill: Callable[[], None]) -> list[float]:
    """The times of the kill, of each progress after it, and of the end."""
    request = waiting_request(run_id, ITEMS, ITEM_SECONDS)
    answer = host.post("/api/runs", request)
    if answer.status != 202:
        raise SystemExit(f"the run was refused: {answer.body!r}")
    _wait_until(host, run_id, KILL_AT - 1)
    kill()
    moments = [time.perf_counter()]
    # Reports of the dead worker may be in it.
    done = _wait_until(host, run_id, -1)["items"]["succeeded"]
    while True:
        state = _wait_until(host, run_id, done)
        moments.append(time.perf_counter())
        done = state["items"]["succeeded"]
        if state["phase"] == "done":
            break
    if done != ITEMS:
        raise SystemExit(f"the run ended {state['outcome']}: {state['items']}")
    return moments


def _wait_until(host: Host, run_id: str, items: int) -> dict[str, Any]:
    """Wait until more than so many items are done, or the run is over."""
    deadline = time.monotonic() + MAX_SECONDS
    while time.monotonic() < deadline:
        state = _get_state(host, run_id)
        if state and (state["items"]["succeeded"] > items or state["phase"] == "done"):
            return state
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"the run stands still for {MAX_SECONDS} s")


def _get_state(host: Host, run_id: str) -> dict[str, Any] | None:
    """The status of a run; None while no instance answers."""
    try:
        answer = host.get(f"/api/runs/{run_id}")
        return dict(answer.json) if answer.status == 200 else None
    except (OSError, HTTPException):
        return None
