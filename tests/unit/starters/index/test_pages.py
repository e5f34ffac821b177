"""Pages of the list: what is found, how far a page looks, and what it costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.index import FIRST, IndexEntry, find_entry, replace_entry
from fanout.adapters.rows.open_runs import note_claim
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import CLAIMED_AT, RunFiles
from fanout.governor.run_status import compose_status
from fanout.models.request import RunRequest
from fanout.models.status import RunStatus
from fanout.naming import blob_paths
from fanout.naming.moments import moment_text
from starters.index import pages
from starters.index.pages import Found, RunFilter, find_page, read_statuses
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.attempts import at, begun, memory_rows
from tests.support.workloads.kept_runs import REQUEST, claim, over

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(minutes=1)


@pytest.fixture
def files() -> RunFiles:
    return RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it


def ended(outcome: str = "succeeded") -> RunStatus:
    status = {"run_id": "", "workload": "", "status": "Completed", "phase": "done"}
    return RunStatus.model_validate(status | {"results_url": "", "outcome": outcome})


def listed(rows: Rows, run_id: str, ms: int, outcome: str | None = "succeeded") -> IndexEntry:
    status = None if outcome is None else ended(outcome)
    entry = IndexEntry(run_id, START + timedelta(milliseconds=ms), "w", 1, status)
    assert replace_entry(rows, entry)
    return entry


def let_say(rows: Rows, entry: IndexEntry, **of_run: Any) -> None:
    """Have the rows of a run say that it is over, and more."""
    state = over(begun(items=10))
    update = {"claimed_at": moment_text(entry.claimed_at), **of_run}
    state = state.model_copy(update={"run": state.run.model_copy(update=update)})
    change_attempt(rows, entry.run_id, 1, lambda _: (state, None))


async def shown(found: Found, files: RunFiles, rows: Rows) -> list[RunStatus]:
    return await read_statuses(found.entries, files, rows, NOW, "http://x")


def names(found: Found) -> list[str]:
    return [entry.run_id for entry in found.entries]


async def test_a_run_that_has_ended_is_shown_from_its_row_alone(files: RunFiles):
    rows = memory_rows()
    listed(rows, "r", 0, "failed")
    (status,) = await shown(find_page(rows, RunFilter(), FIRST, 9), files, rows)
    expected = {"run_id": "r", "workload": "w", "results_url": "http://x/api/runs/r/results"}
    assert status == ended("failed").model_copy(update=expected)


async def test_a_run_that_goes_on_is_shown_as_it_is_now(files: RunFiles):
    rows = memory_rows()
    entry = listed(rows, "r", 0, None)
    state = begun(items=10)
    run = state.run.model_copy(update={"claimed_at": moment_text(entry.claimed_at)})
    state = state.model_copy(update={"run": run})
    change_attempt(rows, "r", 1, lambda _: (state, None))
    (status,) = await shown(find_page(rows, RunFilter(), FIRST, 9), files, rows)
    live = compose_status(state, NOW)
    assert (status.phase, status.items, status.duration_seconds) == ("processing", live.items, 60)
    assert (status.outcome, status.workload) == (None, "w")


async def test_a_run_that_has_not_moved_for_long_is_named(files: RunFiles):
    rows = memory_rows()
    entry = listed(rows, "r", 0, None)
    assert files.claim("r", RunRequest.model_validate(REQUEST), entry.claimed_at)
    state = begun(items=10)
    run = state.run.model_copy(update={"claimed_at": moment_text(entry.claimed_at)})
    change_attempt(rows, "r", 1, lambda _: (state.model_copy(update={"run": run}), None))
    found = find_page(rows, RunFilter(), FIRST, 9)
    (soon,) = await read_statuses(found.entries, files, rows, NOW, "u")
    (late,) = await read_statuses(found.entries, files, rows, NOW + timedelta(hours=1), "u")
    assert (soon.stalled_since, late.stalled_since) == (None, at(0))


async def test_a_row_that_says_that_a_run_goes_on_which_is_over_is_repaired(files: RunFiles):
    """A rebuilding may have written it while the run ended."""
    rows = memory_rows()
    entry = listed(rows, "r", 0, None)
    let_say(rows, entry, is_announced=True)
    (status,) = await shown(find_page(rows, RunFilter(), FIRST, 9), files, rows)
    assert status.outcome == "succeeded"
    row = find_entry(rows, entry.row_key)
    assert row is not None and row.status is not None and row.status.outcome == "succeeded"


async def test_a_run_whose_end_is_being_announced_is_shown_ended_and_its_row_left_alone(
    files: RunFiles,
):
    rows = memory_rows()
    entry = listed(rows, "r", 0, None)
    let_say(rows, entry)
    for wanted in (RunFilter(), RunFilter(outcome="succeeded")):
        (status,) = await shown(find_page(rows, wanted, FIRST, 9), files, rows)
        assert status.outcome == "succeeded"
    row = find_entry(rows, entry.row_key)
    assert row is not None and row.status is None


async def test_a_row_whose_run_was_deleted_is_not_shown_and_dropped(files: RunFiles):
    rows = memory_rows()
    entry = listed(rows, "r", 0, None)
    assert await shown(find_page(rows, RunFilter(), FIRST, 9), files, rows) == []
    assert find_entry(rows, entry.row_key) is None


async def test_a_row_of_a_deleted_run_does_not_show_the_next_run_of_its_id(files: RunFiles):
    rows = memory_rows()
    old = listed(rows, "r", 0, None)
    claim(files, rows, "r")
    (status,) = await shown(find_page(rows, RunFilter(), FIRST, 9), files, rows)
    assert status.run_id == "r"
    assert find_entry(rows, old.row_key) is None


async def test_a_run_that_is_about_to_be_claimed_is_not_shown_and_its_row_is_kept(files: RunFiles):
    rows = memory_rows()
    entry = note_claim(rows, "r", "w").entry
    assert await shown(find_page(rows, RunFilter(), FIRST, 9), files, rows) == []
    assert find_entry(rows, entry.row_key) is not None


async def test_a_run_that_cannot_be_read_or_is_deleted_meanwhile_hides_no_other(files: RunFiles):
    rows = memory_rows()
    listed(rows, "good", 0)
    bad = listed(rows, "bad", 1, None)
    assert files.claim("bad", RunRequest.model_validate(REQUEST), bad.claimed_at)
    path = blob_paths.request_path("bad")
    files.store.write("runs", path, b"no request", metadata={CLAIMED_AT: at(0)})
    gone = listed(rows, "gone", 2, None)
    state = begun(items=10)
    run = state.run.model_copy(update={"claimed_at": moment_text(gone.claimed_at)})
    change_attempt(rows, "gone", 1, lambda _: (state.model_copy(update={"run": run}), None))
    found = find_page(rows, RunFilter(), FIRST, 9)
    late = NOW + timedelta(hours=1)
    statuses = await read_statuses(found.entries, files, rows, late, "u")
    assert [status.run_id for status in statuses] == ["good"]


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
    assert (len(found.entries), found.position) == (pages.MAX_OPEN_LOOKED_AT + 1, None)


@pytest.mark.parametrize("text", ["ORD", "ord", "rders-0", "-00"])
def test_a_part_of_an_id_finds_a_run_in_capitals_or_not(text: str):
    rows = memory_rows()
    for ms, run_id in enumerate(["Orders-007", "reports-1", "orders-003", "x"]):
        listed(rows, run_id, ms)
    assert names(find_page(rows, RunFilter(text=text), FIRST, 9)) == ["orders-003", "Orders-007"]


def test_a_search_looks_at_so_many_runs_and_goes_on_with_the_next_page(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(pages, "MAX_KEYS_SEARCHED", 10)
    rows = memory_rows()
    for ms in range(25):
        listed(rows, "needle" if ms == 3 else f"hay-{ms}", ms)
    found = [find_page(rows, RunFilter(text="needle"), FIRST, 9)]
    while (position := found[-1].position) is not None:
        found.append(find_page(rows, RunFilter(text="needle"), position, 9))
    assert [names(one) for one in found] == [[], [], ["needle"]]


def test_a_search_finds_so_many_a_page_and_skips_none():
    rows = memory_rows()
    for ms in range(2 * pages.MAX_FOUND + 5):
        listed(rows, f"r-{ms:03d}", ms)
    seen: list[str] = []
    position: str | None = FIRST
    while position is not None:
        found = find_page(rows, RunFilter(text="r-"), position, 100)
        assert len(found.entries) <= pages.MAX_FOUND
        seen += names(found)
        position = found.position
    assert seen == [f"r-{ms:03d}" for ms in range(2 * pages.MAX_FOUND + 4, -1, -1)]


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
