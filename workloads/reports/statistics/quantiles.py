"""Quantiles from counts of values by buckets, whose widths grow with the values in them.

A bucket is a 128th of the way from one power of two to the next: the upper bits of a 64-bit float.
So it takes no arithmetic to find it, and each value lies within `RELATIVE_ERROR` of the middle of
its bucket. Counts add up: merging is exact, and a quantile is the same however the data was cut,
which no sketch that draws lots (KLL) or merges neighbours (t-digest) can promise. There are as many
buckets as differ in the data: 128 for each power of two between its lowest and highest value.

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


def bucket_of(value: float) -> int:
    """Find the bucket of a number; buckets are in the order of the values in them."""
    bits: int = struct.unpack("<q", struct.pack("<d", value + 0.0))[0]  # no negative zero
    upper = (bits & MAGNITUDE) >> SHIFT
    return upper if bits >= 0 else ~upper


def merged(left: Buckets, right: Buckets) -> Buckets:
    """Add up."""
    counts = dict(left)
    for bucket, count in right.items():
        counts[bucket] = counts.get(bucket, 0) + count
    return counts


def quantile(
    buckets: Buckets, part: Fraction, low: Exact, high: Exact, *, is_fractional: bool
) -> float | int:
    """Give the lowest value which at least a part of the values do not exceed, by nearest rank.

    Args:
        buckets: Counts; there is at least one value.
        part: 0 to 1.
        low: The lowest value.
        high: The highest.
        is_fractional: Whether some value of the column is not a whole number.
    """
    wanted = max(1, math.ceil(part * sum(buckets.values())))
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= wanted:
            break
    value = _middle(bucket) if is_fractional else _whole_middle(bucket)
    within: Exact = min(max(Fraction(value), Fraction(low)), Fraction(high))
    return float(within) if is_fractional else round(within)


def _edges(bucket: int) -> tuple[float, float]:
    """The numbers at which a bucket begins and ends, by their distance from zero."""
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
    """Write the steps from bucket to bucket, and the counts: short numbers."""
    known = sorted(buckets)
    steps = [bucket - before for before, bucket in zip([0, *known], known, strict=False)]
    return [steps, [buckets[bucket] for bucket in known]]


def from_json(written: list[list[int]]) -> Buckets:
    """Invert `to_json`."""
    buckets, at = {}, 0
    for step, count in zip(*written, strict=True):
        at += step
        buckets[at] = count
    return buckets
