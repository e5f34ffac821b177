"""A row that is changed unread: no change of anybody is lost, and nobody is told old news."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from fanout.adapters.rows.rows import RowContentionError, Rows
from tests.support.doubles.memory_tables import MemoryTables


class Total(BaseModel):
    amounts: list[int] = []


def add(amount: int):
    return lambda total: (Total(amounts=[*total.amounts, amount]), len(total.amounts))


def look(total: Total) -> tuple[Total, list[int]]:
    return total, total.amounts


class CountedTables(MemoryTables):
    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.before_write = lambda: self.calls.update(["write"])

    def read(self, *words):
        self.calls["read"] += 1
        return super().read(*words)


def change(rows: Rows, rule):
    return rows.change_together("p", "r", Total, rule)


def test_nobody_reads_what_nobody_else_changes():
    rows = Rows(tables := CountedTables(), "t")
    assert [change(rows, add(number)) for number in range(5)] == [0, 1, 2, 3, 4]
    assert tables.calls == {"read": 1, "write": 5}


def test_what_is_not_to_be_changed_is_read_first():
    tables = CountedTables()
    one, other = Rows(tables, "t"), Rows(tables, "t")
    change(one, add(1))
    change(other, add(2))
    assert change(one, look) == [1, 2]


@given(st.lists(st.integers(0, 3), max_size=40))
def test_processes_that_change_a_row_in_any_order_lose_nothing(turns: list[int]):
    tables = CountedTables()
    processes = [Rows(tables, "t") for _ in range(4)]
    for place, turn in enumerate(turns):
        assert change(processes[turn], add(place)) == place
    assert change(Rows(tables, "t"), look) == list(range(len(turns)))


def test_where_two_take_turns_each_reads_first_soon():
    tables = CountedTables()
    processes = [Rows(tables, "t") for _ in range(2)]
    for number in range(100):
        change(processes[number % 2], add(number))
    # Each may be wrong once.
    assert tables.calls["write"] <= 102
    assert tables.calls["read"] <= 101


def test_a_process_that_is_alone_again_stops_reading():
    tables = CountedTables()
    one, other = Rows(tables, "t"), Rows(tables, "t")
    for rows in (one, other, one, one):
        change(rows, add(0))
    tables.calls.clear()
    for _ in range(10):
        change(one, add(0))
    assert tables.calls == {"write": 10}


def test_who_never_gets_through_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fanout.adapters.rows.rows.MAX_PAUSE_SECONDS", 0.0)
    tables = CountedTables()
    rows, others = Rows(tables, "t"), Rows(tables, "t")

    def disturb() -> None:
        tables.before_write = lambda: None
        others.change("p", "r", Total, add(9))
        tables.before_write = disturb

    tables.before_write = disturb
    with pytest.raises(RowContentionError):
        change(rows, add(1))
