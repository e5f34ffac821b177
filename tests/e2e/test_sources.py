"""Every kind of source, from its blob to its outcomes, over HTTP."""

import gzip
import io
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from backports import zstd

from fanout.models.outcome import ErrorInfo
from tests.support.hosts.product import Product
from tests.support.hosts.product_calls import problem
from tests.support.parquet.files import counts, damage_page, texts, write_table

ROWS = [{"id": f"row-{n}"} for n in range(25)]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
CSV = b"id\n" + b"".join(row["id"].encode() + b"\n" for row in ROWS)
SEVEN = {"max_items": 7}
# What one answer lists: https://learn.microsoft.com/rest/api/storageservices/list-blobs
BLOBS_A_PAGE = 5_000


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
    lines = b"".join(b'"%s"\n' % secrets.token_hex(500).encode() for _ in range(1000))
    broken = gzip.compress(lines)[:-20]
    source = product.source(broken, "jsonl") | {"compression": "gzip"}
    status = product.run({"workload": "async-probe", "source": source})
    assert status["outcome"] == "failed"
    assert source["blob"] in status["error"]


def test_a_gzip_that_breaks_off_at_its_beginning_is_refused_at_once(product: Product):
    source = product.source(gzip.compress(LINES)[:-20], "jsonl") | {"compression": "gzip"}
    faults = problem(product.post({"workload": "async-probe", "source": source}), 400)
    assert "the gzip stream is cut short" in faults["source.blob"]


def test_a_listing_of_more_than_a_page_runs_over_each_blob_once(product: Product):
    names = [f"many/{n:05d}.txt" for n in range(BLOBS_A_PAGE + 100)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: product.upload(b"x", name), names))
    product.upload(b"x", "many-others/0.txt")
    source = {"kind": "listing", "container": product.inbox.container_name, "prefix": "many/"}
    status = product.run({"workload": "listed", "source": source})
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", len(names))
    assert [outcome.item_id for outcome in product.outcomes(status["run_id"])] == names


def test_the_blobs_that_a_manifest_names_are_read_and_a_missing_one_is_a_failed_item(
    product: Product,
):
    for part in range(2):
        product.upload(b'{"id":"m%d"}\n' % part, f"named/{part}.jsonl")
    lines = b'"named/0.jsonl"\n{"name":"named/1.jsonl"}\n"named/gone.jsonl"\n{"no":"name"}\n'
    source = product.source(lines, "manifest") | {"read": "jsonl"}
    status = product.run(
        {"workload": "async-probe", "source": source, "tolerance": {"percentage": 100}}
    )
    assert (status["items"]["succeeded"], status["items"]["failed"]) == (2, 2)
    messages = [o.error.message for o in product.outcomes(status["run_id"]) if o.error]
    assert any("named/gone.jsonl" in message for message in messages)
    assert any("line 4" in message for message in messages)


