"""`GET /api/runs` with few runs and with many: pages, filters, searches, and the memory they take.

The runs are not carried out: their rows are written as they are left by runs that were, one in
twenty failed; a hundred more go on. A call is measured as a client sees it, through the host.
"""

import json
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from bench import measure
from bench.host import MeasuredHost, run_host
from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.index import IndexEntry
from fanout.adapters.rows.rows import Rows, table_name
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import MAX_ROWS_AT_ONCE, TableStore
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState, RunState
from fanout.governor.run_status import final_status
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd
from fanout.models.status import ItemCounts
from fanout.naming import row_keys
from fanout.naming.moments import moment_text, round_moment

ROOT = Path(__file__).parents[1]
SIZES = (1_000, 10_000)
GOING_ON = 100
CALLS = 9
BUDGET_SECONDS = 0.3
# Runs that go on have moved lately.
START = round_moment(datetime.now(UTC))
SETTINGS = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
WORKLOADS = ("orders", "reports", "images")
ITEMS = ItemCounts(total=1_000, succeeded=990, failed=10)


def main() -> None:
    """Measure each call at each size, print a table and save the figures."""
    figures: dict[str, dict[int, float]] = {}
    memory: dict[int, float] = {}
    for size in SIZES:
        with run_host(ROOT, environment=SETTINGS) as host:
            _fill(host.storage, size)
            for name, path in _calls(size).items():
                figures.setdefault(name, {})[size] = _median(host, path)
            before = host.resident_mib()
            figures.setdefault("all pages of 100, each", {})[size] = _read_all(host)
            memory[size] = host.resident_mib() - before
    rows = [
        (name, *(f"{seconds[size] * 1000:,.0f}" for size in SIZES))
        for name, seconds in figures.items()
    ]
    title = f"GET /api/runs in ms, median of {CALLS}; budget {BUDGET_SECONDS * 1000:.0f} ms a page"
    measure.show(title, ["call", *(f"{size:,} runs" for size in SIZES)], rows)
    grown = ", ".join(f"{mib:+.1f} MiB at {size:,}" for size, mib in memory.items())
    print(f"memory after all pages: {grown}")
    measure.save("many_runs_list", {"seconds": figures, "mib": memory})


def _calls(size: int) -> dict[str, str]:
    middle = START + timedelta(milliseconds=size // 2)
    return {
        "newest 20": _path(),
        "newest 100, which go on": _path(limit=100),
        "100 from the middle on": _path(
            limit=100, continuation=row_keys.index_row(_name(size // 2), middle)
        ),
        "workload, 100": _path(workload="images", limit=100),
        "outcome failed, 100": _path(outcome="failed", limit=100),
        "outcome cancelled: there are none": _path(outcome="cancelled", limit=100),
        "since a moment, 100": _path(since=middle.isoformat(), limit=100),
        "text of one run": _path(text=_name(size - 3).upper(), limit=100),
        "text of the oldest run": _path(text=_name(0), limit=100),
        "text of every run, 100": _path(text="-000", limit=100),
        "text of no run": _path(text="nowhere", limit=100),
    }


def _path(**parameters: object) -> str:
    return f"/api/runs?{urlencode(parameters)}"


def _name(number: int) -> str:
    return f"{WORKLOADS[number % 3]}-{number:06d}-bench"


def _median(host: MeasuredHost, path: str) -> float:
    def call() -> float:
        start = time.perf_counter()
        status, _ = host.request("GET", path)
        if status != 200:
            raise SystemExit(f"{path}: {status}")
        return time.perf_counter() - start

    call()
    return statistics.median(call() for _ in range(CALLS))


def _read_all(host: MeasuredHost) -> float:
    """Read every page; gives the seconds that one takes, on an average."""
    start, pages, continuation = time.perf_counter(), 0, ""
    while continuation is not None:
        _, page = host.request("GET", _path(limit=100, continuation=continuation))
        continuation, pages = page["continuation"], pages + 1
    return (time.perf_counter() - start) / pages


def _fill(storage: str, size: int) -> None:
    """Write the rows of so many runs that have ended, and of some newer ones that go on."""
    tables = TableStore.connect(StorageSettings(connection_string=storage))
    rows = Rows(tables, table_name("runs"))
    entries = [*_entries(rows, size)]
    for first in range(0, len(entries), MAX_ROWS_AT_ONCE):
        part = entries[first : first + MAX_ROWS_AT_ONCE]
        rows.submit(row_keys.RUNS_PARTITION, [entry.row for entry in part])


def _entries(rows: Rows, size: int) -> Iterator[IndexEntry]:
    for number in range(size + GOING_ON):
        claimed_at = START + timedelta(milliseconds=number)
        state = _state(claimed_at, "failed" if number % 20 == 0 else "partially_succeeded")
        if number >= size:
            state = _state(claimed_at, None)
            change_attempt(rows, _name(number), 1, lambda _, state=state: (state, None))
        status = final_status(state)
        yield IndexEntry(_name(number), claimed_at, WORKLOADS[number % 3], 1, status)


def _state(claimed_at: datetime, outcome: str | None) -> GovernorState:
    at = moment_text(claimed_at)
    run = run_rules.open_run(RunState(), at, "claim", at, is_queued=False)
    work = Work(items=ITEMS.total, cuts=10, partitions=1, shards=1)
    run = run_rules.note_plan(run, PlanResult(work=work), at)
    if outcome is not None:
        end = RunEnd.model_validate({"outcome": outcome, "items": ITEMS, "at": at})
        run = run_rules.finish(run, end)
    return GovernorState(run=run)


if __name__ == "__main__":
    main()
