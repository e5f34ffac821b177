"""The runs of a page, each as it is now, and what is repaired."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.index import FIRST, IndexEntry, find_entry, replace_entry
from fanout.adapters.rows.open_runs import note_claim
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import CLAIMED_AT, RunFiles
from fanout.adapters.run_files.request_document import HEAD_BYTES
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState, RunState
from fanout.governor.run_status import compose_status
from fanout.models.request import RunRequest
from fanout.models.status import RunStatus
from fanout.naming import blob_paths
from fanout.naming.moments import moment_text
from starters.index.pages import read_statuses
from starters.index.search import Found, RunFilter, find_page
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
    readings = await read_statuses(found.entries, files, rows, NOW, "http://x")
    assert readings.unreadable == []
    return readings.statuses


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


async def test_of_a_run_that_has_not_moved_the_settings_alone_are_read(files: RunFiles):
    rows = memory_rows()
    entry = listed(rows, "r", 0, None)
    source = {"kind": "inline", "items": ["a" * 1000] * 1000}
    request = RunRequest.model_validate({**REQUEST, "source": source})
    assert files.claim("r", request, entry.claimed_at)
    state = begun(items=10)
    run = state.run.model_copy(update={"claimed_at": moment_text(entry.claimed_at)})
    change_attempt(rows, "r", 1, lambda _: (state.model_copy(update={"run": run}), None))
    found = find_page(rows, RunFilter(), FIRST, 9)
    late = NOW + timedelta(days=1)
    readings = await read_statuses(found.entries, files, rows, late, "http://x")
    assert readings.statuses[0].stalled_since is not None
    assert files.store.bytes_read <= HEAD_BYTES  # type: ignore[attr-defined]  # of the double


async def test_a_run_that_has_not_moved_for_long_is_named(files: RunFiles):
    rows = memory_rows()
    entry = listed(rows, "r", 0, None)
    assert files.claim("r", RunRequest.model_validate(REQUEST), entry.claimed_at)
    state = begun(items=10)
    run = state.run.model_copy(update={"claimed_at": moment_text(entry.claimed_at)})
    change_attempt(rows, "r", 1, lambda _: (state.model_copy(update={"run": run}), None))
    found = find_page(rows, RunFilter(), FIRST, 9)
    (soon,) = (await read_statuses(found.entries, files, rows, NOW, "u")).statuses
    late_at = NOW + timedelta(hours=1)
    (late,) = (await read_statuses(found.entries, files, rows, late_at, "u")).statuses
    assert (soon.stalled_since, late.stalled_since) == (None, at(0))


async def test_of_a_run_that_waits_for_its_turn_the_request_is_not_read_however_long(
    files: RunFiles,
):
    """Thousands may wait, and none of them can have stalled."""
    rows = memory_rows()
    entry = listed(rows, "r", 0, None)
    moment = moment_text(entry.claimed_at)
    run = run_rules.open_run(RunState(), moment, "claim", moment, is_queued=True)
    change_attempt(rows, "r", 1, lambda _: (GovernorState(run=run), None))
    found = find_page(rows, RunFilter(), FIRST, 9)
    readings = await read_statuses(found.entries, files, rows, NOW + timedelta(hours=9), "u")
    assert [(status.phase, status.stalled_since) for status in readings.statuses] == [
        ("queued", None)
    ]


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
    readings = await read_statuses(found.entries, files, rows, late, "u")
    assert [status.run_id for status in readings.statuses] == ["good"]
    assert [run.run_id for run in readings.unreadable] == ["bad"]
