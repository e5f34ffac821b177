"""Numbers in JSON (RFC 8259) that a double cannot hold: `1e400` would be infinity, which is none.

A parser gives infinity for them without a word. Whether a text may have one is told for all of its
bytes at once; only values of such texts are looked at one by one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CASE_BIT = 0x20  # what tells `e` from `E`
_PLUS, _MINUS, _ZERO, _E = b"+-0e"
_NUMBER_BYTES = 15  # from `+` to `9` in ASCII: every byte that stands beside an exponent's letter
# Beyond a double there are three digits in the exponent, or else this many before the point.
_LONG_RUN = 192
_STRIDE = _LONG_RUN // 3
_EXPONENT_DIGITS = 3
_MANTISSA = b"0123456789."
_BEFORE_NUMBER = b" \t\r\n:,[" + _MANTISSA
# How far before its exponent a number is followed; one that is longer is looked at.
_LONGEST_MANTISSA = 64


def may_overflow(data: bytes) -> bool:
    """Tell whether some number in texts of JSON may be too large for a double.

    It may tell so of texts without one, if they have the like.
    """
    return _has_large_exponent(data) or (len(data) > _LONG_RUN and _has_long_run(data))


def has_infinity(value: Any) -> bool:
    """Tell whether a parsed value is an infinite number, or has one anywhere."""
    values = [value]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)
        elif isinstance(value, float) and math.isinf(value):
            return True
    return False


def _has_large_exponent(data: bytes) -> bool:
    import numpy as np

    buffer = np.frombuffer(data, np.uint8)
    # Those below `+` wrap around.
    is_of_number = buffer - _PLUS < _NUMBER_BYTES
    is_exponent = buffer[1:-1] | _CASE_BIT == _E
    is_exponent &= is_of_number[:-2]
    is_exponent &= is_of_number[2:]
    digits = np.flatnonzero(is_exponent)
    for place in range(_EXPONENT_DIGITS):
        # With a plus there is a digit more, which is left to whoever looks at the value.
        after = buffer[np.minimum(digits + 2 + place, buffer.size - 1)]
        digits = digits[(after - _ZERO < 10) | ((after == _PLUS) & (place == 0))]
    return bool(digits.size) and _follow_numbers(buffer, digits)


def _follow_numbers(buffer: NDArray[np.uint8], ends: NDArray[np.int64]) -> bool:
    """Tell whether what ends there is a number, and no text that has the like."""
    import numpy as np

    is_mantissa, may_precede = np.zeros((2, 256), np.bool_)
    is_mantissa[[*_MANTISSA]], may_precede[[*_BEFORE_NUMBER]] = True, True
    begins = ends
    for _ in range(_LONGEST_MANTISSA):
        steps = is_mantissa[buffer[begins]] & (begins > 0)
        if not steps.any():
            break
        begins = begins - steps
    begins = begins - ((buffer[begins] == _MINUS) & (begins > 0))
    return bool((may_precede[buffer[begins]] | (begins == 0)).any())


def _has_long_run(data: bytes) -> bool:
    """Tell whether there are so many digits in a row."""
    import numpy as np

    samples = np.frombuffer(data, np.uint8)[::_STRIDE] - _ZERO < 10
    runs = np.flatnonzero(samples[:-2] & samples[1:-1] & samples[2:]) * _STRIDE
    return any(data[begin : begin + _STRIDE].isdigit() for begin in runs.tolist())
