"""Looking for runs in the index: what is found, and how far a page looks."""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from fanout.adapters.rows import index
from fanout.adapters.rows.index import FIRST, MILESTONE_EVERY, IndexEntry, replace_entry
from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import Row, RowRange
from fanout.models.status import RunStatus
from fanout.naming import row_keys
from starters.index import search
from starters.index.search import Found, RunFilter, find_page
from tests.support.doubles.counting import CountingTables
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.attempts import memory_rows

START = datetime(2026, 1, 1, tzinfo=UTC)


def ended(outcome: str) -> RunStatus:
    status = {"run_id": "", "workload": "", "status": "Completed", "phase": "done"}
    return RunStatus.model_validate(status | {"results_url": "", "outcome": outcome})


def listed(
    rows: Rows, run_id: str, ms: int, outcome: str | None = "succeeded", workload: str = "w"
) -> IndexEntry:
    status = None if outcome is None else ended(outcome)
    entry = IndexEntry(run_id, START + timedelta(milliseconds=ms), workload, 1, status)
    assert replace_entry(rows, entry)
    return entry


def names(found: Found) -> list[str]:
    return [entry.run_id for entry in found.entries]


def every_page(rows: Rows, wanted: RunFilter, limit: int) -> list[Found]:
    pages = [find_page(rows, wanted, FIRST, limit)]
    while (position := pages[-1].position) is not None:
        pages.append(find_page(rows, wanted, position, limit))
        assert len(pages) < 2_000
        assert len(pages[-1].entries) <= limit
    return pages


def test_pages_are_full_whatever_is_filtered():
    rows = memory_rows()
    for ms in range(20):
        listed(rows, f"r{ms:02d}", ms, "failed" if ms % 4 == 0 else "succeeded")
    found = find_page(rows, RunFilter(outcome="failed"), FIRST, 3)
    assert names(found) == ["r16", "r12", "r08"]
    found = find_page(rows, RunFilter(outcome="failed"), str(found.position), 3)
    assert (names(found), found.position) == (["r04", "r00"], None)


def test_runs_that_may_have_ended_as_wanted_are_on_their_page_and_on_no_other():
    rows = memory_rows()
    for ms in range(12):
        listed(rows, f"r{ms:02d}", ms, "failed" if ms % 2 else None)
    seen: list[str] = []
    position: str | None = FIRST
    while position is not None:
        found = find_page(rows, RunFilter(outcome="failed"), position, 3)
        assert len(found.entries) <= 3
        seen += names(found)
        position = found.position
    assert seen == [f"r{ms:02d}" for ms in range(11, -1, -1)]


def test_of_many_runs_that_go_on_only_the_newest_are_looked_at_for_one_that_has_ended():
    rows = memory_rows()
    listed(rows, "old", 0, "failed")
    for ms in range(1, 200):
        listed(rows, f"r{ms:03d}", ms, None)
    found = find_page(rows, RunFilter(outcome="failed"), FIRST, 100)
    assert names(found)[-1] == "old"
    assert (len(found.entries), found.position) == (search.MAX_OPEN_LOOKED_AT + 1, None)


@pytest.mark.parametrize("text", ["ORD", "ord", "rders-0", "-00"])
def test_a_part_of_an_id_finds_a_run_in_capitals_or_not(text: str):
    rows = memory_rows()
    for ms, run_id in enumerate(["Orders-007", "reports-1", "orders-003", "x"]):
        listed(rows, run_id, ms)
    assert names(find_page(rows, RunFilter(text=text), FIRST, 9)) == ["orders-003", "Orders-007"]


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_a_text_that_few_have_is_found_wherever_it_is(
    monkeypatch: pytest.MonkeyPatch, seconds: float
):
    """With no time left a page looks at some rows alone; with enough it looks at all."""
    monkeypatch.setattr(search, "MAX_SEARCH_SECONDS", seconds)
    monkeypatch.setattr(search, "MAX_ROWS_A_PAGE", 10)
    rows = memory_rows()
    for ms in range(25):
        listed(rows, "needle" if ms == 3 else f"hay-{ms}", ms)
    found = every_page(rows, RunFilter(text="needle"), 9)
    assert [name for page in found for name in names(page)] == ["needle"]
    assert len(found) == (2 if seconds == 0 else 1)


def test_where_few_runs_have_the_text_so_many_rows_are_read_one_by_one_at_a_time():
    requests: list[str] = []
    rows = Rows(CountingTables(requests), "t")
    for ms in range(400):
        listed(rows, f"hay-{ms:03d}" if ms >= 300 else f"r-{ms:03d}", ms)
    requests.clear()
    found = search._match_keys(rows, RunFilter(text="r-"), FIRST, 100)
    assert names(found) == [f"r-{ms:03d}" for ms in range(299, 299 - search.MAX_FOUND, -1)]
    assert sum(request.startswith("GET") for request in requests) == search.MAX_FOUND
    seen = every_page(rows, RunFilter(text="r-"), 100)
    assert [name for page in seen for name in names(page)] == [
        f"r-{ms:03d}" for ms in range(299, -1, -1)
    ]


