"""The list of schedules: what is found of their last runs, and when they are due next."""

from datetime import UTC, datetime

from fanout.adapters.rows.index import IndexEntry, replace_entry
from fanout.schedules import Schedule
from starters.api.schedules import last_runs
from starters.schedule_files import FOLDER, read_schedules
from tests.support.workloads.attempts import memory_rows

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_the_last_run_of_a_schedule_is_found_among_all_runs():
    rows = memory_rows()
    for run_id, hour in (
        ("nightly-20261122T020000Z", 2),
        ("nightly-20261123T020000Z", 3),
        ("nightly-by-hand", 4),
        ("other-20261123T020000Z", 5),
    ):
        assert replace_entry(rows, IndexEntry(run_id, NOW.replace(hour=hour), "reports"))
    (last,) = last_runs(rows, "nightly")
    assert last.run_id == "nightly-20261123T020000Z"
    assert last_runs(rows, "never") == []


def test_a_schedule_says_when_it_is_due_next_unless_it_is_off():
    on = Schedule("nightly", "0 30 2 * * *", "0 30 2 * * *")
    assert on.next_due(NOW) == datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
    off = Schedule("nightly", "0 30 2 * * *", "0 30 2 * * *", is_enabled=False)
    assert off.next_due(NOW) is None


def test_schedules_that_are_off_are_read_with_what_they_are_for():
    found = {schedule.name: schedule for schedule in read_schedules(FOLDER, {})}
    assert {name: one.is_enabled for name, one in found.items()} == {
        "daily_sweep": True,
        "nightly_report": False,
    }
    assert all(one.description for one in found.values())
