"""Items whose code does everything that it should not, on the real host: each fails alone."""

import pytest

from tests.support.hosts.product import Product
from tests.support.hosts.product_calls import AT_ONCE, redrive_to_end
from tests.support.workloads.hostile_workloads import ERRORS, OUTPUTS, RUINS

BAD = [
    *(f"raise:{name}" for name in ERRORS),
    *(f"return:{name}" for name in OUTPUTS),
    *(f"validator:{name}" for name in ERRORS),
    *(f"name:{name}" for name in ERRORS),
    "odd-name:",
]
ALL_TOLERATED = {"retry": AT_ONCE | {"max_attempts": 2}, "tolerance": {"percentage": 100}}


@pytest.mark.parametrize("workload", ["hostile", "async-hostile"])
def test_good_items_among_bad_ones_succeed(product: Product, workload: str) -> None:
    ruins = [f"ruin:{name}" for name in RUINS] if workload == "async-hostile" else []
    kinds = [kind for bad in [*BAD, *ruins] for kind in ("ok", bad, "log")]
    items = [{"id": n, "does": kind} for n, kind in enumerate(kinds)]
    source = {"kind": "inline", "items": items}
    status = product.run({"workload": workload, "source": source} | ALL_TOLERATED)
    good = {n for n, kind in enumerate(kinds) if kind in ("ok", "log")}
    assert status["outcome"] == "partially_succeeded", status
    counts = {"succeeded": len(good), "failed": len(items) - len(good), "pending": 0}
    assert {name: status["items"][name] for name in counts} == counts
    outcomes = {outcome.index: outcome for outcome in product.outcomes(status["run_id"])}
    assert outcomes.keys() == set(range(len(items)))
    for index, outcome in outcomes.items():
        if index in good:
            assert (outcome.status, outcome.output, outcome.attempts) == ("succeeded", index, 1)
        else:
            assert outcome.error is not None and outcome.error.type


@pytest.mark.parametrize("name", ["surrogate", "exit", "stop", "unprintable-exit"])
def test_results_that_a_report_spoils_are_made_again_by_a_redrive(
    product: Product, name: str
) -> None:
    items = [{"id": n} for n in range(3)]
    request = {"workload": "hostile-report", "parameters": {"raises": name}}
    status = product.run(request | {"source": {"kind": "inline", "items": items}})
    assert (status["outcome"], status["items"]["succeeded"]) == ("failed", 3)
    assert "cannot make its files" in status["error"]
    names = [file["name"] for file in product.results(status["run_id"])["files"]]
    assert names == ["first.txt", "SUCCEEDED-00000.jsonl"]
    again = redrive_to_end(product, status["run_id"])
    assert (again["outcome"], again["items"]["succeeded"]) == ("failed", 3)
