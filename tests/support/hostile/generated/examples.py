"""Sound documents of every kind, for others to spoil: all requests but few only ask."""

from typing import Any

_ORDER = {
    "id": "o1",
    "customer": "ada",
    "currency": "EUR",
    "address": {"name": "A", "street": "B", "country": "C"},
    "lines": [{"sku": "pen", "quantity": 1, "unit_price": "1.10"}],
}
_RECIPIENT = {"id": "1", "webhook": "https://a.example/", "fields": {"name": "Ada", "n": [1, 2]}}
_TEMPLATES = {
    "webhook": {"body": "{{ name | tojson }}"},
    "email": {"subject": "s {{ name }}", "text": "t", "html": "<b>{{ name }}</b>"},
}
_REPORT = {
    "group_by": ["a", {"column": "d", "every": "month"}],
    "metrics": {"n": ["mean", "p99", "sum"]},
    "filter": [{"column": "n", "op": ">", "value": 1}],
    "sort": {"by": "rows", "descending": True},
    "top": {"n": 3, "by": "rows"},
    "chart": {"title": "t", "top": 5},
}
_TEXT = {"kind": "text", "text": "a,n,d\nx,1,2024-01-01\ny,2,2024-02-01\n", "read": {"kind": "csv"}}
_BLOB = {"container": "inbox", "blob": "a/b.csv"}
_LIMITS = {
    "batch": {"max_items": 10, "max_bytes": 1000},
    "concurrency": {"batches": 2, "items_per_second": 10},
    "timeouts": {"item_seconds": 1, "batch_seconds": 10},
    "retry": {
        "max_attempts": 2,
        "base_seconds": 0,
        "factor": 2,
        "max_seconds": 1,
        "jitter_seconds": 0,
    },
    "tolerance": {"count": 1, "percentage": 10},
    "results": {"format": "jsonl", "compression": "gzip"},
    "on_exceeded": "continue",
    "max_items": 10,
}
_SELECT = {
    "p": {"path": "id"},
    "c": {"const": {"a": [1]}},
    "i": {"index": True},
    "s": {"source": True},
}


def _ask(workload: str, source: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"workload": workload, "source": source, "dry_run": True} | more


def _inline(*items: Any) -> dict[str, Any]:
    return {"kind": "inline", "items": list(items)}


REQUESTS: tuple[dict[str, Any], ...] = (
    _ask("orders", _inline(_ORDER, _ORDER), parameters={"currencies": ["EUR"]}),
    _ask("notifications", _inline(_RECIPIENT), parameters={"templates": _TEMPLATES}),
    _ask("reports", _TEXT, parameters=_REPORT),
    _ask("reports", _TEXT, parameters={"reports": [{"name": "r", "group_by": ["a"]}]}),
    _ask("reports", {"kind": "csv", "delimiter": ";", "header": ["a"], "rows": "pad"} | _BLOB),
    _ask("reports", {"kind": "parquet", "columns": ["a", "n"]} | _BLOB),
    _ask("reports", {"kind": "json", "pointer": "/a/0", "compression": "gzip"} | _BLOB),
    _ask("images", {"kind": "listing", "container": "inbox", "prefix": "p", "suffixes": [".jpg"]}),
    _ask("images", {"kind": "manifest", "items_container": "inbox"} | _BLOB),
    _ask("probe", _inline({"id": 1}, {"id": "2"}), select=_SELECT, **_LIMITS),
    _ask("probe", {"kind": "text", "base64": "eyJpZCI6IDF9", "read": "jsonl"}),
    # These begin: what they are spoilt to be is carried out.
    _ask("probe", _inline({"id": 1}, {"id": 2, "ending": "permanent"}), dry_run=False, **_LIMITS),
    _ask("receipts", _inline({"id": "1"})),
)
CHANGES: tuple[dict[str, Any], ...] = (
    {"concurrency": {"batches": 3, "items_per_second": 5}, "tolerance": {"count": 3}},
    {"concurrency": {"items_per_second": None}},
)
REDRIVES: tuple[dict[str, Any], ...] = (
    {},
    {"error_types": ["PermanentError"], "retry": {"max_attempts": 2}, "tolerance": {"count": 2}},
)
