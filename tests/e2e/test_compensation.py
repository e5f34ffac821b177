"""Runs that undo what succeeded when too much fails, over HTTP."""

from collections import Counter

from tests.support.hosts.product import Product
from tests.support.hosts.product_calls import (
    AT_ONCE,
    probe,
    problem,
    redrive,
    redrive_to_end,
    sums,
)

UNDO = {"on_exceeded": "compensate"}


def test_what_succeeded_is_compensated_whatever_fails_meanwhile(product: Product):
    items = [{}, {"undo_good": 2}, {"undo": "permanent"}, {"ending": "permanent"}] * 3
    status = product.run(probe(items, batch={"max_items": 4}, concurrency={"batches": 3}, **UNDO))
    assert (status["outcome"], status["items"]["succeeded"]) == ("compensated", 0)
    found = Counter(o.status for o in product.outcomes(status["run_id"]))
    counts = {name: count for name, count in status["items"].items() if count and name != "total"}
    assert counts == found and sum(found.values()) == 12
    assert found["compensated"] == 2 * found["compensation_failed"] == 2 * found["failed"] > 0
    assert redrive(product, status["run_id"], {"error_types": ["KeyError"]}).status == 409


def test_what_could_not_be_undone_is_undone_by_a_redrive(product: Product):
    items = [{}, {"undo_good": 2}, {"ending": "permanent"}] * 2
    asked = {"retry": AT_ONCE | {"max_attempts": 1}, "batch": {"max_items": 1}}
    status = product.run(probe(items, concurrency={"batches": 1}, **asked, **UNDO))
    run_id = status["run_id"]
    found = {o.index: o.status for o in product.outcomes(run_id)}
    assert (found[0], found[1], found[2]) == ("compensated", "compensation_failed", "failed")
    status = redrive_to_end(product, run_id, {"retry": AT_ONCE | {"max_attempts": 2}})
    assert (status["outcome"], status["items"]["compensation_failed"]) == ("compensated", 0)
    again = {o.index: o.status for o in product.outcomes(run_id)}
    assert again == {n: s.replace("compensation_failed", "compensated") for n, s in found.items()}
    problem(redrive(product, run_id), 409)


def test_a_run_within_its_tolerance_is_not_compensated(product: Product):
    status = product.run(probe([{}, {"ending": "permanent"}], tolerance={"count": 1}, **UNDO))
    assert status["outcome"] == "partially_succeeded"
    assert status["items"]["succeeded"] == 1


def test_a_workload_without_compensation_is_refused(product: Product):
    assert set(problem(product.post(sums(product, **UNDO)), 400)) == {"on_exceeded"}
