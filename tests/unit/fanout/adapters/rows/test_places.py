"""A place that is freed goes to the next, be it of a run that goes on or of one that waits."""

from typing import Any

import pytest

from fanout.adapters.rows import places
from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import Write
from fanout.governor.admission import AdmissionState, Entry
from fanout.naming import row_keys
from tests.support.workloads.attempts import at, memory_rows


def enter(rows: Rows, instance: str) -> bool:
    return places.enter(rows, Entry(instance=instance, max_runs=1, at=at(0))).has_come


def test_who_ends_leaves_its_place_to_the_next_and_who_waits_no_longer_its_turn() -> None:
    rows = memory_rows()
    assert [enter(rows, instance) for instance in ("r", "r2", "r3")] == [True, False, False]
    assert places.leave(rows, "r2", at(1)) == ()
    assert places.leave(rows, "r", at(1)) == ("r3",)
    assert places.leave(rows, "r", at(1)) == ()
    assert enter(rows, "r3")
    found = places.read_places(rows)
    assert ([*found.running], [*found.waiting]) == (["r3"], [])


@pytest.mark.parametrize(
    "values",
    [
        {"json0": "{"},
        {"json0": "[]"},
        {"json0": '{"running": 7}'},
        {"json0": '{"waiting": {"r2": "never"}}'},
        {"json0": '{"waiting": {"r2": "2026-01-01T00:00:00"}}'},
        {"json0": '{"max_runs": 1}', "version": 99},
        {"json0": 17},
        {},
    ],
)
def test_a_row_that_cannot_be_read_keeps_no_run_from_its_place(values: dict[str, Any]) -> None:
    rows = memory_rows()
    write = Write(row_keys.ADMISSION_ROW, values, mode="put")
    rows.submit(row_keys.ADMISSION_PARTITION, [write])
    assert places.read_places(rows) == AdmissionState()
    assert [enter(rows, instance) for instance in ("r", "r2")] == [True, False]
    assert places.leave(rows, "r", at(1)) == ("r2",)
    assert [*places.read_places(rows).running] == ["r2"]
