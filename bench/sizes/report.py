"""A report over a small CSV, from submit to `done`."""

import random
from dataclasses import dataclass
from pathlib import Path

from bench.sizes.contenders import Timing, run_once, take_turns
from bench.sizes.sides import NEW, Counts, Request, Side, run_sides

ROWS = 2_000
ONE_BATCH = "one batch"
CARRIERS = 16
PARAMETERS = {"group_by": ["carrier"], "metrics": {"fare": ["sum", "mean"]}}


@dataclass(frozen=True)
class ReportResult:
    """What the report came to, by contender: a side, or one batch of fixed size."""

    rows: int
    times: dict[str, Timing]
    counts: dict[str, Counts]


def measure(old: Path | None, times: int) -> ReportResult:
    """Measure the report of each side, and that of this checkout with one batch."""
    with run_sides(old) as sides:
        requests = {side.name: _make_request(side) for side in sides}
        contenders = {side.name: run_once(side, requests[side.name], ROWS) for side in sides}
        whole = {**requests[NEW], "batch": {"max_items": ROWS}}
        contenders[ONE_BATCH] = run_once(sides[0], whole, ROWS)
        counts = {side.name: side.count(requests[side.name]) for side in sides}
        counts[ONE_BATCH] = sides[0].count(whole)
        return ReportResult(ROWS, take_turns(contenders, times), counts)


def _make_request(side: Side) -> Request:
    side.host.container("inbox").upload_blob("flights.csv", _table(), overwrite=True)
    source = {"kind": "csv", "container": "inbox", "blob": "flights.csv"}
    return {"workload": "reports", "source": source, "parameters": PARAMETERS}


def _table() -> bytes:
    numbers = random.Random(1)
    lines = [
        f"{row},C{numbers.randrange(CARRIERS)},{numbers.uniform(50, 900):.2f}"
        for row in range(ROWS)
    ]
    return "\n".join(["id,carrier,fare", *lines, ""]).encode()
