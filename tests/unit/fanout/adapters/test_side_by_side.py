"""Calls side by side do not wait for each other, and none is left when they are through."""

from contextvars import ContextVar
from functools import partial
from threading import Barrier, Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.side_by_side import MAX_THREADS, side_by_side

PATIENCE_SECONDS = 30.0


def test_they_go_on_at_the_same_time_and_their_results_are_in_order() -> None:
    together = Barrier(3)  # who came alone would wait for ever

    def call(number: int) -> int:
        together.wait(PATIENCE_SECONDS)
        return number

    assert side_by_side(lambda: call(0), lambda: call(1), lambda: call(2)) == [0, 1, 2]


def test_of_nothing_comes_nothing() -> None:
    assert side_by_side() == []


@pytest.mark.parametrize("failing", range(3))
def test_one_that_fails_is_raised_when_all_have_ended(failing: int) -> None:
    ends = [Event() for _ in range(3)]

    def call(number: int) -> None:
        if number == failing:
            ends[number].set()
            raise KeyError(number)
        ends[failing].wait(PATIENCE_SECONDS)
        ends[number].set()

    with pytest.raises(KeyError, match=str(failing)):
        side_by_side(*(lambda number=number: call(number) for number in range(3)))
    assert all(end.is_set() for end in ends)


def test_of_two_that_fail_the_first_is_raised() -> None:
    def fail(error: BaseException) -> None:
        raise error

    with pytest.raises(SystemExit):  # a workload may raise whatever it likes
        side_by_side(lambda: fail(SystemExit()), lambda: fail(KeyError()))


@given(st.lists(st.integers(), max_size=3 * MAX_THREADS))
def test_results_of_more_calls_than_threads_are_in_order(numbers: list[int]) -> None:
    assert side_by_side(*(partial(str, number) for number in numbers)) == list(map(str, numbers))


def test_the_threads_know_what_the_caller_knows() -> None:
    item: ContextVar[str] = ContextVar("item")
    item.set("a.jpg")
    assert side_by_side(item.get, item.get, item.get) == ["a.jpg"] * 3
