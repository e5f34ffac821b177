"""Requests for runs over errands, of every shape, and what must be true at their ends."""

from typing import Any

from tests.support.hosts.product import Product
from tests.support.workloads.errand_workloads import Journal

AT_ONCE = {"base_seconds": 0.01, "factor": 1, "max_seconds": 0.01, "jitter_seconds": 0.01}
SHAPES = ("plain", "retried", "paced", "undone", "sagas", "summed")
ITEMS = 24
ROWS = 2000


def errands(journal: Journal, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Ask for a run over these, one a batch."""
    source = {"kind": "inline", "items": [{"id": n} | item for n, item in enumerate(items)]}
    request = {
        "workload": "errands",
        "source": source,
        "parameters": {"journal": str(journal.path)},
    }
    return request | {"batch": {"max_items": 1}, "retry": AT_ONCE} | more


def shaped(shape: str, product: Product, journal: Journal) -> dict[str, Any]:
    """Ask for a run of a shape, which takes some seconds."""
    some = [{"seconds": 0.3}] * ITEMS
    few = {"concurrency": {"batches": 2}}
    match shape:
        case "retried":
            return errands(journal, [{"seconds": 0.3, "good": 2}] * ITEMS, **few)
        case "paced":
            return errands(journal, some, concurrency={"batches": 4, "items_per_second": 4})
        case "undone":
            bad = [*some[1:], {"seconds": 0.3, "ending": "permanent"}]
            one = {"concurrency": {"batches": 1}}
            return errands(journal, bad, on_exceeded="compensate", **one)
        case "sagas":
            return errands(journal, some, workload="trips", batch={"max_items": 4}, **few)
        case "summed":
            rows = b"n\n" + b"".join(b"%d\n" % n for n in range(ROWS))
            asked = {"workload": "sum", "source": product.source(rows), "retry": AT_ONCE}
            return asked | {"parameters": {"column": "n"}, "batch": {"max_items": 20}} | few
    return errands(journal, some, **few)


def insist_on_counts(status: dict[str, Any]) -> None:
    """No count is negative, and none or all together more than the total."""
    items = status["items"]
    counts = {name: count for name, count in items.items() if name != "total"}
    assert all(0 <= count <= items["total"] for count in counts.values()), items
    assert sum(counts.values()) <= items["total"], items


def insist_on_end(shape: str, product: Product, journal: Journal, status: dict[str, Any]) -> None:
    """A run of a shape has ended as it does by itself, and no effect was had twice."""
    insist_on_counts(status)
    items = status["items"]
    for what in {entry.what for entry in journal.entries()}:
        assert set(journal.effects(what).values()) == {1}, what
    if shape == "undone":
        assert (status["outcome"], items["failed"]) == ("compensated", 1), status
        assert items["compensated"] == ITEMS - 1
        assert journal.effects("process") == journal.effects("undo")
    else:
        assert status["outcome"] == "succeeded", status
        assert items["succeeded"] == items["total"] == (ROWS if shape == "summed" else ITEMS)
    if shape == "summed":
        total = product.file(status["run_id"], "sum.json").json["sum"]
        assert total == sum(range(ROWS))
