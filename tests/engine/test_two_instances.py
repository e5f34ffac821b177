"""What a second instance costs a small run, and brings a large one."""

import statistics
import time
from typing import Any

import pytest

from tests.support.hosts.engine_cluster import ClusterOf
from tests.support.hosts.product import Product
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands

pytestmark = [pytest.mark.measures, pytest.mark.timeout(600)]
TIMES = 10
PAUSE_SECONDS = 3.0
ITEMS = 200
MOST_SLOWER = 2.5
LEAST_FASTER = 1.6


def seconds_from_post(product: Product, asked: dict[str, Any]) -> float:
    """What a caller waits; a run's own duration leaves out the hop to its beginning."""
    begun = time.monotonic()
    product.run(asked)
    return time.monotonic() - begun


def seconds_of_one(product: Product, journal: Journal) -> float:
    """The median of runs over one item, each after a pause in which polling slows down."""
    taken = []
    for _ in range(TIMES + 1):
        time.sleep(PAUSE_SECONDS)
        taken.append(seconds_from_post(product, errands(journal, [{}])))
    return statistics.median(taken[1:])


def seconds_of_many(product: Product, journal: Journal) -> float:
    asked = errands(journal, [{"seconds": 1.0}] * ITEMS, concurrency={"batches": 64})
    return seconds_from_post(product, asked)


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
