"""Quantiles are within their bound of the exact ones, and the same however the data is cut."""

import math
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workloads.reports.reading.numbers import parse_numbers
from workloads.reports.statistics.quantiles import (
    RELATIVE_ERROR,
    find_bucket,
    from_json,
    merge_buckets,
    quantile,
    to_json,
)
from workloads.reports.statistics.sketches import count_buckets, find_buckets

normal = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
parts = st.fractions(0, 1)


def counts(values: list[float]) -> dict[int, int]:
    made: dict[int, int] = {}
    for value in values:
        made = dict(merge_buckets(made, {find_bucket(value): 1}))
    return made


def nearest_rank(values: list[float], part: Fraction) -> float:
    return sorted(values)[max(1, math.ceil(part * len(values))) - 1]


@settings(deadline=None)
@given(st.lists(normal, min_size=1, max_size=40), parts)
@example([1e308, -1e308], Fraction(1, 2))
@example([-0.0, 0.0, 5e-1], Fraction(1, 2))
def test_a_quantile_is_within_the_bound_of_the_exact_one(values, part):
    low, high = Fraction(min(values)), Fraction(max(values))
    found = quantile(counts(values), part, low, high, is_fractional=True)
    exact = nearest_rank(values, part)
    assert abs(found - exact) <= RELATIVE_ERROR * abs(exact)


@settings(deadline=None)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=40), parts)
def test_quantiles_of_whole_numbers_are_whole_and_within_the_bound(values, part):
    found = quantile(counts(values), part, min(values), max(values), is_fractional=False)
    exact = nearest_rank(values, part)
    assert isinstance(found, int)
    assert abs(found - exact) <= RELATIVE_ERROR * abs(exact)


@settings(deadline=None)
@given(st.lists(st.integers(-255, 255), min_size=1, max_size=40), parts)
def test_quantiles_of_small_whole_numbers_are_exact(values, part):
    found = quantile(counts(values), part, min(values), max(values), is_fractional=False)
    assert found == nearest_rank(values, part)


@settings(deadline=None)
@given(normal, normal)
def test_buckets_are_in_the_order_of_values(one, other):
    low, high = sorted((one, other))
    assert find_bucket(low) <= find_bucket(high)


@settings(deadline=None)
@given(st.lists(st.one_of(normal, st.integers(-(2**70), 2**70)), max_size=20))
def test_a_column_has_the_buckets_of_its_numbers(values):
    column = parse_numbers(pl.Series([*map(repr, values), None], dtype=pl.String))
    assert find_buckets(column).to_list() == [
        *(find_bucket(float(value)) for value in values),
        None,
    ]
    counted = count_buckets(pl.DataFrame(), column)
    assert counted == ({(): counts([float(value) for value in values])} if values else {})


@settings(deadline=None)
@given(st.dictionaries(st.integers(-300_000, 300_000), st.integers(1)))
def test_json_loses_nothing(buckets):
    assert from_json(to_json(buckets)) == buckets


@pytest.mark.parametrize("spans_decades", [1, 6, 12])
def test_the_buckets_are_few_however_many_values_there_are(spans_decades):
    values = [10 ** (spans_decades * number / 50_000) for number in range(50_000)]
    assert len(counts(values)) <= 128 * (1 + spans_decades * math.log2(10))
