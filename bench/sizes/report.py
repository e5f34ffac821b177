"""A report over a small CSV, from submit to `done`."""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

from bench.sizes.contenders import Timing, run_once, take_turns
from bench.sizes.sides import Counts, Request, Side, run_sides

ROWS = 2_000
BLOB, TEXT, ROWS_AS_ITEMS = "a blob", "text", "rows as items"
SOURCES = (BLOB, TEXT, ROWS_AS_ITEMS)
ONE_BATCH = "new, a blob in one batch"
CARRIERS = 16
PARAMETERS = {"group_by": ["carrier"], "metrics": {"fare": ["sum", "mean"]}}


@dataclass(frozen=True)
class ReportResult:
    """What the report came to, by contender: a side and where its table is."""

    rows: int
    times: dict[str, Timing]
    counts: dict[str, Counts]


def measure(old: Path | None, times: int) -> ReportResult:
    """Measure the report of each side: of a blob, of text in the request, of rows as items."""
    with run_sides(old) as sides:
        runs = {
            f"{side.name}, {name}": (side, _make_request(side, name))
            for side in sides
            for name in SOURCES
        }
        whole = {**_make_request(sides[0], BLOB), "batch": {"max_items": ROWS}}
        runs[ONE_BATCH] = (sides[0], whole)
        counts = {name: side.count(request) for name, (side, request) in runs.items()}
        contenders = {name: run_once(side, request, ROWS) for name, (side, request) in runs.items()}
        return ReportResult(ROWS, take_turns(contenders, times), counts)


def _make_request(side: Side, name: str) -> Request:
    return {"workload": "reports", "source": _source(side, name), "parameters": PARAMETERS}


def _source(side: Side, name: str) -> Request:
    table = _table()
    if name == TEXT:  # as the command line sends it, where it knows no storage
        return {"kind": "text", "text": table.decode(), "read": {"kind": "csv"}}
    if name == ROWS_AS_ITEMS:
        return {"kind": "inline", "items": [*csv.DictReader(table.decode().splitlines())]}
    side.host.container("inbox").upload_blob("flights.csv", table, overwrite=True)
    return {"kind": "csv", "container": "inbox", "blob": "flights.csv"}


def _table() -> bytes:
    numbers = random.Random(1)
    lines = [
        f"{row},C{numbers.randrange(CARRIERS)},{numbers.uniform(50, 900):.2f}"
        for row in range(ROWS)
    ]
    return "\n".join(["id,carrier,fare", *lines, ""]).encode()
