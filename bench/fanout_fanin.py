"""One orchestrator, N no-op activities: the embedded host beside its peers, interleaved.

Each sample is a fresh process with a fresh store, warmed up with N = 2, timed from the start call
to the result in hand. Peers run in an environment of their own (`bench/peers/requirements.txt`);
a contender that takes over 20 s for a size is sampled once.
"""

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.host import run_host
from bench.measure import growth_exponent, save, show, spread

SIZES = (100, 1_000, 5_000)
SAMPLES = 5
LONG_SECONDS = 20
HERE = Path(__file__).parent
APP = HERE / "apps" / "fan_in"
PEER_PYTHON = Path(".bench/venv/bin/python")
OURS = "embedded host (durable)"
FLOOR = "replay floor"
PEERS = {
    FLOOR: "replay_floor.py",
    "durabletask in memory": "durabletask_in_memory.py",
    "DBOS on SQLite": "dbos_sqlite.py",
    "duroxide on SQLite": "duroxide_sqlite.py",
}
BUDGETS = {"DBOS on SQLite": 8, "duroxide on SQLite": 8, "durabletask in memory": 3, FLOOR: 1 / 3}
GROWTH_BUDGET = 1.15


@dataclass
class Samples:
    """Seconds and peak MiB of one contender at one size."""

    seconds: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)

    @property
    def is_long(self) -> bool:
        """Whether the first sample was so long that no other is needed."""
        return bool(self.seconds) and self.seconds[0] > LONG_SECONDS


def sample_host(n: int) -> tuple[float, float]:
    """Run the fan-out on the embedded host and return its seconds and peak MiB."""
    with run_host(APP, "--no-stack") as host:
        for size in (2, n):
            start = time.perf_counter()
            status, output = host.request(
                "POST",
                "/runtime/webhooks/durabletask/orchestrators/fan_in?timeout=600&pollingInterval=1",
                {"n": size},
            )
            seconds = time.perf_counter() - start
            if status != 200 or output != list(range(size)):
                raise SystemExit(f"the fan-out of {size} ended with {status}")
        return seconds, host.peak_mib()


def sample_peer(script: str, n: int) -> tuple[float, float]:
    """Run one peer in its own environment and return its seconds and peak MiB."""
    command = [str(PEER_PYTHON), str(HERE / "peers" / script), str(n)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    lines = [line for line in result.stdout.splitlines() if line.startswith('{"seconds"')]
    if not lines:
        raise SystemExit(f"{script} {n} failed:\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    figures = json.loads(lines[-1])
    return figures["seconds"], figures["peak_mib"]


def install_peers() -> None:
    """Make the peers' environment, unless it exists."""
    if not PEER_PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER_PYTHON.parent.parent)], check=True)
    requirements = str(HERE / "peers" / "requirements.txt")
    pip = [str(PEER_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", requirements], check=True)


def measure() -> dict[str, dict[int, Samples]]:
    """Take the samples; contenders take turns, so the noise of the machine hits all alike."""
    table = {name: {n: Samples() for n in SIZES} for name in (OURS, *PEERS)}
    for n in SIZES:
        for _ in range(SAMPLES):
            for name, by_size in table.items():
                if by_size[n].is_long:
                    continue
                seconds, peak = sample_host(n) if name == OURS else sample_peer(PEERS[name], n)
                by_size[n].seconds.append(seconds)
                by_size[n].peak_mib.append(peak)
                print(f"  N={n:<6} {name:<26} {n / seconds:>9,.0f} /s", flush=True)
    return table


def report(table: dict[str, dict[int, Samples]]) -> dict[str, object]:
    """Print rates, ratios and growth, and return them."""
    medians = {
        name: {n: statistics.median(s.seconds) for n, s in by_size.items()}
        for name, by_size in table.items()
    }
    growth = {name: growth_exponent(by_size) for name, by_size in medians.items()}
    rows = [
        [
            name,
            *(f"{n / medians[name][n]:,.0f}" for n in SIZES),
            f"{max(spread(s.seconds) for s in by_size.values()):.0%}",
            f"{statistics.median(by_size[1_000].peak_mib):.0f}",
            f"{growth[name]:.2f}",
        ]
        for name, by_size in table.items()
    ]
    sizes = [f"N={n:,}" for n in SIZES]
    columns = ["activities per second", *sizes, "noise", "MiB at 1,000", "growth"]
    show(f"Fan-out and fan-in, medians of {SAMPLES}", columns, rows)
    ratios = {name: medians[name][1_000] / medians[OURS][1_000] for name in PEERS}
    show(
        "Embedded host over each at N=1,000",
        ["beside", "ratio", "budget", "met"],
        [[n, f"{r:.2f}", f"{BUDGETS[n]:.2f}", r >= BUDGETS[n]] for n, r in ratios.items()],
    )
    print(f"growth exponent {growth[OURS]:.2f}, budget {GROWTH_BUDGET}")
    return {"median_seconds": medians, "growth": growth, "ratios_at_1000": ratios}


def main() -> None:
    """Install the peers, measure, print and save."""
    install_peers()
    print(f"saved {save('fanout_fanin', report(measure()))}")
