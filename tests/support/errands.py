"""Requests for runs over errands, and what must be true at their ends."""

from typing import Any

from tests.support.errand_workloads import Journal

AT_ONCE = {"base_seconds": 0.01, "factor": 1, "max_seconds": 0.01, "jitter_seconds": 0.01}


def errands(journal: Journal, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Ask for a run over these, one a batch."""
    source = {"kind": "inline", "items": [{"id": n} | item for n, item in enumerate(items)]}
    request = {
        "workload": "errands",
        "source": source,
        "parameters": {"journal": str(journal.path)},
    }
    return request | {"batch": {"max_items": 1}, "retry": AT_ONCE} | more


def insist_on_counts(status: dict[str, Any]) -> None:
    """No count is negative, and none or all together more than the total."""
    items = status["items"]
    counts = {name: count for name, count in items.items() if name != "total"}
    assert all(0 <= count <= items["total"] for count in counts.values()), items
    assert sum(counts.values()) <= items["total"], items
