"""Redrive and its refusals, over HTTP."""

import secrets

from tests.support.hosts.product import Product
from tests.support.hosts.product_calls import (
    AT_ONCE,
    ONCE,
    probe,
    problem,
    redrive,
    redrive_to_end,
    sums,
)

SLOW = {"max_attempts": 2, "base_seconds": 60, "factor": 1, "max_seconds": 60}


def test_a_redrive_merges_the_successes_of_every_attempt(product: Product):
    items = [{}, {"good": 2}, {"ending": "permanent"}, {"good": 3}] * 3
    run_id = product.run(probe(items, batch={"max_items": 5}, **ONCE))["run_id"]
    status = redrive_to_end(product, run_id, {"retry": AT_ONCE | {"max_attempts": 2}})
    assert (status["items"]["succeeded"], status["items"]["failed"]) == (6, 6)
    asked = {"error_types": ["TransientError"], "retry": AT_ONCE | {"max_attempts": 3}}
    status = redrive_to_end(product, run_id, asked)
    assert (status["items"]["succeeded"], status["items"]["failed"]) == (9, 3)
    assert (status["redrive_count"], status["outcome"]) == (2, "partially_succeeded")
    found = {o.index: o.status for o in product.outcomes(run_id)}
    assert found == dict(enumerate(["succeeded", "succeeded", "failed", "succeeded"] * 3))


def test_a_sum_is_completed_by_a_redrive(product: Product):
    asked = {"parameters": {"column": "n", "fail_attempts": 1}, "batch": {"max_items": 2}}
    status = product.run(sums(product, **asked, **ONCE))
    assert status["items"]["failed"] == 5
    status = redrive_to_end(product, status["run_id"], {"retry": AT_ONCE})
    assert status["outcome"] == "succeeded"
    assert product.file(status["run_id"], "sum.json").json == {"sum": 15, "began": [0, 2, 4]}
    assert not [name for name in product.blobs_of(status["run_id"]) if "/results/FAILED" in name]


def test_a_run_with_nothing_to_redo_is_not_redriven(product: Product):
    run_id = product.run(probe([{}, {"ending": "permanent"}], **ONCE))["run_id"]
    answer = redrive(product, run_id, {"error_types": ["TransientError"]})
    problem(answer, 409)
    assert "no failures of these types" in answer.json["detail"]
    assert product.status(run_id)["redrive_count"] == 0


def test_a_run_is_not_redriven_twice_at_once_nor_while_it_runs(product: Product):
    run_id = product.run(probe([{"good": 2}], **ONCE))["run_id"]
    assert redrive(product, run_id, {"retry": SLOW}).status == 202
    problem(redrive(product, run_id, {"retry": SLOW}), 409)
    problem(redrive(product, run_id), 409)
    assert product.status(run_id)["redrive_count"] == 1


def test_a_run_that_never_was_is_not_redriven(product: Product):
    problem(redrive(product, f"none-{secrets.token_hex(4)}"), 404)


def test_a_redrive_that_asks_for_the_impossible_names_it(product: Product):
    run_id = product.run(probe([{"ending": "permanent"}], **ONCE))["run_id"]
    asked = {"retry": {"max_attempts": 0}, "error_types": [], "item": 1}
    assert set(problem(redrive(product, run_id, asked), 400)) == {
        "retry.max_attempts",
        "error_types",
        "item",
    }
