"""Files of a photo are read and written at once, and an error waits for the others."""

import threading
import time
from contextvars import ContextVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.images.side_by_side import FILES_AT_ONCE, call_side_by_side

PATIENCE_SECONDS = 20


@given(st.lists(st.integers(), max_size=3 * FILES_AT_ONCE))
def test_results_come_in_the_order_of_the_arguments(numbers: list[int]):
    assert call_side_by_side(str, numbers) == [str(number) for number in numbers]


def test_some_calls_are_under_way_at_once():
    together = threading.Barrier(4)
    met = call_side_by_side(lambda _: together.wait(PATIENCE_SECONDS), range(4))
    assert sorted(met) == [0, 1, 2, 3]


def test_the_first_error_is_raised_when_all_have_ended():
    ended: list[int] = []

    def fail(number: int) -> None:
        time.sleep(0.02 * number)
        ended.append(number)
        if number in (1, 2):
            raise ValueError(number)

    with pytest.raises(ValueError, match=r"^1$"):
        call_side_by_side(fail, range(4))
    assert sorted(ended) == [0, 1, 2, 3]


def test_the_threads_know_what_the_caller_knows():
    item: ContextVar[str] = ContextVar("item")
    item.set("a.jpg")
    assert call_side_by_side(lambda _: item.get(), range(3)) == ["a.jpg"] * 3
