"""A report over a large CSV, end to end, beside polars alone on the same file.

The product runs on the embedded host with Azurite, as `make start` has it: its time is from the
POST to `done`. Polars reads the file itself, lazily, in a process of its own. Both take turns, so
that a busy machine is busy for both, and their figures are compared. `BENCH_MIB` is the size of the
CSV (256), `BENCH_ROUNDS` how often it is done (3).
"""

import csv
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.host import MeasuredHost, run_host
from bench.measure import save, show

APP = Path(__file__).parent / "apps" / "million"  # the product, and what this does not use
MIB = int(os.environ.get("BENCH_MIB", "256"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
WORKERS = int(os.environ.get("BENCH_WORKERS", "2"))
BUDGET = 3.0
BLOCK_ROWS = 250_000
CARRIERS, AIRPORTS, PLANES = 16, 100, 4_000
RELATIVE = 1e-9  # polars adds floats up in an order of its own

# What a person asks of such a table; polars is asked for the same.
PARAMETERS = {
    "group_by": ["carrier"],
    "metrics": {"dep_delay": ["count", "mean", "min", "max"], "fare": ["sum", "mean"]},
}
POLARS = """
import sys, time
import polars as pl
start = time.perf_counter()
delay, fare = pl.col("dep_delay"), pl.col("fare")
frame = (
    pl.scan_csv(sys.argv[1], null_values=["", "NA"], infer_schema_length=10_000)
    .group_by("carrier")
    .agg(
        pl.len().alias("rows"),
        delay.count().alias("dep_delay.count"),
        delay.mean().alias("dep_delay.mean"),
        delay.min().alias("dep_delay.min"),
        delay.max().alias("dep_delay.max"),
        fare.sum().alias("fare.sum"),
        fare.mean().alias("fare.mean"),
    )
    .sort("carrier")
    .collect(engine=sys.argv[3])
)
seconds = time.perf_counter() - start
frame.write_csv(sys.argv[2])
print(seconds)
"""


def write_table(path: Path, mib: int) -> int:
    """Write a CSV of flights that never were, the same each time; return its rows."""
    rows = 0
    with path.open("wb") as file:
        while file.tell() < mib * 1_048_576:
            content = _block(rows).encode()
            file.write(content if rows == 0 else content[content.index(b"\n") + 1 :])
            rows += BLOCK_ROWS
    return rows


def _block(first: int) -> str:
    random = np.random.default_rng(first)
    n = BLOCK_ROWS
    hours = np.datetime64("2013-01-01T00") + random.integers(0, 8760, n).astype("timedelta64[h]")
    delays = pl.Series(random.exponential(30, n).astype(np.int64) - 15)
    frame = pl.DataFrame(
        {
            "id": np.arange(first, first + n),
            "time_hour": hours.astype("datetime64[us]"),
            "carrier": [f"C{number}" for number in random.integers(0, CARRIERS, n)],
            "tailnum": [f"N{number:05}" for number in random.integers(0, PLANES, n)],
            "origin": [f"A{number:03}" for number in random.integers(0, 3, n)],
            "dest": [f"A{number:03}" for number in random.integers(3, AIRPORTS, n)],
            "dep_delay": delays.scatter(np.flatnonzero(random.random(n) < 0.03), None),
            "air_time": random.integers(20, 700, n),
            "distance": random.integers(80, 5000, n),
            "fare": np.round(random.lognormal(5, 0.6, n), 2),
        }
    )
    return frame.write_csv(null_value="NA", datetime_format="%Y-%m-%dT%H:%M:%SZ")


def upload(host: MeasuredHost, path: Path) -> None:
    """Put the table into the host's Azurite."""
    with path.open("rb") as file:
        host.container("inbox").upload_blob(path.name, file, max_concurrency=2)


def run(host: MeasuredHost, name: str, number: int) -> tuple[float, str]:
    """Run the report; return its seconds from the POST to the end, and report.csv."""
    request = {
        "workload": "reports",
        "run_id": f"report-{number}",
        "source": {"kind": "csv", "container": "inbox", "blob": name},
        "parameters": PARAMETERS,
    }
    seconds, state = host.run(request)
    if state["outcome"] != "succeeded":
        raise SystemExit(f"the run ended {state['outcome']}: {state}")
    _, manifest = host.request("GET", f"/api/runs/report-{number}/results")
    (url,) = [file["url"] for file in manifest["files"] if file["name"] == "report.csv"]
    return seconds, b"".join(host.stream_lines(url)).decode()


def run_polars(path: Path, engine: str) -> tuple[float, str]:
    """Do the same with polars in a process of its own; its start is not counted."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as target:
        command = [sys.executable, "-c", POLARS, str(path), target.name, engine]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        return float(result.stdout), Path(target.name).read_text()


def download(host: MeasuredHost, name: str) -> float:
    """Fetch the blob whole into a file, as the bare client does; return its seconds.

    Whoever has the table in Blob storage must do at least this before polars can begin.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile() as file:
        host.container("inbox").download_blob(name, max_concurrency=4).readinto(file)
    return time.perf_counter() - start


def _require_same(ours: str, theirs: str) -> None:
    """Compare the figures of all groups: whole numbers exactly, others but for rounding."""
    our_figures, their_figures = _figures_by_carrier(ours), _figures_by_carrier(theirs)
    if our_figures.keys() != their_figures.keys():
        raise SystemExit(f"the groups differ: {our_figures.keys()} and {their_figures.keys()}")
    for carrier, figures in our_figures.items():
        for name, figure in figures.items():
            expected = their_figures[carrier][name]
            if abs(figure - expected) > RELATIVE * abs(expected):
                raise SystemExit(f"{carrier}, {name}: {figure}, by polars {expected}")


def _figures_by_carrier(text: str) -> dict[str, dict[str, float]]:
    lines = csv.DictReader(io.StringIO(text))
    return {line.pop("carrier"): {k: float(v) for k, v in line.items()} for line in lines}


def measure(folder: Path) -> dict[str, Any]:
    """Take turns; the first of each, which warms page cache and workers, is not counted."""
    path = folder / "flights.csv"
    rows = write_table(path, MIB)
    run_seconds, polars_seconds, download_seconds = [], [], []
    with run_host(APP, "--workers", str(WORKERS)) as host:
        upload(host, path)
        for number in range(ROUNDS + 1):
            engine = min(("streaming", "in-memory"), key=lambda e: run_polars(path, e)[0])
            seconds, report_csv = run(host, path.name, number)
            alone, expected = run_polars(path, engine)
            _require_same(report_csv, expected)
            print(f"  run {seconds:.2f} s, polars ({engine}) {alone:.2f} s", flush=True)
            fetching = download(host, path.name)
            if number:
                download_seconds.append(fetching)
                run_seconds.append(seconds)
                polars_seconds.append(alone)
        peak = host.peak_mib()
    samples = {"run": run_seconds, "polars": polars_seconds, "download": download_seconds}
    return {"mib": MIB, "rows": rows, **samples, "peak_mib": peak}


def main() -> None:
    """Measure, print beside the budget and save."""
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder))
    ours, theirs, fetching = (
        statistics.median(figures[name]) for name in ("run", "polars", "download")
    )
    medians = {
        "a run, end to end": ours,
        "polars on a local file": theirs,
        "download of the blob, alone": fetching,
        "download, then polars": fetching + theirs,
    }
    rows = [[name, f"{s:.2f}", f"{figures['mib'] / s:,.0f}"] for name, s in medians.items()]
    show(f"A report over {MIB:,} MiB of CSV", ["", "seconds", "MiB/s"], rows)
    ratio, fair = ours / theirs, ours / (fetching + theirs)
    print(f"over polars on a local file: {ratio:.2f}x, budget {BUDGET} at 1 GiB")
    print(f"over polars on the same blob: {fair:.2f}x; peak {figures['peak_mib']:.0f} MiB")
    print(f"saved {save('reports', {**figures, 'ratio': ratio, 'ratio_blob': fair})}")
