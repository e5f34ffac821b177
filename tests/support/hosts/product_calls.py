"""Requests that end-to-end tests send, and what they make of the answers."""

import json
from typing import Any

from tests.support.hosts.host_process import Answer
from tests.support.hosts.product import Product

AT_ONCE = {"base_seconds": 0.01, "factor": 1, "max_seconds": 0.01, "jitter_seconds": 0.01}
ONCE = {"retry": AT_ONCE | {"max_attempts": 1}, "tolerance": {"percentage": 100}}
TABLE = b"n,text\n1,a\n2,b\n3,c\n4,d\n5,e\n"


def probe(items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    source = {"kind": "inline", "items": [{"id": n} | item for n, item in enumerate(items)]}
    return {"workload": "probe", "source": source, "retry": AT_ONCE} | more


def sums(product: Product, table: bytes = TABLE, **more: Any) -> dict[str, Any]:
    request = {"workload": "sum", "source": product.source(table), "parameters": {"column": "n"}}
    return request | {"retry": AT_ONCE} | more


def redrive(product: Product, run_id: str, asked: Any = None) -> Answer:
    body = b"" if asked is None else json.dumps(asked).encode()
    return product.host.request("POST", f"/api/runs/{run_id}/redrive", body, {})


def redrive_to_end(product: Product, run_id: str, asked: Any = None) -> dict[str, Any]:
    answer = redrive(product, run_id, asked)
    assert answer.status == 202, answer.body
    count = answer.json["attempt"] - 1
    return product.until(run_id, lambda s: s["redrive_count"] == count and s["phase"] == "done")


def problem(answer: Any, status: int) -> dict[str, str]:
    """The fields that an answer complains of."""
    assert answer.status == status, answer.body
    assert answer.header("content-type") == "application/problem+json"
    assert answer.json["status"] == status
    return {error["field"]: error["message"] for error in answer.json.get("errors", [])}
