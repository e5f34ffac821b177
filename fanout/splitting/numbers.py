"""Numbers in JSON (RFC 8259) that a double cannot hold: `1e400` would be infinity, which is none.

A parser gives infinity for them without a word. Whether a text may have one is told for all of its
bytes at once; only values of such texts are looked at one by one.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CASE_BIT = 0x20  # what tells `e` from `E`
_PLUS, _MINUS, _ZERO, _E, _SPACE = b"+-0e "
_NUMBER_BYTES = 15  # from `+` to `9` in ASCII: every byte that stands beside an exponent's letter
# Beyond a double there are three digits in the exponent, or else this many before the point.
_LONG_RUN = 192
_STRIDE = _LONG_RUN // 3
# Arrays of this size are taken from memory that the process has, and not asked of the system anew.
_SLICE_BYTES = 64 * 1024
# How far numbers are followed before their exponents, and how far those that are longer: the
# digits of hashes in hexadecimal can be many. What is longer still is looked at.
_SHORT_MANTISSA, _LONGEST_MANTISSA = 20, 160


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
    found = [_digits_before_letter(buffer, at) for at in range(0, buffer.size, _SLICE_BYTES)]
    ends = np.concatenate([buffer[:0].astype(np.int64), *found])
    for place in (3, 4):
        ends = ends[_is_digit(buffer, ends + place)]
    sign = buffer[ends + 2]
    ends = ends[(sign != _MINUS) & ((sign != _PLUS) | _is_digit(buffer, ends + 5))]
    return bool(ends.size) and _is_any_number(buffer, ends)


def _is_digit(buffer: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    import numpy as np

    return buffer[np.minimum(places, buffer.size - 1)] - _ZERO < 10


def _digits_before_letter(buffer: NDArray[np.uint8], offset: int) -> NDArray[np.int64]:
    """List where, in one slice, a byte of a number stands before an `e`, and one after it."""
    import numpy as np

    part = buffer[offset : offset + _SLICE_BYTES + 2]
    is_of_number = part - _PLUS < _NUMBER_BYTES  # those below `+` wrap around
    is_exponent = part[1:-1] | _CASE_BIT == _E
    is_exponent &= is_of_number[:-2]
    is_exponent &= is_of_number[2:]
    return np.flatnonzero(is_exponent) + offset


def _is_any_number(
    buffer: NDArray[np.uint8], ends: NDArray[np.int64], length: int = _SHORT_MANTISSA
) -> bool:
    """Tell whether what ends at one of these may be a number, and no text that has the like."""
    import numpy as np

    is_mantissa, may_precede = _tables()
    places = ends[:, np.newaxis] - np.arange(length)
    before = np.where(places < 0, _SPACE, buffer[np.maximum(places, 0)])
    in_mantissa = is_mantissa[before]
    is_longer = in_mantissa[:, :-2].all(axis=1)
    before, in_mantissa = before[~is_longer], in_mantissa[~is_longer]
    rows, begins = np.arange(len(before)), in_mantissa.argmin(axis=1)
    begins += before[rows, begins] == _MINUS
    if may_precede[before[rows, begins]].any():
        return True
    longer = ends[is_longer]
    if not longer.size or length >= _LONGEST_MANTISSA:
        return bool(longer.size)
    return _is_any_number(buffer, longer, 2 * length)


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which bytes a number has before its exponent, and which may stand before it."""
    import numpy as np

    is_mantissa, may_precede = np.zeros((2, 256), np.bool_)
    is_mantissa[[*b"0123456789."]] = True
    may_precede[[*b" \t\r\n:,["]] = True
    return is_mantissa, may_precede


def _has_long_run(data: bytes) -> bool:
    """Tell whether there are so many digits in a row."""
    import numpy as np

    samples = np.frombuffer(data, np.uint8)[::_STRIDE] - _ZERO < 10
    runs = np.flatnonzero(samples[:-2] & samples[1:-1] & samples[2:]) * _STRIDE
    return any(data[begin : begin + _STRIDE].isdigit() for begin in runs.tolist())
