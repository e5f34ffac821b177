import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.notifications.sandbox.errors import TemplateLimitError
from workloads.notifications.sandbox.numbers import (
    MAX_BITS,
    calculate,
    require_precision,
)

PYTHON = {"+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv}
LARGEST = 2**MAX_BITS - 1


@given(
    st.sampled_from(sorted(PYTHON)),
    st.integers(-LARGEST, LARGEST),
    st.integers(-LARGEST, LARGEST).filter(bool),
)
def test_integers_are_reckoned_with_as_in_python_or_are_too_large(symbol: str, a: int, b: int):
    expected = PYTHON[symbol](a, b)
    if expected.bit_length() > MAX_BITS:
        with pytest.raises(TemplateLimitError, match="bits"):
            calculate(symbol, a, b)
    else:
        assert calculate(symbol, a, b) == expected


@pytest.mark.parametrize("large", [LARGEST + 1, -LARGEST - 1, 10**4000])
def test_an_integer_that_is_too_large_is_not_reckoned_with(large: Any):
    with pytest.raises(TemplateLimitError):
        calculate("-", large, large)


def test_a_place_that_no_number_has_is_not_rounded_to():
    require_precision(-300)
    with pytest.raises(TemplateLimitError):
        require_precision(-301)