def test_of_runs_that_may_go_on_a_page_has_so_many_and_the_next_the_others():
    """The rows of each are read."""
    rows = memory_rows()
    for ms in range(130):
        listed(rows, f"r{ms:03d}", ms, None if ms % 10 else "failed")
    found = every_page(rows, RunFilter(), 100)
    assert [name for page in found for name in names(page)] == [
        f"r{ms:03d}" for ms in range(129, -1, -1)
    ]
    assert [page.going_on for page in found] == [search.MAX_OPEN, search.MAX_OPEN, 17]


@dataclass
class Looking(MemoryTables):
    """Rows of which is written down how many the service looks at for a query."""

    looked_at: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def read_range(
        self, table: str, partition: str, wanted: RowRange, limit: int
    ) -> dict[str, Row]:
        found = super().read_range(table, partition, wanted, limit)
        last = [*found][-1] if len(found) == limit else wanted.before
        everything = RowRange(wanted.after, last)
        self.looked_at.append(len(super().read_range(table, partition, everything, 10**9)))
        return found


@pytest.fixture(scope="module")
def many() -> Rows:
    """Ten thousand runs that have succeeded, the oldest alone of another workload and failed."""
    rows = Rows(Looking(), "t")
    for first in range(0, 10_000, 100):
        entries = [
            IndexEntry(f"r{ms:05d}", START + timedelta(milliseconds=ms), "w", 1, ended("succeeded"))
            for ms in range(first, first + 100)
        ]
        if first == 0:
            entries[0] = replace(entries[0], workload="rare", status=ended("failed"))
        rows.submit(row_keys.RUNS_PARTITION, [entry.row for entry in entries])
    return rows


@pytest.mark.parametrize(("limit", "seconds"), [(1, 0.0), (20, 60.0), (100, 0.0)])
@pytest.mark.parametrize(
    "wanted",
    [
        RunFilter(workload="rare"),
        RunFilter(outcome="failed"),
        RunFilter(workload="rare", outcome="failed"),
        RunFilter(text="00000"),
        RunFilter(outcome="failed", text="r0000"),
        RunFilter(workload="rare", since=START, text="R"),
    ],
    ids=str,
)
def test_however_few_runs_are_wanted_a_query_looks_at_a_part_of_the_index(
    monkeypatch: pytest.MonkeyPatch, many: Rows, wanted: RunFilter, limit: int, seconds: float
):
    """Milestones are one in 32 on an average; a query reads a hundred at most."""
    monkeypatch.setattr(search, "MAX_SEARCH_SECONDS", seconds)
    assert isinstance(many.tables, Looking)
    many.tables.looked_at.clear()
    found = every_page(many, wanted, limit)
    assert [name for page in found for name in names(page)] == ["r00000"]
    assert max(many.tables.looked_at) < 1.5 * 100 * MILESTONE_EVERY
    assert sum(many.tables.looked_at) < 3 * 10_000


def test_without_time_a_page_looks_at_some_rows_and_says_where_to_go_on(
    monkeypatch: pytest.MonkeyPatch, many: Rows
):
    monkeypatch.setattr(search, "MAX_SEARCH_SECONDS", 0.0)
    assert isinstance(many.tables, Looking)
    many.tables.looked_at.clear()
    found = find_page(many, RunFilter(workload="rare"), FIRST, 20)
    assert (names(found), len(many.tables.looked_at)) == ([], 2)
    assert found.position is not None
    assert 1_000 < sum(many.tables.looked_at) < 6_000


@pytest.mark.parametrize("seconds", [0.0, 60.0])
@pytest.mark.parametrize("limit", [1, 5, 40])
@pytest.mark.parametrize("seed", range(5))
def test_all_that_may_have_ended_as_wanted_are_looked_at_wherever_a_search_stops(
    monkeypatch: pytest.MonkeyPatch, seed: int, limit: int, seconds: float
):
    monkeypatch.setattr(search, "MAX_SEARCH_SECONDS", seconds)
    monkeypatch.setattr(index, "MILESTONE_EVERY", 2)
    dice, rows = random.Random(seed), memory_rows()
    outcomes = dice.choices([None, "failed", "succeeded"], (1, dice.choice([1, 9]), 9), k=300)
    for ms, outcome in enumerate(outcomes):
        listed(rows, f"r{ms:03d}", ms, outcome)
    pages = every_page(rows, RunFilter(outcome="failed"), limit)
    found = [name for page in pages for name in names(page)]
    wanted = [f"r{ms:03d}" for ms in range(299, -1, -1) if outcomes[ms] != "succeeded"]
    assert found == wanted


def test_all_filters_hold_together():
    rows = memory_rows()
    listed(rows, "a-old", 0, "failed")
    listed(rows, "a-1", 5, "failed")
    listed(rows, "a-2", 6, "succeeded")
    listed(rows, "b-1", 7, "failed")
    since = START + timedelta(milliseconds=1)
    wanted = RunFilter("w", "failed", since, "A-")
    assert names(find_page(rows, wanted, FIRST, 9)) == ["a-1"]
    assert names(find_page(rows, RunFilter("v", "failed", since, "A-"), FIRST, 9)) == []
