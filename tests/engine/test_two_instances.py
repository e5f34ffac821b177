"""What a second instance costs a small run, and brings a large one."""

import statistics

import pytest

from tests.engine.conftest import ClusterOf
from tests.support.errand_workloads import Journal
from tests.support.errands import errands
from tests.support.product import Product

pytestmark = [pytest.mark.measures, pytest.mark.timeout(600)]
TIMES = 5
ITEMS = 200
MOST_SLOWER = 2.5
LEAST_FASTER = 1.6


def seconds_of_one(product: Product, journal: Journal) -> float:
    """The median of runs over one item, the first of all left out."""
    taken = [
        float(product.run(errands(journal, [{}]))["duration_seconds"]) for _ in range(TIMES + 1)
    ]
    return statistics.median(taken[1:])


def seconds_of_many(product: Product, journal: Journal) -> float:
    asked = errands(journal, [{"seconds": 1.0}] * ITEMS, concurrency={"batches": 64})
    return float(product.run(asked)["duration_seconds"])


def test_two_instances_against_one(cluster_of: ClusterOf, journal: Journal):
    cluster = cluster_of(1)
    product = cluster.product()
    one, many = seconds_of_one(product, journal), seconds_of_many(product, journal)
    cluster.add()
    seconds_of_many(product, journal)  # the leases of partitions have been shared out by then
    one_on_two, many_on_two = seconds_of_one(product, journal), seconds_of_many(product, journal)
    print(f"one item {one:.2f} s, on two {one_on_two:.2f} s; ")
    print(f"{ITEMS} items of 1 s {many:.1f} s, on two {many_on_two:.1f} s")
    assert one_on_two <= MOST_SLOWER * one
    assert many >= LEAST_FASTER * many_on_two
