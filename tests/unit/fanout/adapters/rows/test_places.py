"""A place that is freed goes to the next, be it of a run that goes on or of one that waits."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.rows import places
from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import Write
from fanout.governor.admission import AdmissionState, Entry, lend
from fanout.naming import row_keys
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.attempts import at, memory_rows

OWNERS = ("images", "orders ann", "orders ben")
FATES = ("well", "well", "dies before it writes", "dies before it is answered")
Step = tuple[int, str, int, str]


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


class DiedError(Exception):
    """A process is no more."""


class Processes:
    """Two processes over the same table, either of which may die at a write; each is made anew."""

    def __init__(self) -> None:
        self.tables = MemoryTables()
        self.rows = [self._new(), self._new()]

    def _new(self) -> Rows:
        return Rows(self.tables, "fanoutruns")

    def carry_out(self, number: int, fate: str, change: Callable[[Rows], Any]) -> Any:
        """Have one process change the row; if it dies, the other does the same again."""

        def die() -> None:
            raise DiedError

        if fate != "well":
            name = "before_write" if "before it writes" in fate else "after_write"
            setattr(self.tables, name, die)
        try:
            return change(self.rows[number])
        except DiedError:
            self.rows[number] = self._new()
            self._revive()
            return change(self.rows[1 - number])
        finally:
            self._revive()

    def _revive(self) -> None:
        self.tables.before_write = self.tables.after_write = lambda: None


def steps() -> st.SearchStrategy[list[Step]]:
    kinds = st.sampled_from(["enter", "enter", "leave", "look"])
    return st.lists(
        st.tuples(st.integers(0, 1), kinds, st.integers(0, 8), st.sampled_from(FATES)), max_size=40
    )


@given(st.integers(1, 3), steps())
def test_no_place_is_lost_or_given_twice_wherever_a_process_dies(
    most: int, moves: list[Step]
) -> None:
    processes, there = Processes(), set[str]()

    def asks(run: int) -> Entry:
        return Entry(instance=f"r{run}", owner=OWNERS[run % 3], max_runs=most, at=at(0))

    for process, kind, run, fate in moves:
        entry = asks(run)
        if kind == "enter":
            processes.carry_out(process, fate, lambda rows, entry=entry: places.enter(rows, entry))
            there.add(entry.instance)
        elif kind == "leave":
            processes.carry_out(
                process, fate, lambda rows, entry=entry: places.leave(rows, entry.instance, at(0))
            )
            there.discard(entry.instance)
        else:
            processes.carry_out(
                process,
                fate,
                lambda rows: places.change_places(rows, lambda state: lend(state, {}, at(0))),
            )
        found = places.read_places(processes.rows[0])
        assert sorted([*found.running, *found.waiting]) == sorted(there)
        assert len(found.running) <= most
        assert len(found.running) == most or not found.waiting
    while there:  # each asks by its timer, though whoever should have woken it has died
        going = {run for run in range(9) if f"r{run}" in there and _has_begun(processes, asks(run))}
        assert going, "nobody can begin"
        for run in going:
            places.leave(processes.rows[run % 2], f"r{run}", at(0))
            there.discard(f"r{run}")
    assert places.read_places(processes.rows[0]).owners == {}


def _has_begun(processes: Processes, entry: Entry) -> bool:
    return places.enter(processes.rows[0], entry).has_come


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
