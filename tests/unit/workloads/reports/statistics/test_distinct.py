"""Distinct counts are within a few standard errors, and the same however the data is cut."""

from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.reports.statistics.distinct import (
    LG_K,
    NOTHING,
    RELATIVE_ERROR,
    estimate_count,
    merge_sketches,
    sketch_texts,
)


def texts(first: int, count: int) -> list[str]:
    return [f"text {number}" for number in range(first, first + count)]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 30_000))
def test_an_estimate_is_within_five_standard_errors(first, count):
    found = estimate_count(sketch_texts(texts(first, count)))
    assert abs(found - count) <= max(1, 5 * RELATIVE_ERROR * count)


def test_the_standard_error_is_as_small_as_is_said():
    squares = [
        (estimate_count(sketch_texts(texts(trial * 20_000, 20_000))) / 20_000 - 1) ** 2
        for trial in range(60)
    ]
    assert (sum(squares) / len(squares)) ** 0.5 <= 1.2 * RELATIVE_ERROR


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_the_sketch_is_that_of_all_texts_however_they_are_cut_and_ordered(ranges, random):
    pieces = [texts(*piece) for piece in ranges]
    together = sorted({text for piece in pieces for text in piece})
    random.shuffle(together)
    whole = sketch_texts(together)
    sketches = [sketch_texts(piece) for piece in pieces]
    assert reduce(merge_sketches, sketches) == whole
    random.shuffle(sketches)
    assert reduce(lambda left, right: merge_sketches(right, left), sketches) == whole


@pytest.mark.parametrize("count", [0, 1, 2, 10, 30])
def test_small_counts_are_exact(count):
    assert estimate_count(sketch_texts(texts(0, count) * 3)) == count


def test_no_text_makes_no_sketch():
    assert sketch_texts([]) == NOTHING
    assert merge_sketches(NOTHING, NOTHING) == NOTHING
    assert estimate_count(NOTHING) == 0


def test_a_sketch_is_small_however_much_it_has_seen():
    assert len(sketch_texts(texts(0, 200_000))) < 1.3 * 1024
    assert LG_K == 11
