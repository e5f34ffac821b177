import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.pricing.billing import billed_ms, in_steps


@pytest.mark.parametrize(
    ("taken", "billed"),
    [(0, 1000), (1, 1000), (1000, 1000), (1000.5, 1100), (1100, 1100), (1101, 1200), (9999, 10000)],
)
def test_a_second_at_least_then_tenths(taken: float, billed: int):
    assert billed_ms(taken) == billed


@given(st.integers(0, 10**9), st.integers(1, 10**4))
def test_whole_steps_are_the_fewest_that_are_enough(amount: int, step: int):
    stepped = in_steps(amount, step)
    assert stepped % step == 0
    assert amount <= stepped < amount + step
