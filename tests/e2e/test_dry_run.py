"""Dry runs: what a request would do, with nothing started and nothing left behind."""

import gzip
from typing import Any

import pytest

from starters.lifecycle.dry_run import MAX_COUNTED
from tests.support.hosts.product import Product


def dry(product: Product, source: dict[str, Any], **more: Any) -> dict[str, Any]:
    request = {"workload": "probe", "source": source, "dry_run": True, "run_id": "dry"} | more
    answer = product.post(request)
    assert answer.status == 200, answer.body
    assert product.host.get("/api/runs/dry").status == 404
    left = product.blobs.get_container_client("runs")
    assert not left.exists() or not [*left.list_blob_names(name_starts_with="~dry")]
    return dict(answer.json)


def test_it_tells_the_items_the_batches_and_what_they_cost(product: Product):
    lines = b"".join(b'{"id":%d}\n' % n for n in range(1000))
    found = dry(product, product.source(lines, "jsonl"), batch={"max_items": 50})
    assert (found["items"], found["is_exact"]) == (1000, True)
    assert found["first_items"] == [{"id": n} for n in range(5)]
    estimate = found["estimate"]
    assert (estimate["batches"], estimate["batches_are_fitted"]) == (20, False)
    assert estimate["activities"] >= 20
    assert estimate["storage_operations"] > 60
    assert 0 < estimate["least_cost_dollars"] < 0.01
    expected, worst = estimate["expected"], estimate["worst"]
    assert (estimate["expected_item_seconds"], estimate["worst_item_seconds"]) == (0.001, 1.0)
    assert estimate["activities"] == expected["activities"] <= worst["activities"]
    assert expected["billed_seconds"] < worst["billed_seconds"]
    assert 0 < expected["usd"]["total"] < worst["usd"]["total"]


def test_an_item_takes_no_longer_than_the_request_lets_it(product: Product):
    source = {"kind": "inline", "items": [{"id": n} for n in range(100)]}
    estimates = [
        dry(product, source, timeouts={"item_seconds": seconds})["estimate"]
        for seconds in (0.001, 10, 1000)
    ]
    assert [estimate["worst_item_seconds"] for estimate in estimates] == [0.001, 10, 1000]
    assert estimates[0]["expected_item_seconds"] == 0.001
    costs = [estimate["worst"]["usd"]["total"] for estimate in estimates]
    assert costs == sorted(costs)


@pytest.mark.parametrize("kind", ["inline", "gzip", "listing"])
def test_every_kind_of_source_can_be_tried(product: Product, kind: str):
    if kind == "inline":
        source: dict[str, Any] = {"kind": "inline", "items": [{"id": 1}, {"id": 2}]}
    elif kind == "gzip":
        blob = product.upload(gzip.compress(b'{"id":1}\n{"id":2}\n'), "dry/two.jsonl.gz")
        source = {"kind": "jsonl", "container": product.inbox.container_name, "blob": blob}
    else:
        for name in ("dry-list/a", "dry-list/b"):
            product.upload(b"x", name)
        source = {
            "kind": "listing",
            "container": product.inbox.container_name,
            "prefix": "dry-list/",
        }
    found = dry(product, source)
    assert (found["items"], found["is_exact"], len(found["first_items"])) == (2, True, 2)
    assert found["estimate"]["batches_are_fitted"]


def test_the_items_of_a_large_blob_are_reckoned(product: Product):
    count = MAX_COUNTED + 20_000
    source = product.source(b"".join(b'{"id":%07d}\n' % n for n in range(count)), "jsonl")
    found = dry(product, source)
    assert not found["is_exact"]
    assert abs(found["items"] - count) < 0.01 * count
    assert dry(product, source, max_items=10)["items"] == 10


def test_what_could_not_be_run_is_refused_as_it_would_be(product: Product):
    source = {"kind": "jsonl", "container": product.inbox.container_name, "blob": "gone"}
    answer = product.post({"workload": "probe", "source": source, "dry_run": True})
    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == "source.blob"


def test_an_item_that_is_very_long_is_told_by_its_length(product: Product):
    source = product.source(b"id,v\n1," + b"\x01" * 100_000 + b"\n2,b\n", "csv")
    answer = product.post({"workload": "probe", "dry_run": True, "source": source})
    assert answer.status == 200, answer.body[:500]
    long, short = answer.json["first_items"]
    assert "line 2" in long["error"] and "600," in long["error"]
    assert short == {"id": "2", "v": "b"}
    assert len(answer.body) < 10_000
