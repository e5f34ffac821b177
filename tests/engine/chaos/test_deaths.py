"""Workers and instances die at random moments of runs of every shape, for as long as is asked.

`--chaos-seconds 1800` is about fifty deaths of each sort. The moments are drawn from a seed, which
is told when a run does not end as it would have.
"""

import itertools
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hosts.engine_cluster import Cluster, ClusterOf
from tests.support.hosts.product import Product
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import SHAPES, insist_on_end, shaped

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(0)]
CLOCK_SECONDS = 30
# After which a new instance has its share of the partitions.
BALANCE_SECONDS = 15
# What a run may take beyond twice its time without a death.
AFTER_A_WORKER, AFTER_AN_INSTANCE = 60, 120


def duration(product: Product, shape: str, folder: Path) -> float:
    """What a run of a shape takes when nothing dies."""
    begun = time.monotonic()
    journal = Journal(folder / f"{shape}.quiet")
    insist_on_end(shape, product, journal, product.run(shaped(shape, product, journal)))
    return time.monotonic() - begun


def go_on(
    cluster: Cluster,
    seconds: float,
    strike: Callable[[int], None],
    more: float,
    mend: Callable[[], None] = lambda: None,
) -> None:
    """Start runs of each shape in turn, strike in the middle of each, and insist on its end."""
    seed = random.randrange(2**32)
    moments, product = random.Random(seed), cluster.product(-1)
    usual = {shape: duration(product, shape, cluster.folder) for shape in SHAPES}
    taken, ends = [], time.monotonic() + seconds
    for number, shape in enumerate(itertools.cycle(SHAPES)):
        if time.monotonic() > ends:
            break
        mend()
        journal = Journal(cluster.folder / f"{number}.journal")
        begun, run_id = time.monotonic(), f"death-{number}-{shape}"
        assert product.post(shaped(shape, product, journal) | {"run_id": run_id}).status == 202
        time.sleep(moments.uniform(0, usual[shape]))
        strike(number)
        try:
            status = product.done(run_id, 2 * usual[shape] + more)
            insist_on_end(shape, product, journal, status)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, death {number}, {shape}") from error
        taken.append(time.monotonic() - begun - usual[shape])
    print(f"{len(taken)} deaths, {statistics.median(taken):.1f} s longer, at most {max(taken):.1f}")


def test_the_only_worker_dies(cluster_of: ClusterOf, seconds: float):
    cluster = cluster_of()
    (instance,) = cluster.instances
    instance.revives = True

    def strike(_: int) -> None:
        instance.kill_worker()
        cluster.wait_for_workers()

    with cluster.clock(CLOCK_SECONDS):
        go_on(cluster, seconds, strike, AFTER_A_WORKER)


def test_one_of_two_instances_is_killed_or_scaled_in(cluster_of: ClusterOf, seconds: float):
    cluster = cluster_of(2)
    first = cluster.instances[0]

    def mend() -> None:
        if not first.engine.is_running:
            first.start()
            time.sleep(BALANCE_SECONDS)

    def strike(number: int) -> None:
        (first.terminate if number % 3 == 2 else first.kill)()

    with cluster.clock(CLOCK_SECONDS):
        go_on(cluster, seconds, strike, AFTER_AN_INSTANCE, mend)
