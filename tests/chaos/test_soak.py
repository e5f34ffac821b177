"""Two hundred orchestrations of mixed shapes while their host and its workers are killed."""

import contextlib
import json
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.harms.killings import children
from tests.support.hosts.host_process import HostProcess, running

APP = Path(__file__).parents[1] / "host" / "apps" / "durable_app"
BASE = "/runtime/webhooks/durabletask"
ORCHESTRATIONS = 200
KILL_EVERY_SECONDS = (1.0, 3.0)
SETTLE_SECONDS = 300
FIRST_SHARE = 0.2


@dataclass(frozen=True)
class Shape:
    """An orchestration whose output, and whose number of completed activities, is known."""

    name: str
    value: Any
    is_right: Callable[[Any], bool]
    activities: int


@dataclass
class Toll:
    """What was killed."""

    hosts: int = 0
    workers: int = 0
    orchestrations: dict[str, Shape] = field(default_factory=dict)


def shape(moments: random.Random, torn: float) -> Shape:
    n, rounds, width = moments.randint(1, 40), moments.randint(2, 6), moments.randint(1, 8)
    total = rounds * width
    plan = {"rounds": rounds, "width": width, "seconds": moments.choice([0.01, 0.1, 0.4])}
    return moments.choice(
        [
            Shape("naps", plan, lambda out: took(out, total, torn), total),
            Shape("all_of", {"n": n}, lambda out: out == list(range(n)), n),
            Shape("chain", {"value": n}, lambda out: out == [n, n], 2),
            Shape("parent", None, lambda out: out == [7, 7], 0),
            Shape("sleeps", {"seconds": n / 10}, lambda out: out >= n / 10, 0),
            Shape("parent_of_failing", None, lambda out: "boom" in out, 0),
            Shape("counts", {"key": f"k{moments.random()}"}, lambda out: counted(out, 7, torn), 0),
        ]
    )


def took(out: Any, total: int, torn: float) -> bool:
    return out["taken"] == total and counted(out["counted"], total, torn)


def counted(found: int, wanted: int, torn: float) -> bool:
    """Whether a count is right that a torn turn adds to again."""
    return found == wanted or bool(torn and found > wanted)


def start_some(
    host: HostProcess, toll: Toll, wanted: int, moments: random.Random, torn: float
) -> None:
    """Start orchestrations until there are as many as wanted by now."""
    for number in range(len(toll.orchestrations), wanted):
        one = shape(moments, torn)
        path = f"{BASE}/orchestrators/{one.name}/soak-{number:03d}"
        body = None if one.value is None else json.dumps(one.value).encode()
        assert host.request("POST", path, body).status == 202
        toll.orchestrations[f"soak-{number:03d}"] = one


def kill_workers_until(host: HostProcess, moment: float, moments: random.Random) -> int:
    killed = 0
    while (left := moment - time.monotonic()) > 0:
        time.sleep(min(left, moments.uniform(0.2, 1.0)))
        for pid in list(children(host.process.pid)):
            if moments.random() < 0.3:
                with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
    return killed


def unfinished(host: HostProcess) -> list[str]:
    path = f"{BASE}/instances?instanceIdPrefix=soak-&top=1000&runtimeStatus=Running,Pending"
    return [found["instanceId"] for found in host.get(path).json]


def check(host: HostProcess, instance: str, one: Shape) -> None:
    found = host.get(f"{BASE}/instances/{instance}?showHistory=true").json
    assert found["runtimeStatus"] == "Completed", found
    assert one.is_right(found["output"]), found["output"]
    completed = [e for e in found["historyEvents"] if e["EventType"] == "TaskCompleted"]
    assert len(completed) == one.activities, "a result was used twice, or not at all"


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("torn", [0, 0.1], ids=["whole", "torn"])
def test_orchestrations_survive_the_killing_of_hosts_and_workers(tmp_path, chaos_seconds, torn):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    toll = Toll()
    options = ("--no-stack", "--workers", "2")
    if torn:
        options += ("--faults", f"torn={torn}")
    begun = time.monotonic()
    while (share := (time.monotonic() - begun) / chaos_seconds) < 1:
        with running(APP, tmp_path, *options) as host:
            wanted = int(ORCHESTRATIONS * min(1.0, share + FIRST_SHARE))
            start_some(host, toll, wanted, moments, torn)
            until = time.monotonic() + moments.uniform(*KILL_EVERY_SECONDS)
            toll.workers += kill_workers_until(host, until, moments)
            host.stop(signal.SIGKILL)
            toll.hosts += 1
    with running(APP, tmp_path, *options) as host:
        start_some(host, toll, ORCHESTRATIONS, moments, torn)
        settled = time.monotonic() + SETTLE_SECONDS
        while (stuck := unfinished(host)) and time.monotonic() < settled:
            time.sleep(0.1)
        assert stuck == [], f"stuck after {toll.hosts} hosts and {toll.workers} workers\n{host.log}"
        for instance, one in toll.orchestrations.items():
            check(host, instance, one)
    assert toll.hosts > 0 and toll.workers > 0
