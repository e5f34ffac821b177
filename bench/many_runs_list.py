"""`GET /api/runs` with few runs and with many: pages, filters, searches, and the memory they take.

The runs are not carried out: their rows are written as they are left by runs that were, one in
twenty failed; some more go on. A call is measured as a client sees it, through the host; what it
asks of storage is counted from outside, and so is the processor time of host and worker.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from bench import measure
from bench.host import MeasuredHost, run_host
from bench.storage_log import LoggedStorage, run_storage
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
CALLS = 9
BUDGET_SECONDS = 0.3
SETTINGS = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
WORKLOADS = ("orders", "reports", "images")
ITEMS = ItemCounts(total=1_000, succeeded=990, failed=10)


WRITERS = 8


@dataclass(frozen=True)
class Shape:
    """How many runs have ended, and how many newer ones go on, a millisecond apart.

    Attributes:
        start: When the first was claimed; those that go on have moved lately.
    """

    ended: int
    going_on: int
    start: datetime = field(default_factory=lambda: round_moment(datetime.now(UTC)))

    def claimed_at(self, number: int) -> datetime:
        """When a run was claimed."""
        return self.start + timedelta(milliseconds=number)

    def __str__(self) -> str:
        return f"{self.ended:,} and {self.going_on:,} that go on"


SIZES = ((1_000, 100), (10_000, 100), (10_000, 2_000))


@dataclass(frozen=True)
class Figures:
    """What a call took, the median of several.

    Attributes:
        ms: As the client sees it.
        worst_ms: The longest of them.
        cpu_ms: Processor time of host and worker.
        requests: What it asked of storage.
    """

    ms: float
    worst_ms: float
    cpu_ms: float
    requests: float

    def __str__(self) -> str:
        return f"{self.ms:,.0f}  {self.worst_ms:,.0f}  {self.cpu_ms:,.0f}  {self.requests:,.0f}"


def main() -> None:
    """Measure each call on each shape, print a table and save the figures."""
    figures: dict[str, dict[str, Figures]] = {}
    memory: dict[str, float] = {}
    for ended, going_on in SIZES:
        shape = Shape(ended, going_on)
        settings = {name: value for name, value in SETTINGS.items() if value}
        with run_storage() as storage:
            settings |= dict.fromkeys(["AzureWebJobsStorage", "FANOUT_STORAGE"], storage.connection)
            settings["FANOUT_SMTP"] = ""
            _fill(storage.connection, shape)
            with run_host(ROOT, "--no-stack", environment=settings) as host:
                for name, path in _calls(shape).items():
                    figures.setdefault(name, {})[str(shape)] = _measure_call(host, storage, path)
                before = host.resident_mib()
                name = "every page of 100, each"
                figures.setdefault(name, {})[str(shape)] = _measure_pages(host, storage)
                memory[str(shape)] = host.resident_mib() - before
    _show(figures, memory)


def _show(figures: dict[str, dict[str, Figures]], memory: dict[str, float]) -> None:
    shapes = [*memory]
    rows = [(name, *(str(each[shape]) for shape in shapes)) for name, each in figures.items()]
    measure.show(
        f"GET /api/runs: ms, worst of {CALLS}, processor ms, requests; "
        f"budget {BUDGET_SECONDS * 1000:.0f} ms a page",
        ["call", *shapes],
        rows,
    )
    grown = ", ".join(f"{mib:+.1f} MiB with {shape}" for shape, mib in memory.items())
    print(f"memory after all pages: {grown}")
    saved = {name: {shape: asdict(each[shape]) for shape in each} for name, each in figures.items()}
    measure.save("many_runs_list", {"calls": saved, "mib": memory})


def _calls(shape: Shape) -> dict[str, str]:
    size = shape.ended
    middle = shape.claimed_at(size // 2)
    newest = shape.claimed_at(size + shape.going_on // 2)
    after = row_keys.index_row(_name(size // 2), middle)
    return {
        "newest 20": _path(),
        "newest 100, which go on": _path(limit=100),
        "100 from the middle on": _path(limit=100, continuation=after),
        "workload, 100": _path(workload="images", limit=100),
        "workload that there is not": _path(workload="other", limit=100),
        "outcome failed, 100": _path(outcome="failed", limit=100),
        "outcome failed, 20": _path(outcome="failed"),
        "outcome cancelled: there are none": _path(outcome="cancelled", limit=100),
        "workload and outcome: there are none": _path(workload="images", outcome="cancelled"),
        "since a moment, 100": _path(since=middle.isoformat(), limit=100),
        "since a moment, failed": _path(since=newest.isoformat(), outcome="failed", limit=100),
        "text of one run": _path(text=_name(size - 3).upper(), limit=100),
        "text of the oldest run": _path(text=_name(0), limit=100),
        "text of every run, 100": _path(text="-0", limit=100),
        "text of no run": _path(text="nowhere", limit=100),
        "text of every tenth run, failed": _path(text="0-bench", outcome="failed", limit=100),
        "text, workload and outcome": _path(text="7-b", workload="orders", outcome="cancelled"),
    }


def _path(**parameters: object) -> str:
    return f"/api/runs?{urlencode(parameters)}"


def _name(number: int) -> str:
    return f"{WORKLOADS[number % 3]}-{number:06d}-bench"


def _measure_call(host: MeasuredHost, storage: LoggedStorage, path: str) -> Figures:
    def call() -> None:
        status, _ = host.request("GET", path)
        if status != 200:
            raise SystemExit(f"{path}: {status}")

    call()
    return _median([_measure(call, host, storage) for _ in range(CALLS)])


def _measure_pages(host: MeasuredHost, storage: LoggedStorage) -> Figures:
    """Read every page; gives what one of them takes."""
    taken: list[Figures] = []
    position: str | None = ""

    def call() -> None:
        nonlocal position
        _, page = host.request("GET", _path(limit=100, continuation=position))
        position = page["continuation"]

    while position is not None:
        taken.append(_measure(call, host, storage))
    return _median(taken)


def _measure(call: Callable[[], None], host: MeasuredHost, storage: LoggedStorage) -> Figures:
    position, cpu, start = storage.position(), host.cpu_seconds(), time.perf_counter()
    call()
    ms = (time.perf_counter() - start) * 1000
    cpu_ms = (host.cpu_seconds() - cpu) * 1000
    return Figures(ms, ms, cpu_ms, len(storage.operations(position)))


def _median(taken: list[Figures]) -> Figures:
    return Figures(
        statistics.median(each.ms for each in taken),
        max(each.ms for each in taken),
        statistics.mean(each.cpu_ms for each in taken),  # the system counts hundredths of a second
        statistics.median(each.requests for each in taken),
    )


def _fill(storage: str, shape: Shape) -> None:
    """Write the rows of runs that have ended, and of some newer ones that go on."""
    tables = TableStore.connect(StorageSettings(connection_string=storage))
    rows = Rows(tables, table_name("runs"))
    tables.service.create_table_if_not_exists(rows.table)
    entries = [*_entries(shape)]
    for first in range(0, len(entries), MAX_ROWS_AT_ONCE):
        part = entries[first : first + MAX_ROWS_AT_ONCE]
        rows.submit(row_keys.RUNS_PARTITION, [entry.row for entry in part])
    with ThreadPoolExecutor(WRITERS) as pool:
        for _ in pool.map(lambda entry: _begin(rows, entry), entries[shape.ended :]):
            pass


def _entries(shape: Shape) -> Iterator[IndexEntry]:
    for number in range(shape.ended + shape.going_on):
        claimed_at = shape.claimed_at(number)
        status = None
        if number < shape.ended:
            outcome = "failed" if number % 20 == 0 else "partially_succeeded"
            status = final_status(_state(claimed_at, outcome))
        yield IndexEntry(_name(number), claimed_at, WORKLOADS[number % 3], 1, status)


def _begin(rows: Rows, entry: IndexEntry) -> None:
    state = _state(entry.claimed_at, None)
    change_attempt(rows, entry.run_id, 1, lambda _: (state, None))


def _state(claimed_at: datetime, outcome: str | None) -> GovernorState:
    at = moment_text(claimed_at)
    run = run_rules.open_run(RunState(), at, "claim", at, is_queued=False)
    work = Work(items=ITEMS.total, cuts=10, partitions=1, shards=1)
    # A run that has not moved for minutes may have stalled, which takes another look.
    moved_at = moment_text(claimed_at + timedelta(hours=1))
    run = run_rules.note_plan(run, PlanResult(work=work), at if outcome else moved_at)
    if outcome is not None:
        end = RunEnd.model_validate({"outcome": outcome, "items": ITEMS, "at": at})
        run = run_rules.finish(run, end)
    return GovernorState(run=run)


if __name__ == "__main__":
    main()
