"""The only worker dies in the middle of runs of every shape: each ends as it would have."""

from typing import Any

import pytest

from tests.engine.conftest import ClusterOf
from tests.support.errand_workloads import Journal
from tests.support.errands import AT_ONCE, errands, insist_on_counts
from tests.support.product import Product

ITEMS = 24
CLOCK_SECONDS = 10
LATEST = 150
ANY = {"percentage": 100}


def shapes(product: Product, journal: Journal) -> dict[str, dict[str, Any]]:
    """Requests for runs that take some seconds, by shape."""
    some = [{"seconds": 0.3}] * ITEMS
    later = [{"seconds": 0.3, "good": 2}] * ITEMS
    bad = [{"seconds": 0.3}] * (ITEMS - 1) + [{"seconds": 0.3, "ending": "permanent"}]
    few = {"concurrency": {"batches": 2}}
    table = b"n\n" + b"".join(b"%d\n" % n for n in range(2000))
    return {
        "plain": errands(journal, some, **few),
        "retried": errands(journal, later, **few),
        "paced": errands(journal, some, concurrency={"batches": 4, "items_per_second": 4}),
        "undone": errands(journal, bad, on_exceeded="compensate", concurrency={"batches": 1}),
        "sagas": errands(journal, some, workload="trips", **few) | {"batch": {"max_items": 4}},
        "summed": {
            "workload": "sum", "source": product.source(table), "parameters": {"column": "n"},
            "batch": {"max_items": 20}, "concurrency": {"batches": 2}, "retry": AT_ONCE,
        },
    }  # fmt: skip


SHAPES = ("plain", "retried", "paced", "undone", "sagas", "summed")
FATAL_MOMENT = {"summed": 1}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_outlives_its_only_worker(cluster_of: ClusterOf, journal: Journal, shape: str):
    cluster = cluster_of()
    cluster.instances[0].revives = True
    product = cluster.product()
    run_id = product.post(shapes(product, journal)[shape]).json["run_id"]
    first = FATAL_MOMENT.get(shape, ITEMS // 4)
    product.until(run_id, lambda status: status["items"]["succeeded"] >= first, 60)
    with cluster.clock(CLOCK_SECONDS):
        cluster.instances[0].kill_worker()
        cluster.wait_for_workers()
        status = product.done(run_id, LATEST)
    insist_on_counts(status)
    if shape == "undone":
        assert (status["outcome"], status["items"]["compensated"]) == ("compensated", ITEMS - 1)
        assert status["items"]["failed"] == 1
        assert journal.effects("process") == journal.effects("undo")
    else:
        assert status["outcome"] == "succeeded"
        assert status["items"]["succeeded"] == status["items"]["total"]
    for what in {entry.what for entry in journal.entries()}:
        assert set(journal.effects(what).values()) == {1}, what
    if shape == "summed":
        assert product.file(run_id, "sum.json").json["sum"] == sum(range(2000))
