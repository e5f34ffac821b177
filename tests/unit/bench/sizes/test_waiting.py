"""The ideal schedule is the best there is where that is known, and never better than can be."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.sizes.waiting import ideal_seconds


@pytest.mark.parametrize(
    ("waits", "at_once", "seconds"),
    [
        ([2.0] * 100, 64, 4.0),
        ([2.0] * 64, 64, 2.0),
        ([0.05] * 990 + [20.0] * 10, 64, 20.0),
        ([3.0, 2.0, 2.0], 1, 7.0),
    ],
)
def test_the_ideal_is_known_for_these(waits: list[float], at_once: int, seconds: float):
    assert ideal_seconds(waits, at_once) == pytest.approx(seconds)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 3))
def test_it_is_within_a_third_of_the_best_of_all_schedules(waits: list[int], at_once: int):
    places = product(range(at_once), repeat=len(waits))
    best = min(
        max(
            sum(wait for wait, at in zip(waits, choice, strict=True) if at == n)
            for n in range(at_once)
        )
        for choice in places
    )
    assert best <= ideal_seconds(waits, at_once) <= best * 4 / 3
