"""Tally columns of numbers by group, exactly and a whole chunk at a time.

Whole numbers are added up as 128-bit integers, and so are the mantissas of floats, by group and
exponent: these integers hold the squares of `MAX_ROWS` numbers. Python adds larger whole numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from fractions import Fraction

import polars as pl

from workloads.reports.reading.numbers import Numbers, decompose
from workloads.reports.statistics.exact import scale
from workloads.reports.statistics.partial import Group, Key, Partial, Tally
from workloads.reports.statistics.room import insist_on_few

MAX_ROWS = 2**20  # as many squares, of up to 106 bits each, add up to fewer than 127 bits
_ALL = "all"
_FIELDS = [field.name for field in fields(Tally)]


def tally(
    keys: pl.DataFrame, rows: int, columns: Sequence[Numbers], needs_squares: Sequence[bool]
) -> Partial:
    """Tally columns by the groups of their rows.

    Args:
        keys: The columns that make the groups; without any, all rows are one group.
        rows: How many rows there are.
        columns: The numbers to tally.
        needs_squares: For each column, whether the sum of squares is needed.

    Raises:
        TooManyGroupsError: There are more groups than a report may have.
    """
    names = [f"k{number}" for number in range(keys.width)]
    keyed = keys.rename(dict(zip(keys.columns, names, strict=True)))
    if not names:
        names, keyed = [_ALL], pl.DataFrame({_ALL: pl.repeat(None, rows, eager=True)})
    partial = Partial({})
    for first in range(0, rows, MAX_ROWS):
        part = [column.slice(first, MAX_ROWS) for column in columns]
        partial = partial.merge(_tally_part(keyed.slice(first, MAX_ROWS), part, needs_squares))
    if not keys.width and partial.groups:
        (everything,) = partial.groups.values()
        return Partial({(): everything}, partial.fractional)
    return partial


def _tally_part(
    keys: pl.DataFrame, columns: list[Numbers], needs_squares: Sequence[bool]
) -> Partial:
    rows: dict[Key, int] = {}
    tallies: dict[Key, list[Tally]] = {}
    for key, count, whole in _tally_whole(keys, columns, needs_squares):
        rows[key], tallies[key] = count, whole
    fractional = set()
    for number, column in enumerate(columns):
        if column.real is not None:
            fractional.add(number)
            for key, real in _tally_real(keys, column.real, needs_squares=needs_squares[number]):
                tallies[key][number] = tallies[key][number].merge(real)
        if column.huge is not None:
            for key, huge in _tally_huge(keys, column.huge):
                tallies[key][number] = tallies[key][number].merge(huge)
    groups = {key: Group(rows[key], tuple(tallies[key])) for key in rows}
    return Partial(groups, frozenset(fractional))


def _tally_whole(
    keys: pl.DataFrame, columns: list[Numbers], needs_squares: Sequence[bool]
) -> Iterator[tuple[Key, int, list[Tally]]]:
    """Tally the whole numbers of every column, in all groups: also those without whole numbers."""
    frame = keys.with_columns(column.whole.alias(f"n{i}") for i, column in enumerate(columns))
    sums = [
        expression
        for i, with_squares in enumerate(needs_squares)
        for expression in _sums(pl.col(f"n{i}"), f"n{i}", needs_squares=with_squares)
    ]
    groups = frame.group_by(keys.columns).agg(pl.len(), *sums)
    insist_on_few(groups.height)
    for row in groups.iter_rows():
        key, count, figures = row[: keys.width], row[keys.width], row[keys.width + 1 :]
        starts = range(0, len(figures), len(_FIELDS))
        yield key, count, [Tally(*figures[start : start + len(_FIELDS)]) for start in starts]


def _tally_real(
    keys: pl.DataFrame, reals: pl.Series, *, needs_squares: bool
) -> Iterator[tuple[Key, Tally]]:
    """Tally the floats of a column, in the groups that have some."""
    rows = keys.with_columns(reals.alias("real")).filter(pl.col("real").is_not_null())
    mantissas, exponents = decompose(rows["real"])
    rows = rows.with_columns(mantissas.alias("mantissa"), exponents.alias("exponent"))
    sums = _sums(pl.col("mantissa"), "m", needs_squares=needs_squares)
    extremes = (pl.col("real").min().alias("low"), pl.col("real").max().alias("high"))
    by_exponent = rows.group_by([*keys.columns, "exponent"]).agg(*sums[:3], *extremes)
    for row in by_exponent.group_by(keys.columns).agg(pl.all()).iter_rows():
        yield row[: keys.width], _merge_exponents(*row[keys.width :])


def _merge_exponents(
    exponents: list[int],
    counts: list[int],
    totals: list[int],
    squares: list[int],
    lows: list[float],
    highs: list[float],
) -> Tally:
    """Make one tally of the sums of mantissas; the lists have an element for each exponent."""
    lowest = min(exponents)
    shifts = [exponent - lowest for exponent in exponents]
    total = sum(part << shift for part, shift in zip(totals, shifts, strict=True))
    square = sum(part << 2 * shift for part, shift in zip(squares, shifts, strict=True))
    return Tally(
        sum(counts),
        scale(total, lowest),
        scale(square, 2 * lowest),
        Fraction(min(lows)),
        Fraction(max(highs)),
    )


def _tally_huge(keys: pl.DataFrame, texts: pl.Series) -> Iterator[tuple[Key, Tally]]:
    """Tally whole numbers of any size, in the groups that have some."""
    rows = keys.with_columns(texts.alias("text")).filter(pl.col("text").is_not_null())
    for *key, group in rows.group_by(keys.columns).agg(pl.col("text")).iter_rows():
        numbers = [int(text) for text in group]
        squares = sum(number * number for number in numbers)
        yield tuple(key), Tally(len(numbers), sum(numbers), squares, min(numbers), max(numbers))


def _sums(numbers: pl.Expr, name: str, *, needs_squares: bool) -> list[pl.Expr]:
    """The fields of a `Tally`, in its order; sums of squares only where they are needed."""
    wide = numbers.cast(pl.Int128)
    squares = (wide * wide).sum() if needs_squares else pl.lit(0, dtype=pl.Int128)
    figures = [numbers.count(), wide.sum(), squares, numbers.min(), numbers.max()]
    return [figure.alias(f"{name}.{field}") for field, figure in zip(_FIELDS, figures, strict=True)]
