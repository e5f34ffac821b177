"""The index of all runs: what is found in it, and what its rows hold."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.rows.index import (
    MAX_STATUS_CHARACTERS,
    IndexEntry,
    IndexRange,
    drop_entry,
    find_entry,
    note_deletion,
    read_all_keys,
    read_entries,
    read_keys,
    replace_entry,
)
from fanout.adapters.rows.rows import Rows
from fanout.models.limits import Limits
from fanout.models.status import ErrorGroup, ItemCounts, RunStatus
from fanout.naming import row_keys
from tests.support.workloads.attempts import memory_rows

START = datetime(2026, 1, 1, tzinfo=UTC)


def ended(**more: object) -> RunStatus:
    status = {"run_id": "", "workload": "", "status": "Completed", "phase": "done"}
    return RunStatus.model_validate(status | {"results_url": "", "outcome": "failed"} | more)


def entry(run_id: str = "r", ms: int = 0, **more: object) -> IndexEntry:
    at = START + timedelta(milliseconds=ms)
    return IndexEntry(run_id, at, **({"workload": "w"} | more))  # type: ignore[arg-type]


def filled(count: int = 10) -> Rows:
    """Runs a millisecond apart, r0 the oldest; each third has failed, and the others go on."""
    rows = memory_rows()
    for ms in range(count):
        status = ended() if ms % 3 == 0 else None
        workload = ["w", "v"][ms % 2]
        assert replace_entry(rows, entry(f"r{ms}", ms, workload=workload, status=status))
    return rows


def names(found: list[IndexEntry]) -> list[str]:
    return [one.run_id for one in found]


def test_what_is_written_is_read():
    groups = [ErrorGroup(type="X", message="m", count=3, example_item="7")]
    status = ended(
        items=ItemCounts(total=5, failed=3), errors=groups, limits=Limits(), retries=4, error="bad"
    )
    written = entry("nightly-20261101T000000Z", 7, attempt=3, status=status)
    rows = memory_rows()
    assert replace_entry(rows, written)
    read = find_entry(rows, written.row_key)
    assert read is not None and read.etag is not None
    assert (read.run_id, read.claimed_at, read.workload) == (
        written.run_id,
        written.claimed_at,
        "w",
    )
    assert (read.attempt, read.status, read.is_in_deletion) == (3, status, False)
    assert read_entries(rows, IndexRange(equal={"schedule": "nightly"}), 9) == [read]


def test_the_newest_are_first_and_a_page_goes_on_where_the_last_ended():
    rows = filled()
    first = read_entries(rows, IndexRange(), 4)
    assert names(first) == ["r9", "r8", "r7", "r6"]
    assert names(read_entries(rows, IndexRange(first[-1].row_key), 4)) == ["r5", "r4", "r3", "r2"]


def test_runs_are_found_by_what_their_rows_say():
    rows = filled()
    assert names(read_entries(rows, IndexRange(equal={"outcome": "failed"}), 9)) == [
        "r9",
        "r6",
        "r3",
        "r0",
    ]
    wanted = IndexRange(equal={"outcome": "", "workload": "v"})
    assert names(read_entries(rows, wanted, 9)) == ["r7", "r5", "r1"]


@given(st.integers(-3_000, 13_000), st.integers(-3_000, 13_000))
def test_runs_are_found_by_when_they_were_claimed_to_the_microsecond(since: int, until: int):
    rows, microsecond = filled(), timedelta(microseconds=1)
    wanted = IndexRange(since=START + since * microsecond, until=START + until * microsecond)
    expected = [f"r{ms}" for ms in range(9, -1, -1) if since <= 1_000 * ms < until]
    assert names(read_entries(rows, wanted, 99)) == expected


@pytest.mark.parametrize(
    "moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
)
def test_any_moment_may_be_asked_for(moment: datetime):
    rows = filled()
    assert len(read_entries(rows, IndexRange(since=moment), 99)) in (0, 10)
    assert len(read_entries(rows, IndexRange(until=moment), 99)) in (0, 10)


def test_all_keys_are_read_page_after_page(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fanout.adapters.rows.index.MAX_ROWS_A_PAGE", 1_000)
    rows = memory_rows()
    for ms in range(2_001):
        rows.submit(row_keys.RUNS_PARTITION, [entry(f"r{ms}", ms).row])
    keys = [*read_all_keys(rows, IndexRange(since=START + timedelta(milliseconds=1)))]
    assert [row_keys.run_of_index_row(key) for key in keys] == [
        f"r{ms}" for ms in range(2_000, 0, -1)
    ]
    assert read_keys(rows, IndexRange(keys[-1])) == [entry("r0").row_key]


def test_a_row_is_replaced_and_dropped_only_as_it_was_read():
    rows = memory_rows()
    assert replace_entry(rows, entry())
    assert not replace_entry(rows, entry()), "there is one"
    first = find_entry(rows, entry().row_key)
    assert first is not None
    assert replace_entry(rows, first)
    assert not replace_entry(rows, first)
    assert not drop_entry(rows, first.row_key, first.etag)
    assert drop_entry(rows, first.row_key)
    assert not drop_entry(rows, first.row_key)


def test_of_a_run_in_deletion_nothing_is_said_any_more():
    rows = memory_rows()
    replace_entry(rows, entry(status=ended()))
    note_deletion(rows, "r", START)
    read = find_entry(rows, entry().row_key)
    assert read is not None
    assert (read.status, read.is_in_deletion, read.workload) == (None, True, "w")
    note_deletion(rows, "nobody", START)
    assert names(read_entries(rows, IndexRange(), 9)) == ["r"]


def test_a_status_that_is_too_long_for_a_row_lacks_its_rarest_failures():
    groups = [ErrorGroup(type="X", message="é" * 9_000, count=9 - n) for n in range(9)]
    rows = memory_rows()
    assert replace_entry(rows, entry(status=ended(errors=groups)))
    row = rows.read_all(row_keys.RUNS_PARTITION)[entry().row_key]
    assert len(row.values["status"]) <= MAX_STATUS_CHARACTERS
    read = find_entry(rows, entry().row_key)
    assert read is not None and read.status is not None
    assert read.status.errors == groups[: len(read.status.errors)] and read.status.errors
