import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.reports.statistics.exact import (
    from_json,
    round_to_float,
    scale,
    square_root,
    to_json,
)

numbers = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False).map(Fraction), st.fractions()
)


@settings(deadline=None)
@given(numbers)
def test_json_loses_nothing(number):
    assert from_json(to_json(number)) == number


@settings(deadline=None)
@given(st.integers(-(2**60), 2**60), st.integers(-1200, 1200))
def test_scaled_is_exact(mantissa, exponent):
    assert scale(mantissa, exponent) == mantissa * Fraction(2) ** exponent


@settings(deadline=None)
@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_the_root_of_a_square_is_what_was_squared(number):
    assert square_root(Fraction(number) ** 2) == number


@settings(deadline=None)
@given(st.fractions(min_value=0, max_value=10**6))
def test_roots_are_those_of_the_standard_library(number):
    assert square_root(number) == pytest.approx(math.sqrt(number), rel=1e-15)


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_rounds_to_itself(number):
    assert round_to_float(Fraction(number)) == number


def test_what_is_beyond_the_floats_is_a_whole_number():
    assert round_to_float(10**400) == 10**400
    assert round_to_float(-(Fraction(10) ** 400)) == -(10**400)
