"""Exact numbers: sums of whole numbers and of 64-bit floats without any rounding.

Every float is a whole number times a power of two, so a sum of floats is a fraction, which Python
holds exactly. Rounding happens once, at the end: a report is the same however its source was cut.
"""

import math
from fractions import Fraction

Exact = int | Fraction

_ROOT_BITS = 64  # of a square root before it is rounded to the 53 of a float


def scale(mantissa: int, exponent: int) -> Exact:
    """Compute ``mantissa * 2 ** exponent`` exactly."""
    if exponent >= 0:
        return mantissa << exponent
    return Fraction(mantissa, 1 << -exponent)


def to_json(value: Exact) -> int | str:
    """Serialise without loss; a fraction is the text ``numerator/denominator``."""
    return value if isinstance(value, int) else str(value)


def from_json(value: int | str) -> Exact:
    """Invert `to_json`."""
    return value if isinstance(value, int) else Fraction(value)


def round_to_float(value: Exact) -> float | int:
    """Round to the nearest float; beyond the range of floats, to a whole number."""
    try:
        return float(value)
    except OverflowError:
        return round(value)


def square_root(value: Exact) -> float | int:
    """The square root of a number that is not negative."""
    fraction = Fraction(value)
    size = fraction.numerator.bit_length() - fraction.denominator.bit_length()
    shift = max(0, _ROOT_BITS - size // 2)
    root = math.isqrt((fraction.numerator << 2 * shift) // fraction.denominator)
    return round_to_float(Fraction(root, 1 << shift))
