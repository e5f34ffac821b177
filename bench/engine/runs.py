"""How long runs of each size take, on one instance and on more."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from bench.engine.cluster import run_cluster, waiting_request
from bench.host import HostClient
from bench.million import make_request, require_all, run_textbook, upload

WAITING = 200
# Polling takes some of the cores that a run is on; a small run needs short intervals.
SMALL_ITEMS, SHORT_POLL_SECONDS, LONG_POLL_SECONDS = 10_000, 0.1, 0.25


class Job(StrEnum):
    """What is measured: a run over items that do nothing or wait, or the textbook's fan-out."""

    FANOUT = "fanout"
    TEXTBOOK = "textbook"
    WAITING = "waiting"


@dataclass(frozen=True)
class Timing:
    """The times of a job; the names of the fields are those in the saved JSON.

    Attributes:
        samples: The seconds of each run, from the POST to the end.
    """

    what: Job
    items: int
    instances: int
    samples: list[float]

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(self.samples)


def measure_sizes(
    folder: Path, sizes: Sequence[int], textbook_sizes: Sequence[int], times: int
) -> list[Timing]:
    """Measure runs of each size on one instance, and the textbook's fan-out."""
    with run_cluster(folder, 1) as cluster, cluster.client() as host:
        run(host, 1, "warm-up")
        timings = [measure(Job.FANOUT, n, 1, times, partial(run, host, n)) for n in sizes]
        for n in textbook_sizes:
            timings.append(measure(Job.TEXTBOOK, n, 1, times, partial(run_plain, host, n)))
    return timings


def measure_instances(
    folder: Path, instances: Sequence[int], sizes: Sequence[int], waiting_items: int, times: int
) -> list[Timing]:
    """Measure runs on each number of instances, which share one hub."""
    timings: list[Timing] = []
    with run_cluster(folder, instances[0]) as cluster:
        for count in instances:
            cluster.grow(count)
            with cluster.client() as host:
                run(host, 1, f"warm-up-on-{count}")
                for n in sizes:
                    once = partial(run, host, n)
                    timings.append(measure(Job.FANOUT, n, count, times, once))
                if waiting_items:
                    once = partial(run_waiting, host, waiting_items)
                    timings.append(measure(Job.WAITING, waiting_items, count, times, once))
    return timings


def measure(
    job: Job, items: int, instances: int, times: int, once: Callable[[str], float]
) -> Timing:
    """Do a job several times, each time under another name."""
    name = f"{job}-{items}-on-{instances}"
    timing = Timing(job, items, instances, [once(f"{name}-{n}") for n in range(times)])
    print(f"  {job:>8} {items:>9,} items on {instances}: {timing.seconds:.2f} s", flush=True)
    return timing


def run(host: HostClient, n: int, run_id: str) -> float:
    """Run over items that do nothing; the results are checked after the clock stops."""
    blob = upload(host, n)
    poll_seconds = SHORT_POLL_SECONDS if n < SMALL_ITEMS else LONG_POLL_SECONDS
    seconds, state = host.run(make_request(run_id, blob), poll_seconds)
    require_all(host, state, n)
    return seconds


def run_waiting(host: HostClient, n: int, run_id: str) -> float:
    """Run over items of a second, one a batch."""
    seconds, state = host.run(waiting_request(run_id, n))
    if state["items"]["succeeded"] != n:
        raise SystemExit(f"the run ended {state['outcome']}: {state['items']}")
    return seconds


def run_plain(host: HostClient, n: int, _: str) -> float:
    """Run the textbook's fan-out, which has no name."""
    return run_textbook(host, n)
