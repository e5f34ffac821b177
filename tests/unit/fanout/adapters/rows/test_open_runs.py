"""Which attempts may go on: the list that nobody has to ask Durable for."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.rows.index import IndexEntry, IndexRange, read_entries
from fanout.adapters.rows.open_runs import (
    OpenAttempt,
    adopt,
    close,
    confirm_claim,
    forget,
    note_attempt,
    note_claim,
    open_attempts,
    unfinished_runs,
)
from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import Write
from fanout.models.status import RunStatus
from fanout.naming import row_keys
from tests.support.workloads.attempts import memory_rows
from tests.support.workloads.kept_runs import note_open


def due(minute: int) -> str:
    return f"nightly-20261101T{minute // 60:02d}{minute % 60:02d}00Z"


def test_an_attempt_is_open_from_its_note_on_until_it_is_forgotten():
    to, before = memory_rows(), datetime.now(UTC)
    note_open(to, "r", 1)
    note_open(to, "r2", 1, is_queued=True)
    first, second = open_attempts(to)
    assert (first.run_id, first.number, first.is_queued) == ("r", 1, False)
    assert (second.run_id, second.number, second.is_queued) == ("r2", 1, True)
    assert before <= first.claimed_at <= second.claimed_at <= datetime.now(UTC)
    for _ in range(2):
        forget(to, first)
    assert open_attempts(to) == [second]


def test_a_second_note_leaves_the_first_as_it_was():
    to = memory_rows()
    note_open(to, "r", 1, is_queued=True)
    known = open_attempts(to)
    note_open(to, "r", 1)
    assert open_attempts(to) == known


@given(st.sets(st.integers(0, 1400), min_size=101, max_size=300))
def test_more_unfinished_runs_than_a_page_of_durable_had_are_all_found(minutes: set[int]):
    to = memory_rows()
    for minute in minutes:
        note_open(to, due(minute), 1)
        note_open(to, f"nightly_b-20261101T{minute:04d}00Z", 1)
    assert unfinished_runs(to, "nightly") == {due(minute) for minute in minutes}


def test_runs_of_others_whose_ids_look_like_it_are_none_of_a_schedule():
    to = memory_rows()
    for run_id in ("nightly-by-hand", "nightly-", "nightly", "nightly-x-20261101T000000Z"):
        note_open(to, run_id, 1)
    note_open(to, due(5), 2)
    assert unfinished_runs(to, "nightly") == {due(5)}


def test_its_key_names_it():
    one = OpenAttempt("r.x-1", 12, datetime.now(UTC))
    assert row_keys.parse_open_row(one.row_key) == ("r.x-1", 12)


def entry_of(to: Rows, run_id: str = "r") -> IndexEntry:
    (entry,) = [one for one in read_entries(to, IndexRange(), 100) if one.run_id == run_id]
    return entry


def ended(outcome: str) -> RunStatus:
    return RunStatus.model_validate(
        {"run_id": "", "workload": "", "status": "Completed", "phase": "done", "results_url": ""}
        | {"outcome": outcome}
    )


def test_a_run_is_listed_from_its_note_on_as_one_that_may_go_on():
    to = memory_rows()
    note = note_claim(to, "r", "orders")
    entry = entry_of(to)
    assert (note.is_new, note.entry.claimed_at) == (True, entry.claimed_at)
    assert (entry.workload, entry.attempt, entry.status) == ("orders", 1, None)
    (attempt,) = open_attempts(to)
    assert attempt.listed_at == entry.claimed_at


def test_who_claims_a_run_that_somebody_else_noted_keeps_its_place_and_says_what_was_claimed():
    to = memory_rows()
    first = note_claim(to, "r", "orders")
    second = note_claim(to, "r", "reports", is_queued=True)
    assert (second.is_new, second.entry.claimed_at) == (False, first.entry.claimed_at)
    assert entry_of(to).workload == "orders", "who noted it first may still claim it"
    confirm_claim(to, second.entry, is_queued=True)
    assert entry_of(to).workload == "reports"
    (attempt,) = open_attempts(to)
    assert (attempt.is_queued, attempt.listed_at) == (True, first.entry.claimed_at)


def test_when_all_is_done_about_its_end_the_index_says_how_a_run_ended():
    to = memory_rows()
    claimed_at = note_claim(to, "r", "orders").entry.claimed_at
    close(to, "r", 1, claimed_at, ended("failed"))
    entry = entry_of(to)
    assert entry.status is not None
    assert (entry.workload, entry.status.outcome, open_attempts(to)) == ("orders", "failed", [])


def test_the_place_of_a_run_is_read_where_its_rows_do_not_know_it():
    to = memory_rows()
    note_claim(to, "r", "orders")
    close(to, "r", 1, None, ended("failed"))
    assert entry_of(to).status is not None
    close(to, "nobody", 1, None, ended("failed"))
    assert len(read_entries(to, IndexRange(), 100)) == 1


def test_an_end_of_an_earlier_attempt_that_comes_late_is_not_the_end_of_a_run():
    to = memory_rows()
    claimed_at = note_claim(to, "r", "orders").entry.claimed_at
    note_attempt(to, IndexEntry("r", claimed_at, "orders", 2))
    close(to, "r", 1, claimed_at, ended("failed"))
    assert (entry_of(to).attempt, entry_of(to).status) == (2, None)
    assert [one.number for one in open_attempts(to)] == [2]
    close(to, "r", 2, claimed_at, ended("succeeded"))
    status = entry_of(to).status
    assert status is not None and status.outcome == "succeeded"


def test_a_later_attempt_is_noted_once():
    to = memory_rows()
    claimed_at = note_claim(to, "r", "orders").entry.claimed_at
    close(to, "r", 1, claimed_at, ended("failed"))
    note_attempt(to, IndexEntry("r", claimed_at, "orders", 2))
    (before,) = open_attempts(to)
    note_attempt(to, IndexEntry("r", claimed_at, "orders", 2))
    assert open_attempts(to) == [before]


def test_attempts_that_earlier_versions_have_noted_are_open_until_they_are_among_the_others():
    to = memory_rows()
    old = {"claimed_at": "2026-01-01T00:00:00Z", "is_queued": True}
    write = Write("r!a2", {"json0": json.dumps(old)})
    to.submit(row_keys.EARLIER_OPEN_PARTITION, [write])
    (attempt,) = open_attempts(to)
    assert (attempt.run_id, attempt.number, attempt.is_queued) == ("r", 2, True)
    assert attempt.listed_at is None
    claimed_at = datetime(2025, 12, 31, tzinfo=UTC)
    adopt(to, attempt, IndexEntry("r", claimed_at, "orders", 2))
    (moved,) = open_attempts(to)
    assert (moved.number, moved.is_queued, moved.claimed_at) == (2, True, attempt.claimed_at)
    assert moved.listed_at == claimed_at == entry_of(to).claimed_at
    assert to.read_all(row_keys.EARLIER_OPEN_PARTITION) == {}
