"""What Distributed Map would charge, against sums made by hand from AWS's pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.pricing.aws import lambda_cost, map_cost, map_costs
from fanout.pricing.prices import prices

numbers = st.integers(0, 10**9)


def test_lambda_by_the_example_of_its_page_without_the_free_tier():
    # 3 million calls of a second at 512 MB: 1,500,000 GB-s x 0.0000166667, and 3 x 0.20.
    assert lambda_cost(3_000_000, 1000, prices(), 0.5) == pytest.approx(25.0 + 0.6, abs=0.001)


def test_a_call_takes_a_millisecond_at_least_and_whole_ones():
    least = lambda_cost(1_000_000, 0, prices(), 1)
    assert least == pytest.approx(0.20 + 1_000 * 0.0000166667)
    assert lambda_cost(1, 1.2, prices(), 1) == lambda_cost(1, 2, prices(), 1)


def test_standard_children_by_hand():
    # 10,000 items of 100 ms at 1 GB: 2 transitions each, 0.025 a thousand.
    functions = 10_000 * 0.20 / 1e6 + 10_000 * 0.1 * 0.0000166667
    assert map_cost(10_000, 1_000_000, prices(), "standard", 1) == pytest.approx(0.5 + functions)


def test_express_children_by_hand():
    # A transition and a request each; 250 ms are billed as 300 ms of 64 MB.
    functions = 10_000 * 0.20 / 1e6 + 10_000 * 0.25 * 0.0000166667
    children = 10_000 * 1.00 / 1e6 + 10_000 * 0.3 * 0.0625 * 0.00001667
    found = map_cost(10_000, 2_500_000, prices(), "express", 1)
    assert found == pytest.approx(0.25 + children + functions, abs=1e-7)


@given(numbers, numbers, numbers, numbers)
def test_more_items_or_work_never_cost_less(items: int, more: int, work: int, longer: int):
    one = map_costs(items, work, prices())
    more_work = map_costs(items, work + longer, prices())
    assert 0 <= one.standard <= more_work.standard
    assert 0 <= one.express <= more_work.express
    many = map_costs(items + more, work, prices())
    if more:
        assert one.express < many.express + 1
    assert one.standard <= many.standard + work / 1000 * 2 * 0.0000166667


def test_no_items_cost_nothing():
    assert map_costs(0, 1000, prices()).standard == 0
