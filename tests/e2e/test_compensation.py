"""Runs that undo what succeeded when too much fails, over HTTP."""

from collections import Counter

from tests.support.hosts.product import Product
from tests.support.hosts.product_calls import probe, problem, redrive, sums

UNDO = {"on_exceeded": "compensate"}


def test_what_succeeded_is_compensated_whatever_fails_meanwhile(product: Product):
    items = [{}, {"undo_good": 2}, {"undo": "permanent"}, {"ending": "permanent"}] * 3
    status = product.run(probe(items, batch={"max_items": 4}, concurrency={"batches": 3}, **UNDO))
    assert (status["outcome"], status["items"]["succeeded"]) == ("compensated", 0)
    found = Counter(o.status for o in product.outcomes(status["run_id"]))
    counts = {name: count for name, count in status["items"].items() if count and name != "total"}
    assert counts == found and sum(found.values()) == 12
    assert found["compensated"] == 2 * found["compensation_failed"] == 2 * found["failed"] > 0
    problem(redrive(product, status["run_id"]), 409)


def test_a_run_within_its_tolerance_is_not_compensated(product: Product):
    status = product.run(probe([{}, {"ending": "permanent"}], tolerance={"count": 1}, **UNDO))
    assert status["outcome"] == "partially_succeeded"
    assert status["items"]["succeeded"] == 1


def test_a_workload_without_compensation_is_refused(product: Product):
    assert set(problem(product.post(sums(product, **UNDO)), 400)) == {"on_exceeded"}
