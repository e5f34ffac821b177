"""Quantiles from counts of values by bucket; the width of a bucket grows with its values.

A bucket is a 128th of the way from one power of two to the next: the upper bits of a 64-bit float.
So finding it takes no arithmetic, and each value lies within `RELATIVE_ERROR` of the middle of its
bucket. Counts add up: merging is exact, and a quantile is the same however the data was cut, which
a sketch that is random (KLL) or merges neighbours (t-digest) cannot promise. There are at most 128
buckets for each power of two between the lowest and the highest value.

Source: Masson, Rim and Lee, DDSketch, VLDB 2019, for the guarantee; Gil Tene's HdrHistogram for the
layout of the buckets.
"""

import math
import struct
from collections.abc import Mapping
from fractions import Fraction

from workloads.reports.statistics.exact import Exact

Buckets = Mapping[int, int]
"""How many values are in each bucket; only those that have any."""

_KEPT_BITS = 7  # of the mantissa
SHIFT = 52 - _KEPT_BITS
MAGNITUDE = 2**63 - 1
RELATIVE_ERROR = 2.0 ** -(_KEPT_BITS + 1)
"""How far a quantile may be from the exact one, as a part of it: 0.4 %.

Whole numbers below 256, in columns of whole numbers, are exact. Numbers closer to zero than the
normal floats (2.2e-308) are within 2e-310.
"""


def find_bucket(value: float) -> int:
    """Find the bucket of a number; buckets are in the order of the values in them."""
    bits: int = struct.unpack("<q", struct.pack("<d", value + 0.0))[0]  # no negative zero
    upper = (bits & MAGNITUDE) >> SHIFT
    return upper if bits >= 0 else ~upper


def merge_buckets(first: Buckets, second: Buckets) -> Buckets:
    """Add up the counts of each bucket."""
    counts = dict(first)
    for bucket, count in second.items():
        counts[bucket] = counts.get(bucket, 0) + count
    return counts


def quantile(
    buckets: Buckets, part: Fraction, low: Exact, high: Exact, *, is_fractional: bool
) -> float | int:
    """The lowest value that a part of the values do not exceed, by nearest rank.

    Args:
        buckets: Counts of at least one value.
        part: The part of the values, 0 to 1.
        low: The lowest value.
        high: The highest.
        is_fractional: Whether some value of the column is not a whole number.
    """
    rank = max(1, math.ceil(part * sum(buckets.values())))
    count = 0
    for bucket in sorted(buckets):
        count += buckets[bucket]
        if count >= rank:
            break
    value = _middle(bucket) if is_fractional else _whole_middle(bucket)
    bounded: Exact = min(max(Fraction(value), Fraction(low)), Fraction(high))
    return float(bounded) if is_fractional else round(bounded)


def _edges(bucket: int) -> tuple[float, float]:
    """The absolute values at which a bucket begins and ends."""
    upper = bucket if bucket >= 0 else ~bucket
    return _from_bits(upper << SHIFT), _from_bits(((upper + 1) << SHIFT) - 1)


def _from_bits(bits: int) -> float:
    value: float = struct.unpack("<d", struct.pack("<q", bits))[0]
    return value


def _middle(bucket: int) -> float:
    near, far = _edges(bucket)
    middle = near + (far - near) / 2 if near else 0.0
    return middle if bucket >= 0 else -middle


def _whole_middle(bucket: int) -> int:
    """The whole number in a bucket that has only one, else one in its middle."""
    near, far = (Fraction(edge) for edge in _edges(bucket))
    first, last = math.ceil(near), math.floor(far)
    middle = (first + last) // 2
    return middle if bucket >= 0 else -middle


def to_json(buckets: Buckets) -> list[list[int]]:
    """Serialise as the steps from bucket to bucket, which are short numbers, and the counts."""
    numbers = sorted(buckets)
    steps = [number - previous for previous, number in zip([0, *numbers], numbers, strict=False)]
    return [steps, [buckets[number] for number in numbers]]


def from_json(steps_and_counts: list[list[int]]) -> Buckets:
    """Invert `to_json`."""
    buckets, number = {}, 0
    for step, count in zip(*steps_and_counts, strict=True):
        number += step
        buckets[number] = count
    return buckets
