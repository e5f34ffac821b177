"""Results written by many activities: small files make many ranges of a small run."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import polars as pl
import pytest

from tests.support.hosts.hosts import chosen
from tests.support.hosts.product import Product
from tests.support.hosts.product_calls import AT_ONCE, problem, redrive_to_end
from tests.support.hosts.running_product import shared_product
from tests.support.replays.local_runs import lines

MAX_FILE_BYTES = 6_000
ITEMS = 900
# About 130 bytes of outcome for an item: the first batches are longer than a file may be.
BATCH = {"max_items": 60}


@pytest.fixture(scope="module")
def parted(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    limit = str(MAX_FILE_BYTES)
    folder = tmp_path_factory.mktemp("parted")
    with shared_product(storage, folder, FANOUT_MAX_RESULT_FILE_BYTES=limit) as product:
        yield product


def is_parted() -> bool:
    """Whether files are as small as the tests want; of a host that runs already nobody knows."""
    return chosen().origin is None


def request(product: Product, **more: Any) -> dict[str, Any]:
    """Every seventh item fails for good, every fifth once."""
    items = [
        {"id": n, "ending": "permanent" if n % 7 == 0 else "ok", "good": 2 if n % 5 == 0 else 1}
        for n in range(ITEMS)
    ]
    source = product.source("".join(json.dumps(item) + "\n" for item in items).encode(), "jsonl")
    asked = {"workload": "probe", "source": source, "retry": AT_ONCE, "batch": BATCH}
    return asked | {"tolerance": {"percentage": 50}} | more


def plain(data: bytes, name: str) -> bytes:
    return gzip.decompress(data) if name.endswith(".gz") else data


def outcomes(data: bytes, name: str) -> list[tuple[int, str]]:
    """Index and status of every item of a file."""
    if name.endswith(".parquet"):
        return pl.read_parquet(BytesIO(data)).select("index", "status").rows()
    return [(outcome.index, outcome.status) for outcome in lines(plain(data, name))]


@pytest.mark.parametrize(
    ("results", "suffix"),
    [
        ({}, ".jsonl"),
        ({"compression": "gzip"}, ".jsonl.gz"),
        ({"format": "parquet"}, ".parquet"),
    ],
)
def test_each_index_is_in_one_file_whatever_the_format(
    parted: Product, results: dict[str, str], suffix: str
):
    status = parted.run(request(parted, results=results))
    assert (status["outcome"], status["items"]["total"]) == ("partially_succeeded", ITEMS)
    manifest = parted.results(status["run_id"])
    found: list[tuple[int, str]] = []
    for file in manifest["files"]:
        answer = parted.file(status["run_id"], file["name"])
        assert (len(answer.body), answer.header("content-type")) == (
            file["size_bytes"],
            file["media_type"],
        )
        assert hashlib.md5(answer.body).hexdigest() == file["md5"]
        if suffix != ".parquet" and is_parted():
            assert len(plain(answer.body, file["name"])) <= MAX_FILE_BYTES
        if not file["name"].startswith("DEAD-LETTERS"):
            assert file["name"].endswith(suffix)
            rows = outcomes(answer.body, file["name"])
            assert len(rows) == file["count"]
            assert rows == sorted(rows), "order kept"
            found += rows
    assert sorted(index for index, _ in found) == list(range(ITEMS))
    failed = {index for index, ending in found if ending == "failed"}
    assert failed == {n for n in range(ITEMS) if n % 7 == 0}
    assert Counter(ending for _, ending in found)["succeeded"] == status["items"]["succeeded"]
    if not is_parted():
        return
    names = {file["name"] for file in manifest["files"]}
    assert {f"SUCCEEDED-00001{suffix}", f"SUCCEEDED-00000-1{suffix}"} <= names
    assert len([name for name in names if name.startswith("SUCCEEDED")]) > ITEMS * 100 // 6_000


def test_dead_letters_of_every_range_hold_the_items_given_up_on(parted: Product):
    status = parted.run(request(parted, results={"compression": "gzip"}))
    manifest = parted.results(status["run_id"])
    letters = [
        json.loads(line)
        for file in manifest["files"]
        if file["name"].startswith("DEAD-LETTERS")
        for line in plain(
            parted.file(status["run_id"], file["name"]).body, file["name"]
        ).splitlines()
    ]
    assert [letter["index"] for letter in letters] == list(range(0, ITEMS, 7))
    assert all(letter["item"]["id"] == letter["index"] for letter in letters)


def test_the_partials_of_many_ranges_merge_in_source_order(parted: Product):
    table = "n\n" + "".join(f"{n}\n" for n in range(2_000))
    asked = {
        "workload": "sum",
        "source": parted.source(table.encode()),
        "parameters": {"column": "n"},
        "retry": AT_ONCE,
        "batch": {"max_items": 2},
        "concurrency": {"batches": 128},
    }
    status = parted.run(asked)
    merged = parted.file(status["run_id"], "sum.json").json
    assert merged == {"sum": sum(range(2_000)), "began": list(range(0, 2_000, 2))}
    blobs = parted.blobs_of(status["run_id"])
    levels = {name.split("-m")[1][0] for name in blobs if "/plan/fan-in-a1-m" in name}
    assert levels == {"0", "1", "2"} or not is_parted(), "one level of the tree does not do"


def test_a_redrive_leaves_the_files_of_its_manifest_alone(parted: Product):
    run_id = parted.run(request(parted))["run_id"]
    status = redrive_to_end(parted, run_id, {"tolerance": {"percentage": 50}})
    listed = {file["name"] for file in parted.results(run_id)["files"]}
    folder = f"{run_id}/results/"
    left = {n.removeprefix(folder) for n in parted.blobs_of(run_id) if n.startswith(folder)}
    assert left == listed | {"manifest.json"}
    assert status["items"]["total"] == ITEMS
    indexes = [outcome.index for outcome in parted.outcomes(run_id)]
    assert sorted(indexes) == list(range(ITEMS))


def test_parquet_with_gzip_is_refused_naming_the_field(parted: Product):
    asked = request(parted, results={"format": "parquet", "compression": "gzip"})
    found = problem(parted.post(asked), 400)
    assert list(found) == ["results.compression"]
    assert "gzip is for jsonl" in found["results.compression"]
