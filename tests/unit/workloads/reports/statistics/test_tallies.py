import polars as pl
import pytest

from workloads.reports.reading.numbers import MAX_EXACT, Numbers
from workloads.reports.statistics.partial import Group, Tally
from workloads.reports.statistics.tallies import MAX_ROWS, tally

LARGEST_REAL = 1 - 2**-53  # all 53 bits of its mantissa are ones


def test_the_largest_numbers_of_the_largest_chunks_do_not_overflow():
    rows = MAX_ROWS + 5
    whole = pl.repeat(-MAX_EXACT, rows, eager=True, dtype=pl.Int64)
    reals = pl.repeat(LARGEST_REAL, rows, eager=True, dtype=pl.Float64)
    nothing = pl.repeat(None, rows, eager=True, dtype=pl.Int64)
    made = tally(pl.DataFrame(), rows, [Numbers(whole), Numbers(nothing, reals)], [True, True])
    (group,) = made.groups.values()
    negative, fraction = group.tallies
    expected = Tally(rows, -rows * MAX_EXACT, rows * MAX_EXACT**2, -MAX_EXACT, -MAX_EXACT)
    assert negative == expected
    assert (fraction.count, fraction.low) == (rows, LARGEST_REAL)
    assert fraction.total * 2**53 == rows * (2**53 - 1)
    assert fraction.squares * 2**106 == rows * (2**53 - 1) ** 2
    assert made.fractional == {1}


def test_squares_are_left_out_where_no_metric_needs_them():
    keys = pl.DataFrame({"key": ["a", "a", "b"]})
    made = tally(keys, 3, [Numbers(pl.Series([2, 3, None], dtype=pl.Int64))], [False])
    assert made.groups == {
        ("a",): Group(2, (Tally(2, 5, 0, 2, 3),)),
        ("b",): Group(1, (Tally(0, 0, 0, None, None),)),
    }


@pytest.mark.parametrize("keys", [pl.DataFrame(), pl.DataFrame({"key": []}, {"key": pl.String})])
def test_no_rows_make_no_groups(keys):
    assert tally(keys, 0, [Numbers(pl.Series([], dtype=pl.Int64))], [True]).groups == {}