BROKEN = {
    "a CSV without a header": ("csv", b"", {}, "is empty"),
    "a CSV with a column twice": ("csv", b"a,a\n1,2\n", {}, "more than once"),
    "a JSON that breaks off": ("json", b'[{"id":1},', {}, "holds no such JSON array"),
    "a JSON without the array": ("json", b'{"a":1}', {"pointer": "/b"}, "holds no such JSON array"),
    "no Parquet": ("parquet", b"PAR1 not at all", {}, "is no Parquet"),
    "a Parquet without the column": (
        "parquet",
        parquet(ROWS),
        {"columns": ["nothing"]},
        "has no column 'nothing'",
    ),
    "no gzip": ("jsonl", b"not compressed", {"compression": "gzip"}, "cannot be decompressed"),
    "no zstd": ("csv", b"not compressed", {"compression": "zstd"}, "cannot be decompressed"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_malformed_source_is_refused_or_fails_with_the_place_of_the_fault(
    product: Product, name: str
):
    kind, data, options, fault = BROKEN[name]
    source = product.source(data, kind) | options
    answer = product.post({"workload": "async-probe", "source": source})
    if answer.status == 400:
        (error,) = answer.json["errors"]
        assert error["field"] == ("source.columns" if "columns" in options else "source.blob")
        assert fault in error["message"] and source["blob"] in error["message"]
        return
    assert answer.status == 202
    status = product.done(answer.json["run_id"])
    assert status["outcome"] == "failed"
    assert fault in status["error"] and source["blob"] in status["error"]


FAULTY_ITEMS = {
    "jsonl": (b'{"id":1}\n{"id":\n{"id":3}\n', "line 2"),
    "csv": (b'id\n1\n"2"x\n3\n', "line 3"),
}


@pytest.mark.parametrize("kind", list(FAULTY_ITEMS))
def test_a_malformed_record_is_a_failed_item_that_names_its_line(product: Product, kind: str):
    data, place = FAULTY_ITEMS[kind]
    request = {"workload": "async-probe", "source": product.source(data, kind)}
    status = product.run(request | {"tolerance": {"count": 1}})
    assert (status["outcome"], status["items"]["failed"]) == ("partially_succeeded", 1)
    (failed,) = (o for o in product.outcomes(status["run_id"]) if o.error)
    assert failed.index == 1 and place in failed.error.message


# Rows of three row groups. The year of one moment has no name, and one name is no UTF-8.
MOMENTS = [n * 86_400 * 10**6 for n in range(30)]
MOMENTS[3] = 253_402_300_800_000_000
NAMES = [f"r{n}".encode() for n in range(30)]
NAMES[7] = b"caf\xe9"
UNREADABLE_ROWS = [3, 7, *range(10, 20)]


def faulty_parquet() -> bytes:
    """A Parquet of two bad rows, and a bad row group between two others."""
    table = {"name": texts(*NAMES), "at": counts(pa.timestamp("us"), *MOMENTS)}
    data = write_table(table, row_group_size=10, write_page_checksum=True)
    return damage_page(data, group=1, column=1)


def failures_of(product: Product, run_id: str) -> dict[int, ErrorInfo]:
    failed = [outcome for outcome in product.outcomes(run_id) if outcome.error is not None]
    return {o.index + n: o.error for o in failed for n in range(o.count)}


def test_rows_of_a_parquet_that_cannot_be_read_are_failed_items_and_the_others_succeed_once(
    product: Product,
):
    request = {"workload": "listed", "source": product.source(faulty_parquet(), "parquet")}
    status = product.run(request | {"batch": SEVEN, "tolerance": {"percentage": 100}})
    assert status["outcome"] == "partially_succeeded"
    assert (status["items"]["succeeded"], status["items"]["failed"]) == (18, 12)
    outcomes = product.outcomes(status["run_id"])
    good = sorted((o.index, o.item_id, o.attempts) for o in outcomes if o.error is None)
    assert good == [(n, f"r{n}", 1) for n in range(30) if n not in UNREADABLE_ROWS]
    bad = {n: error.message for n, error in failures_of(product, status["run_id"]).items()}
    assert sorted(bad) == UNREADABLE_ROWS
    assert bad[3] == "row 4: column 'at': the date 10000-01-01 is not within the years 1 to 9999"
    assert bad[7] == "row 8: column 'name': byte 4 of the text, 0xe9, is not UTF-8"
    assert all("row group 1 cannot be decoded: column 'at'" in bad[n] for n in range(10, 20))


def test_a_report_over_a_parquet_counts_the_rows_that_can_be_read(product: Product):
    source = product.source(faulty_parquet(), "parquet")
    parameters = {"group_by": [{"column": "at", "every": "year"}]}
    request = {"workload": "reports", "source": source, "parameters": parameters}
    status = product.run(request | {"tolerance": {"percentage": 100}})
    assert status["outcome"] == "partially_succeeded"
    assert sorted(failures_of(product, status["run_id"])) == UNREADABLE_ROWS
    assert product.file(status["run_id"], "report.json").json["rows"] == 18


def test_a_listing_of_a_container_that_is_not_there_fails_with_its_name(product: Product):
    source = {"kind": "listing", "container": "no-such-container"}
    status = product.run({"workload": "async-probe", "source": source})
    assert status["outcome"] == "failed"
    assert "no-such-container" in status["error"]
