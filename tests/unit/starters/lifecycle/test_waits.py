"""Why a run is queued, as its status says, and where it is in line."""

import threading
from typing import Any

import pytest

from fanout.adapters.rows import places
from fanout.adapters.rows.open_runs import note_claim
from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import Write
from fanout.governor.admission import Entry
from fanout.models.status import RunStatus, Wait
from fanout.naming import row_keys
from starters.lifecycle.waits import add_waits
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.attempts import at, memory_rows

PLACES = 2


def status(run_id: str, phase: str = "queued", **more: Any) -> RunStatus:
    status = {"run_id": run_id, "workload": "w", "status": "Running", "phase": phase}
    return RunStatus.model_validate(status | {"results_url": "", "started_at": at(0)} | more)


def enter(rows: Rows, instance: str, owner: str = "images") -> None:
    places.enter(rows, Entry(instance=instance, owner=owner, max_runs=PLACES, at=at(0)))


def wait_of(rows: Rows, run: RunStatus) -> Wait | None:
    return add_waits([run], rows)[0].wait


@pytest.fixture
def rows() -> Rows:
    """Two runs that go on, and three that wait: the last is the first whose turn it is."""
    rows = memory_rows()
    for number in range(PLACES + 2):
        enter(rows, f"i{number}")
    enter(rows, "o", "orders")
    return rows


def test_a_run_in_line_knows_its_position_by_whose_turn_it_is(rows: Rows):
    waits = [run.wait for run in add_waits([status("i2"), status("i3"), status("o")], rows)]
    assert [wait and wait.reason for wait in waits] == ["places"] * 3
    assert [wait and wait.position for wait in waits] == [2, 3, 1]
    assert {(wait.waiting, wait.running) for wait in waits if wait} == {(3, 2)}


def test_positions_are_those_in_which_places_are_given(rows: Rows):
    """Every run is told a position, and then they get their places in that order."""
    told = {wait_of(rows, status(run)).position: run for run in ("i2", "i3", "o")}  # type: ignore[union-attr]
    called = places.leave(rows, "i0", at(1))
    assert called == (told[1],)


def test_a_run_that_has_a_place_and_has_not_woken_yet_is_about_to_begin(rows: Rows):
    places.leave(rows, "i0", at(1))
    assert wait_of(rows, status("o")) == Wait(reason="start")


def test_a_run_that_is_in_no_line_says_that_it_waits_for_a_place(rows: Rows):
    wait = wait_of(rows, status("far"))
    assert wait is not None and (wait.reason, wait.position) == ("places", None)


def test_an_attempt_that_waits_for_the_one_before_says_so(rows: Rows):
    assert wait_of(rows, status("r", redrive_count=1)) == Wait(reason="attempt")
    enter(rows, "r:a2")
    wait = wait_of(rows, status("r", redrive_count=1))
    assert wait is not None and (wait.reason, wait.position) == ("places", 4)


def test_a_run_that_waits_for_others_of_its_schedule_is_queued(rows: Rows):
    note_claim(rows, "daily-1", "w", is_queued=True)
    note_claim(rows, "posted", "w")
    pending = {"status": "Pending", "phase": "planning", "started_at": None}
    scheduled, posted = add_waits([status("daily-1", **pending), status("posted", **pending)], rows)
    assert (scheduled.phase, scheduled.wait) == ("queued", Wait(reason="schedule"))
    assert (posted.phase, posted.wait) == ("planning", None)


def test_nothing_is_read_for_runs_that_do_not_wait():
    class Unread(MemoryTables):
        def read(self, *_: Any) -> Any:
            raise AssertionError("nobody asked for it")

    going_on = [status("a", "processing"), status("b", "planning"), status("c", "done")]
    assert add_waits(going_on, Rows(Unread(), "fanoutruns")) == going_on


def test_the_row_is_read_once_for_a_whole_page(rows: Rows, monkeypatch: pytest.MonkeyPatch):
    reads = []
    read = MemoryTables.read
    monkeypatch.setattr(MemoryTables, "read", lambda *of: (reads.append(of), read(*of))[1])
    add_waits([status("i2"), status("i3"), status("o")] * 30, rows)
    assert len(reads) == 1


def test_a_row_of_places_that_cannot_be_read_hides_no_run():
    rows = memory_rows()
    rows.submit(row_keys.ADMISSION_PARTITION, [Write(row_keys.ADMISSION_ROW, {"json0": "{"})])
    wait = wait_of(rows, status("r"))
    assert wait is not None and wait.position is None


def test_whether_runs_wait_for_their_schedules_is_read_side_by_side(
    monkeypatch: pytest.MonkeyPatch,
):
    """Reads that begin only once several are under way: one by one, none would end."""
    rows, count = memory_rows(), 4
    for number in range(count):
        note_claim(rows, f"daily-{number}", "w", is_queued=True)
    together, read, reads = threading.Barrier(count), MemoryTables.read, []

    def read_together(*of: Any) -> Any:
        reads.append(of)
        together.wait(timeout=120)
        return read(*of)

    monkeypatch.setattr(MemoryTables, "read", read_together)
    pending = {"status": "Pending", "started_at": None}
    runs = [status(f"daily-{number}", "planning", **pending) for number in range(count)]
    assert {run.phase for run in add_waits(runs, rows)} == {"queued"}
    assert len(reads) == count
