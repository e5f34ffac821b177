"""Many threads change one row: each change happens once, in few writes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import BaseModel

from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import RowConflictError
from tests.support.doubles.memory_tables import MemoryTables


class Log(BaseModel):
    lines: list[str] = []


def add(line: str) -> Any:
    return lambda log: (Log(lines=[*log.lines, line]), len(log.lines))


class Gate(MemoryTables):
    """Tables whose first write waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_reached, self.may_go_on = threading.Event(), threading.Event()
        self.writes = 0
        self.before_write = self._pass

    def _pass(self) -> None:
        self.writes += 1
        if self.writes == 1:
            self.is_reached.set()
            assert self.may_go_on.wait(120)


def change_behind_a_gate(tables: Gate, rows: Rows, count: int) -> list[Any]:
    """Have one thread reach its write, others come meanwhile, and then all go on."""
    came = threading.Semaphore(0)

    def change(line: str) -> int:
        came.release()
        return rows.change_together("p", "r", Log, add(line))

    with ThreadPoolExecutor(count + 1) as pool:
        first = pool.submit(change, "first")
        assert tables.is_reached.wait(120)
        others = [pool.submit(change, f"other {number}") for number in range(count)]
        for _ in range(count + 1):
            assert came.acquire(timeout=120)
        group = rows._groups[("p", "r")]
        while len(group._changes) < count:
            threading.Event().wait(0.001)
        tables.may_go_on.set()
        return [first, *others]


def test_changes_that_come_while_another_is_written_are_written_together() -> None:
    tables = Gate()
    rows = Rows(tables, "t")
    answers = [each.result(120) for each in change_behind_a_gate(tables, rows, 15)]
    assert sorted(answers) == [*range(16)], "each saw those before it"
    assert sorted(rows.load("p", "r", Log).lines) == sorted(
        ["first", *(f"other {number}" for number in range(15))]
    )
    assert tables.writes == 2


def test_each_of_a_group_hears_why_it_was_not_written_and_later_ones_are() -> None:
    tables = Gate()
    rows = Rows(tables, "t")
    passes = tables.before_write

    def fail_after_the_first() -> None:
        passes()
        if tables.writes == 2:
            raise ConnectionError("storage is away")

    tables.before_write = fail_after_the_first
    first, *others = change_behind_a_gate(tables, rows, 3)
    assert first.result(120) == 0
    for other in others:
        with pytest.raises(ConnectionError, match="storage is away"):
            other.result(120)
    assert rows.change_together("p", "r", Log, add("later")) == 1
    assert rows.load("p", "r", Log).lines == ["first", "later"]


def test_processes_that_change_the_same_row_lose_nothing() -> None:
    tables = MemoryTables()
    one, other = Rows(tables, "t"), Rows(tables, "t")

    def change(number: int) -> int:
        rows = one if number % 2 else other
        return rows.change_together("p", "r", Log, add(str(number)))

    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(change, range(100))]
    assert sorted(answers) == [*range(100)]
    assert sorted(map(int, one.load("p", "r", Log).lines)) == [*range(100)]


def test_a_lost_race_is_run_again_for_the_whole_group() -> None:
    tables = Gate()
    rows = Rows(tables, "t")
    passes = tables.before_write

    def lose_once() -> None:
        passes()
        if tables.writes == 2:
            raise RowConflictError("somebody was faster")

    tables.before_write = lose_once
    answers = [each.result(120) for each in change_behind_a_gate(tables, rows, 4)]
    assert sorted(answers) == [*range(5)]
    assert len(rows.load("p", "r", Log).lines) == 5
