"""Costs in Azure against sums made by hand from the price table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.models.usage import Usage
from fanout.pricing.azure import azure_cost, count_scheduler_actions
from fanout.pricing.prices import Prices, parse_prices, prices
from fanout.pricing.report import report_usage

usages = st.builds(Usage, **{name: st.integers(0, 10**9) for name in Usage.model_fields})
ROUNDING = 1e-7


def test_a_small_run_by_hand():
    usage = Usage(
        activities=1,
        activity_ms=40,
        billed_ms=1000,
        starts=1,
        orchestrations=1,
        messages=2,
        blob_reads=3,
        blob_writes=5,
        blob_lists=1,
        blob_other=2,
        blob_deletes=9,
        table_reads=4,
        table_writes=6,
    )
    cost = azure_cost(usage, prices())
    # 1 activity, 2 turns, 1 start, of one second and 2 GB each.
    assert cost.executions == pytest.approx(4 * 0.40 / 1e6)
    assert cost.compute == pytest.approx(4 * 1 * 2 * 0.000026)
    blobs = (3 * 0.004 + 5 * 0.05 + 1 * 0.05 + 2 * 0.004) / 1e4
    assert cost.storage == pytest.approx(blobs + 10 * 0.0004 / 1e4, abs=1e-8)
    assert cost.task_hub == pytest.approx((8 + 11) * 0.0004 / 1e4, abs=1e-8)
    assert cost.total == pytest.approx(0.00021, abs=0.00005)


def test_a_million_executions_of_two_seconds_by_hand():
    usage = Usage(activities=1_000_000, activity_ms=2_000_000_000, billed_ms=2_000_000_000)
    cost = azure_cost(usage, prices())
    assert cost.executions == pytest.approx(0.40)
    assert cost.compute == pytest.approx(104.0)  # 2,000,000 s x 2 GB x 0.000026


def test_the_scheduler_bills_what_it_dispatches():
    # The example of its page: an orchestration of three activities takes seven actions.
    usage = Usage(activities=3, orchestrations=1, messages=1 + 3)
    assert count_scheduler_actions(usage) == 7


def test_the_scheduler_has_a_cost_where_the_table_has_a_price():
    assert azure_cost(Usage(activities=3), prices()).scheduler is None
    document = prices().model_dump()
    document["azure"]["scheduler_action"] |= {"usd": 0.5, "per": 1000}
    known: Prices = parse_prices(document)
    assert azure_cost(Usage(activities=3, messages=4), known).scheduler == pytest.approx(0.0035)


@given(usages, usages)
def test_more_never_costs_less_and_costs_add_up(a: Usage, b: Usage):
    one, other, both = (azure_cost(each, prices()) for each in (a, b, a.plus(b)))
    for part in ("executions", "compute", "storage", "task_hub", "total"):
        assert 0 <= getattr(one, part) <= getattr(both, part)
        assert getattr(both, part) == pytest.approx(
            getattr(one, part) + getattr(other, part), abs=ROUNDING
        )


@given(usages)
def test_the_total_is_the_sum_of_its_parts(usage: Usage):
    cost = azure_cost(usage, prices())
    parts = cost.executions + cost.compute + cost.storage + cost.task_hub
    assert cost.total == pytest.approx(parts, abs=ROUNDING)


@given(usages, st.integers(0, 10**9))
def test_what_callers_see_says_what_was_counted(usage: Usage, items: int):
    seen = report_usage(usage, items)
    assert seen.activities == usage.activities
    assert seen.activity_seconds == usage.activity_ms / 1000
    operations = seen.storage_operations.model_dump()
    assert operations.pop("total") == sum(operations.values()) == usage.storage_operations
    assert seen.usd == azure_cost(usage, prices())
