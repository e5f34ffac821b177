"""Which attempts may go on: the list that nobody has to ask Durable for."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.rows.open_runs import (
    OpenAttempt,
    forget,
    open_attempts,
    unfinished_runs,
)
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
