"""Sharing out the memory of a process: never more than there is, nobody left behind."""

import ctypes
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout import memory as memory_module
from fanout.memory import Memory, _find_trim
from fanout.splitting.sizes.budget import Budget

SECONDS = 20


class Crowd:
    """Threads that hold memory at the same time, and what they saw."""

    def __init__(self, memory: Memory, sizes: list[int], seed: int = 0) -> None:
        self._memory, self._random = memory, Random(seed)
        self._lock = threading.Lock()
        self.most = self._now = 0
        self.threads = [threading.Thread(target=self._hold, args=(size,)) for size in sizes]

    def _hold(self, size: int) -> None:
        counted = 0 if size <= self._memory.free else min(size, self._memory.capacity)
        with self._memory.hold(size) as hold:
            self._note(counted)
            if self._random.random() < 0.5:
                less = min(counted, self._random.randint(0, size))
                self._note(-counted if less <= self._memory.free else less - counted)
                counted = 0 if less <= self._memory.free else less
                hold.shrink(less)
            self._note(-counted)

    def _note(self, size: int) -> None:
        with self._lock:
            self._now += size
            self.most = max(self.most, self._now)

    def run(self) -> None:
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join(SECONDS)
        assert not any(thread.is_alive() for thread in self.threads)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 100),
    st.integers(0, 10),
    st.lists(st.integers(0, 200), max_size=20),
    st.integers(0, 99),
)
def test_everybody_has_a_turn_and_no_more_is_held_than_there_is(
    capacity: int, free: int, sizes: list[int], seed: int
):
    memory = Memory(capacity, free)
    crowd = Crowd(memory, sizes, seed)
    crowd.run()
    assert crowd.most <= capacity
    assert memory.held == 0


def test_who_came_first_is_served_first():
    memory = Memory(10)
    order: list[str] = []
    threads = []

    def hold(name: str, size: int) -> None:
        with memory.hold(size):
            order.append(name)

    with memory.hold(5):
        for name, size in (("large", 10), ("small", 5)):
            thread = threading.Thread(target=hold, args=(name, size))
            thread.start()
            threads.append(thread)
            while memory.waiting < len(threads):
                thread.join(0.001)
        assert order == []  # the small one would fit, and would keep the large one waiting
    for thread in threads:
        thread.join(SECONDS)
    assert order == ["large", "small"]


def test_who_takes_little_does_not_wait_even_where_all_is_held():
    memory = Memory(100, 10)
    with memory.hold(1000) as all_of_it, memory.hold(10) as little:
        assert (all_of_it.size, little.size, memory.held) == (100, 0, 100)


def test_what_is_given_back_is_for_others_and_none_can_hold_more():
    memory = Memory(100, 10)
    with memory.hold(90) as first:
        first.shrink(30)
        assert memory.held == 30
        first.shrink(80)
        assert memory.held == 30
        with memory.hold(70):
            assert memory.held == 100
        first.shrink(5)
        assert memory.held == 0
    assert memory.held == 0


def test_memory_is_given_back_by_whoever_fails():
    memory = Memory(100)
    with pytest.raises(ValueError, match="no"), memory.hold(60):
        raise ValueError("no")
    assert memory.held == 0


@given(st.integers(8 * 1_048_576, 1 << 40))
def test_the_parts_of_a_budget_fit_into_it(batch: int):
    budget = Budget(batch)
    assert budget.free < budget.piece < budget.item <= budget.batch < budget.shared


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """There, the process itself is no library."""

    def refuse(name: str | None) -> None:
        if name is None:
            raise TypeError("argument of type 'NoneType' is not iterable")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    _find_trim.cache_clear()
    yield
    _find_trim.cache_clear()


@pytest.mark.usefixtures("windows")
def test_where_the_heap_cannot_be_given_back_memory_is_held_all_the_same():
    memory = Memory(100)
    for _ in range(2):
        with memory.hold(100):
            assert memory.held == 100
    assert memory.held == 0


@pytest.mark.parametrize(
    ("size", "resident", "trims"), [(100, 151, 1), (100, 150, 0), (12, 151, 1), (11, 151, 0)]
)
def test_the_heap_is_trimmed_behind_a_large_hold_in_a_process_that_takes_much(
    size: int, resident: int, trims: int, monkeypatch: pytest.MonkeyPatch
):
    made: list[int] = []
    monkeypatch.setattr(memory_module, "_resident_bytes", lambda: resident)
    monkeypatch.setattr(memory_module, "_trim_heap", lambda: made.append(1))
    with Memory(100).hold(size):
        assert made == []
    assert len(made) == trims


def test_what_the_process_takes_is_read_from_the_system(monkeypatch: pytest.MonkeyPatch):
    before = memory_module._resident_bytes()
    block = bytearray(64 * 1024 * 1024)
    block[::4096] = b"x" * len(block[::4096])
    assert memory_module._resident_bytes() - before > 32 * 1024 * 1024
    monkeypatch.setattr(memory_module, "_STATM", Path("/nowhere"))
    assert memory_module._resident_bytes() == sys.maxsize
