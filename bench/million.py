"""A run of a million small items end to end, how its cost grows, and the textbook beside it.

The product runs on the embedded host with Azurite, as `make start` has it.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.host import HostClient, MeasuredHost, run_host
from bench.measure import growth_exponent, save, show

APP = Path(__file__).parent / "apps" / "million"
SIZES = (10_000, 100_000, 1_000_000)
TEXTBOOK_SIZES = (1_000, 5_000)
RATE_BUDGET = 20_000
MEMORY_BUDGET = 1.25
GROWTH_BUDGET = 1.1
UPLOAD_LINES = 20_000
# The names of the result files with the outcomes that succeeded.
SUCCEEDED_PREFIX = "SUCCEEDED"
DURABLE = "/runtime/webhooks/durabletask"
TEXTBOOK_POLL_SECONDS = 0.1
WORKERS = int(os.environ.get("BENCH_WORKERS", "2"))


@dataclass
class Measurement:
    """One run: items, seconds from POST to `done`, items per second, peak MiB of all processes."""

    items: int
    seconds: float
    rate: float
    peak_mib: float


def lines(n: int) -> Iterator[bytes]:
    """Make `n` JSON lines of 100 to 200 bytes."""
    for first in range(0, n, UPLOAD_LINES):
        batch = range(first, min(n, first + UPLOAD_LINES))
        yield b"".join(_line(i) for i in batch)


def _line(i: int) -> bytes:
    filler = hashlib.sha256(i.to_bytes(8, "big")).hexdigest()
    return json.dumps({"id": i, "text": filler[: 32 + i % 32] + filler}).encode() + b"\n"


def upload(host: HostClient, n: int) -> str:
    """Put `n` items into a blob of the host's Azurite and return its name."""
    name = f"items-{n}.jsonl"
    host.container("inbox").upload_blob(name, lines(n), overwrite=True)
    return name


def run(host: MeasuredHost, blob: str, n: int) -> Measurement:
    """Run the workload over the blob, from the POST to the end, then check every result."""
    seconds, state = host.run(make_request(f"million-{n}", blob))
    measurement = Measurement(n, seconds, n / seconds, host.peak_mib())
    require_all(host, state, n)
    return measurement


def make_request(run_id: str, blob: str) -> dict[str, Any]:
    """The request of a run over the items of a blob."""
    source = {"kind": "jsonl", "container": "inbox", "blob": blob}
    return {"workload": "nothing", "run_id": run_id, "source": source}


def require_all(host: HostClient, state: dict[str, Any], n: int) -> None:
    """Require that a run succeeded and that its results hold each item once."""
    if state["outcome"] != "succeeded" or state["items"]["succeeded"] != n:
        raise SystemExit(f"the run ended {state['outcome']}: {state['items']}")
    _, manifest = host.request("GET", f"/api/runs/{state['run_id']}/results")
    counts = bytearray(n)
    for file in manifest["files"]:
        if file["name"].startswith(SUCCEEDED_PREFIX):
            for line in host.stream_lines(file["url"]):
                outcome = json.loads(line)
                counts[outcome["index"]] += 1
    if counts != b"\x01" * n:
        raise SystemExit("the result files do not hold each index exactly once")


def items(n: int) -> list[dict[str, Any]]:
    """Make the items of `n` lines."""
    return [json.loads(_line(i)) for i in range(n)]


def run_textbook(host: HostClient, n: int, poll_seconds: float = TEXTBOOK_POLL_SECONDS) -> float:
    """Run the textbook fan-out over `n` items; return the seconds until the results are there."""
    body = {"items": items(n)}
    start = time.perf_counter()
    started = host.request("POST", f"{DURABLE}/orchestrators/textbook_fan_out", body)[1]
    path = f"{DURABLE}/instances/{started['id']}?showInput=false"
    while (state := host.request("GET", path)[1])["runtimeStatus"] in ("Pending", "Running"):
        time.sleep(poll_seconds)
    if state["runtimeStatus"] != "Completed" or len(state["output"]) != n:
        raise SystemExit(f"the textbook fan-out ended {state['runtimeStatus']}")
    return time.perf_counter() - start


def measure() -> tuple[list[Measurement], dict[int, float]]:
    """Run each size on a host of its own, so that its peak memory is its own."""
    runs = []
    for n in SIZES:
        with run_host(APP, "--workers", str(WORKERS)) as host:
            blob = upload(host, n)
            runs.append(run(host, blob, n))
        print(f"  {n:>9,} items: {runs[-1].seconds:.1f} s, {runs[-1].rate:,.0f} /s", flush=True)
    textbook_seconds = {}
    for n in TEXTBOOK_SIZES:
        with run_host(APP, "--workers", str(WORKERS)) as host:
            textbook_seconds[n] = run_textbook(host, n)
        print(f"  {n:>9,} items by the textbook: {textbook_seconds[n]:.1f} s", flush=True)
    return runs, textbook_seconds


def _cells(r: Measurement) -> list[str]:
    return [f"{r.items:,}", f"{r.seconds:.1f}", f"{r.rate:,.0f}", f"{r.peak_mib:.0f}"]


def main() -> None:
    """Measure, print beside the budgets and save."""
    runs, textbook_seconds = measure()
    columns = ["items", "seconds", "items/s", "peak MiB"]
    show("A run, end to end", columns, [_cells(r) for r in runs])
    growth = growth_exponent({r.items: r.seconds for r in runs})
    memory = runs[-1].peak_mib / runs[-2].peak_mib
    per_item = {n: seconds / n for n, seconds in textbook_seconds.items()}
    ours = runs[-1].seconds / runs[-1].items
    print(f"rate at a million: {runs[-1].rate:,.0f} /s, budget {RATE_BUDGET:,}")
    print(f"peak memory, a million over 100,000: {memory:.2f}, budget {MEMORY_BUDGET}")
    print(f"growth exponent: {growth:.2f}, budget {GROWTH_BUDGET}")
    for n, seconds in per_item.items():
        print(f"textbook at {n:,} items: {seconds / ours:.1f}x our time per item at a million")
    figures = {
        "runs": [asdict(r) for r in runs],
        "textbook_seconds": textbook_seconds,
        "growth": growth,
    }
    print(f"saved {save('million', {**figures, 'memory_ratio': memory})}")
