"""Every kind of source, from its blob to its outcomes, over HTTP."""

import gzip
import io
import json
from typing import Any

import polars as pl
import pytest
from backports import zstd

from tests.e2e.conftest import Product

ROWS = [{"id": f"row-{n}"} for n in range(25)]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
CSV = b"id\n" + b"".join(row["id"].encode() + b"\n" for row in ROWS)
SEVEN = {"max_items": 7}


def parquet(rows: list[dict[str, str]]) -> bytes:
    data = io.BytesIO()
    pl.DataFrame(rows).write_parquet(data, row_group_size=10)
    return data.getvalue()


SOURCES = {
    "json": (json.dumps({"page": {"items": ROWS}}).encode(), {"pointer": "/page/items"}),
    "jsonl": (gzip.compress(LINES), {"compression": "gzip"}),
    "csv": (zstd.compress(CSV), {"compression": "zstd"}),
    "parquet": (parquet(ROWS), {"columns": ["id"]}),
}


def ids_of(product: Product, request: dict[str, Any]) -> list[str]:
    status = product.run({"workload": "async-probe", "batch": SEVEN, **request})
    assert status["outcome"] == "succeeded", status
    return [outcome.item_id for outcome in product.outcomes(status["run_id"])]


@pytest.mark.parametrize("kind", list(SOURCES))
def test_the_items_of_a_blob_are_processed_in_order(product: Product, kind: str):
    data, options = SOURCES[kind]
    found = ids_of(product, {"source": product.source(data, kind) | options})
    assert found == [f"item-{row['id']}" for row in ROWS]


def test_the_records_of_every_blob_of_a_listing_are_the_items(product: Product):
    for part in range(3):
        product.upload(b'{"id":"%d-a"}\n{"id":"%d-b"}\n' % (part, part), f"set/{part}.jsonl")
    product.upload(b"not one of them", "settings/0.jsonl")
    source = {"kind": "listing", "container": product.inbox.container_name}
    found = ids_of(product, {"source": source | {"prefix": "set/", "read": "jsonl"}})
    assert found == [f"item-{part}-{name}" for part in range(3) for name in "ab"]


def test_a_selection_is_merged_into_each_item(product: Product):
    source = {"kind": "inline", "items": [{"key": "x"}, {"key": "y"}]}
    request = {"source": source, "select": {"id": {"path": "key"}}}
    status = product.run({"workload": "async-probe", **request})
    failures = [o.error.message for o in product.outcomes(status["run_id"]) if o.error]
    # The item keeps its own field, which this workload's items do not have.
    assert all("key" in message for message in failures) and len(failures) == 2


def test_a_gzip_that_breaks_off_fails_the_run_with_the_reason(product: Product):
    broken = gzip.compress(LINES)[:-20]
    source = product.source(broken, "jsonl") | {"compression": "gzip"}
    status = product.run({"workload": "async-probe", "source": source})
    assert status["outcome"] == "failed"
    assert source["blob"] in status["error"]
