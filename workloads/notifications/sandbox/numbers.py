"""Arithmetic on numbers that stay small."""

import operator
from collections.abc import Callable
from typing import Any

from workloads.notifications.sandbox.errors import TemplateLimitError
from workloads.notifications.sandbox.weights import NUMBERS

MAX_BITS = 1024  # as the largest double has
MAX_PRECISION = 300

_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def are_numbers(*values: Any) -> bool:
    """Whether all of them are integers, floats or booleans."""
    return all(type(value) in NUMBERS for value in values)


def calculate(symbol: str, left: Any, right: Any) -> Any:
    """Calculate with two numbers.

    Raises:
        TemplateLimitError: One of them, or the result, is an integer that is too large.
    """
    require_small(left)
    require_small(right)
    return require_small(_OPERATIONS[symbol](left, right))


def require_small(number: Any) -> Any:
    """Give a number, unless it is an integer of more bits than the largest double has.

    Raises:
        TemplateLimitError: It is.
    """
    if isinstance(number, int) and number.bit_length() > MAX_BITS:
        raise TemplateLimitError(f"an integer has more than {MAX_BITS} bits")
    return number


def require_precision(digits: Any) -> None:
    """Refuse to round to a place that no number has: it is a power of ten that is worked out.

    Raises:
        TemplateLimitError: It is too many places.
    """
    if isinstance(digits, int) and abs(digits) > MAX_PRECISION:
        raise TemplateLimitError(f"a precision is beyond {MAX_PRECISION} places")
