"""The costs of the embedded host: start, idling, a wide fan-out; and the gain of a second worker.

Each figure is printed beside its budget. Two workers need two idle cores to be twice as fast; on a
busy machine compare with the gain of two bare processes, and with the processor time.
"""

import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.host import MeasuredHost, run_host
from bench.measure import save, show, spread

APP = Path(__file__).parent / "apps" / "footprint"
START = "/runtime/webhooks/durabletask/orchestrators"
STARTS = 5
IDLE_SECONDS = 15
SETTLE_SECONDS = 2
WORKER_SAMPLES = 3
WORKER_CALLS = 16
WORKER_ROUNDS = 4_000_000
BARE = "t = 0\nfor n in range({rounds}): t += n * n % 7"
WIDE_ACTIVITIES = 20_000


@dataclass(frozen=True)
class Figure:
    """One measured figure beside its budget.

    Attributes:
        is_ceiling: Whether the budget is the most, not the least, that it may be.
    """

    name: str
    value: float
    unit: str
    budget: float
    is_ceiling: bool = True
    noise: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether it keeps to its budget."""
        return self.value <= self.budget if self.is_ceiling else self.value >= self.budget


def measure_start(*options: str, times: int = STARTS) -> list[float]:
    """Seconds from the start of the process to its first HTTP answer, several times."""
    samples = []
    for _ in range(times):
        with run_host(APP, *options) as host:
            samples.append(host.seconds_to_start)
    return samples


def measure_idle(seconds: float = IDLE_SECONDS) -> tuple[float, float]:
    """Per cent of a core and resident MiB of a host that does nothing."""
    with run_host(APP, "--no-stack") as host:
        time.sleep(SETTLE_SECONDS)
        start, used = time.perf_counter(), host.cpu_seconds()
        time.sleep(seconds)
        share = (host.cpu_seconds() - used) / (time.perf_counter() - start)
        return 100 * share, host.resident_mib()


@dataclass(frozen=True)
class Gains:
    """How much faster pure Python is in two processes than in one, several times.

    Attributes:
        workers: Activities in two workers over one, by the clock.
        busiest: The same by the processor time of the busiest process, which a busy machine does
            not change: what the clock would show if each process had a core to itself.
        bare: Two bare processes over one by the clock: what this machine has to give just now.
    """

    workers: list[float]
    busiest: list[float]
    bare: list[float]


def measure_workers() -> Gains:
    """Compare one with two, in turns."""
    gains = Gains([], [], [])
    for _ in range(WORKER_SAMPLES):
        single, double = seconds_in_workers(1), seconds_in_workers(2)
        gains.workers.append(single[0] / double[0])
        gains.busiest.append(single[1] / double[1])
        gains.bare.append(_seconds_bare(1) / _seconds_bare(2))
    return gains


def seconds_in_workers(count: int, rounds: int = WORKER_ROUNDS) -> tuple[float, float]:
    """Seconds by the clock, and of processor time of the busiest process."""
    with run_host(APP, "--no-stack", "--workers", str(count)) as host:
        _run(host, "compute", {"n": 2, "rounds": 1}, 2)
        before = host.cpu_seconds_each()
        seconds = _run(host, "compute", {"n": WORKER_CALLS, "rounds": rounds}, WORKER_CALLS)
        used = zip(before, host.cpu_seconds_each(), strict=True)
        return seconds, max(after - first for first, after in used)


def _seconds_bare(count: int) -> float:
    code = BARE.format(rounds=WORKER_CALLS * WORKER_ROUNDS // count)
    start = time.perf_counter()
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]
    for process in processes:
        process.wait()
    return time.perf_counter() - start


def measure_wide() -> tuple[float, float]:
    """Peak MiB and seconds of an orchestrator with many activities."""
    with run_host(APP, "--no-stack") as host:
        seconds = _run(host, "fan_in", {"n": WIDE_ACTIVITIES}, WIDE_ACTIVITIES)
        return host.peak_mib(), seconds


def _run(host: MeasuredHost, name: str, plan: object, expected: int) -> float:
    start = time.perf_counter()
    status, output = host.request("POST", f"{START}/{name}?timeout=600&pollingInterval=1", plan)
    seconds = time.perf_counter() - start
    if status != 200 or output != expected:
        raise SystemExit(f"{name} ended with {status}: {output}")
    return seconds


def measure() -> list[Figure]:
    """Take every figure."""
    bare, whole = measure_start("--no-stack"), measure_start()
    idle_percent, idle_mib = measure_idle()
    gains = measure_workers()
    print(f"  two bare processes over one: {statistics.median(gains.bare):.2f}x", flush=True)
    peak_mib, seconds = measure_wide()
    print(f"  {WIDE_ACTIVITIES:,} activities: {seconds:.1f} s", flush=True)
    start = "start to first HTTP answer"
    return [
        Figure(start, statistics.median(bare), "s", 2, noise=spread(bare)),
        Figure(f"{start}, with Azurite", statistics.median(whole), "s", 2, noise=spread(whole)),
        Figure("idle, host and worker", idle_percent, "% of a core", 2),
        Figure("idle, host and worker", idle_mib, "MiB", 150),
        _gain("CPU-bound activities, 2 workers over 1", gains.workers),
        _gain("the same by processor time", gains.busiest),
        Figure(f"{WIDE_ACTIVITIES:,} activities, peak", peak_mib, "MiB", 1024),
    ]


def _gain(name: str, samples: list[float]) -> Figure:
    noise = spread(samples)
    return Figure(name, statistics.median(samples), "x", 1.7, is_ceiling=False, noise=noise)


def main() -> None:
    """Measure, print beside the budgets and save."""
    figures = measure()
    columns = ["figure", "measured", "unit", "noise", "budget", "met"]
    show("The embedded host's footprint", columns, [_cells(figure) for figure in figures])
    documents = [{**asdict(figure), "is_met": figure.is_met} for figure in figures]
    print(f"saved {save('footprint', {'figures': documents})}")


def _cells(figure: Figure) -> list[object]:
    noise = "" if figure.noise is None else f"{figure.noise:.0%}"
    budget = f"{'<' if figure.is_ceiling else '>'} {figure.budget:g}"
    return [figure.name, f"{figure.value:.2f}", figure.unit, noise, budget, figure.is_met]
