"""Parse columns of texts as numbers, by a rule that looks at one cell alone.

A text is a number if it is a decimal, with an exponent or without, and within the range of 64-bit
floats: ``-3``, ``.5``, ``1e-3``; not ``inf``, ``nan``, ``1,000`` or ``1 ``. Digits alone, with a
sign or without, are a whole number and exact, however large; any other is the nearest float. Other
cells of the column do not matter, so where a chunk begins does not matter either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import polars as pl

MAX_EXACT = 2**53  # up to here whole numbers, their squares and sums fit the sums of a chunk
_MANTISSA_BITS = 53
_WHOLE = r"^[+-]?[0-9]+$"
# Python converts 4,300 digits at most, and zeros in front are some of them.
_ZEROS = r"^([+-]?)0+"


@dataclass(frozen=True)
class Numbers:
    """The numbers of a column; each row is in at most one of these, a missing value in none.

    Attributes:
        whole: Whole numbers up to `MAX_EXACT` (Int64).
        real: Floats (Float64); None if there are none.
        huge: Larger whole numbers, as texts; None if there are none.
        invalid: Rows that are no number and not missing; None if there are none.
    """

    whole: pl.Series
    real: pl.Series | None = None
    huge: pl.Series | None = None
    invalid: pl.Series | None = None

    def filter(self, mask: pl.Series) -> Numbers:
        """Keep some rows, none of which is invalid."""
        return self._map(lambda lane: lane.filter(mask))

    def slice(self, first: int, rows: int) -> Numbers:
        """Keep consecutive rows, none of which is invalid."""
        return self._map(lambda lane: lane.slice(first, rows))

    def _map(self, keep: Callable[[pl.Series], pl.Series]) -> Numbers:
        real, huge = (
            None if lane is None else _drop_if_empty(keep(lane)) for lane in (self.real, self.huge)
        )
        return Numbers(keep(self.whole), real, huge)

    def floats(self) -> pl.Series:
        """Every number but the huge ones as a float; none is rounded."""
        whole = self.whole.cast(pl.Float64)
        return whole if self.real is None else whole.zip_with(whole.is_not_null(), self.real)

    def exact_values(self) -> Iterator[int | float | None]:
        """Yield every number as an exact Python number, row by row; None where there is none."""
        nothing = repeat(None)
        lanes = (self.whole, nothing if self.real is None else self.real)
        texts = nothing if self.huge is None else self.huge
        for whole, real, text in zip(*lanes, texts, strict=False):
            yield int(text) if text is not None else real if whole is None else whole


def parse_numbers(texts: pl.Series) -> Numbers:
    """Parse a column of texts."""
    whole = texts.cast(pl.Int64, strict=False)
    small = whole.is_between(-MAX_EXACT, MAX_EXACT).fill_null(value=False)
    present = texts.is_not_null()
    if small.sum() == present.sum():
        return Numbers(whole)
    real = texts.cast(pl.Float64, strict=False)
    finite = real.is_finite().fill_null(value=False)
    is_whole = _mark_whole(texts, small, real)
    return Numbers(
        whole=_mask(whole, small),
        real=_drop_if_empty(_mask(real, finite & ~is_whole)),
        huge=_pick_huge(texts, finite & is_whole & ~small),
        invalid=_drop_if_false(present & ~finite),
    )


def _pick_huge(texts: pl.Series, is_huge: pl.Series) -> pl.Series | None:
    huge = _drop_if_empty(_mask(texts, is_huge))
    return None if huge is None else huge.str.replace(_ZEROS, "${1}")


def _mark_whole(texts: pl.Series, small: pl.Series, real: pl.Series) -> pl.Series:
    """Mark the texts that are whole numbers: the small ones, and large ones of digits alone."""
    if (real.abs() >= MAX_EXACT).any():
        return texts.str.contains(_WHOLE).fill_null(value=False)
    return small


def decompose(reals: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Write each float as ``mantissa * 2 ** exponent``, exactly and with whole numbers."""
    fractions, exponents = np.frexp(reals.to_numpy())
    mantissas = np.ldexp(fractions, _MANTISSA_BITS).astype(np.int64)
    return pl.Series(mantissas), pl.Series(exponents - _MANTISSA_BITS, dtype=pl.Int32)


def _mask(values: pl.Series, keep: pl.Series) -> pl.Series:
    return values.zip_with(keep, pl.Series([None], dtype=values.dtype))


def _drop_if_empty(values: pl.Series) -> pl.Series | None:
    return None if values.null_count() == values.len() else values


def _drop_if_false(mask: pl.Series) -> pl.Series | None:
    return mask if mask.any() else None
