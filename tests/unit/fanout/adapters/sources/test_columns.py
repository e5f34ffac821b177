"""The columns of a source, known before a run where they can be."""

import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from fanout.adapters.sources.columns import MAX_BLOBS, MAX_MANIFEST_BYTES
from fanout.adapters.sources.reading import inspect
from fanout.errors import InvalidRequestError
from fanout.models.source import Source
from tests.support.doubles.memory_store import MemoryStore

SOURCE: TypeAdapter[Source] = TypeAdapter(Source)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def columns(store: MemoryStore, max_items: int | None = None, **source: Any) -> list[str] | None:
    if source["kind"] != "inline":
        source = {"container": "inbox"} | source
    return inspect(SOURCE.validate_python(source), store, max_items).columns


def parquet(**values: list[int]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(values), sink)
    return sink.getvalue()


def manifest(*lines: Any) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def test_items_in_the_request_have_the_columns_that_any_of_them_has(store: MemoryStore):
    items = [{"b": 1}, {"a": 2, "b": None}, "no object", [1]]
    assert columns(store, kind="inline", items=items) == ["b", "a"]
    assert columns(store, 1, kind="inline", items=items) == ["b"]
    assert columns(store, kind="inline", items=["text", 5]) is None
    assert columns(store, kind="inline", items=[]) is None


def test_blobs_of_a_listing_have_the_fields_of_a_listing(store: MemoryStore):
    named = ["name", "size", "etag", "last_modified", "content_type"]
    assert columns(store, kind="listing") == named


@pytest.mark.parametrize("read", ["csv", {"kind": "csv", "delimiter": ","}])
def test_few_blobs_have_the_columns_of_all_of_them(store: MemoryStore, read: Any):
    store.write("inbox", "a/1.csv", b"x,y\n1,2\n")
    store.write("inbox", "a/2.csv", b"y,z\n1,2\n")
    store.write("inbox", "b/3.csv", b"other\n1\n")
    assert columns(store, kind="listing", prefix="a/", read=read) == ["x", "y", "z"]
    store.write("inbox", "list", manifest("a/1.csv", {"name": "b/3.csv"}))
    assert columns(store, kind="manifest", blob="list", read=read) == ["x", "y", "other"]


def test_blobs_of_parquet_have_theirs_in_the_footer(store: MemoryStore):
    store.write("inbox", "1.parquet", parquet(x=[1], y=[2]))
    store.write("inbox", "2.parquet", parquet(x=[1], z=[2]))
    assert columns(store, kind="listing", read="parquet") == ["x", "y", "z"]


def test_a_compressed_blob_has_its_own(store: MemoryStore):
    store.write("inbox", "1.csv.gz", gzip.compress(b"x,y\n1,2\n"))
    assert columns(store, kind="listing", read="csv") == ["x", "y"]


def test_a_header_of_the_request_is_that_of_every_blob(store: MemoryStore):
    read = {"kind": "csv", "header": ["p", "q"]}
    assert columns(store, kind="listing", read=read) == ["p", "q"]


@pytest.mark.parametrize("read", ["json", "jsonl"])
def test_json_shows_no_columns_beforehand(store: MemoryStore, read: str):
    store.write("inbox", "1", b'{"a": 1}\n')
    assert columns(store, kind="listing", read=read) is None
    assert columns(store, kind="jsonl", blob="1") is None


def test_of_many_blobs_or_of_broken_ones_nothing_is_known(store: MemoryStore):
    for number in range(MAX_BLOBS + 1):
        store.write("inbox", f"many/{number}", b"x\n1\n")
    store.write("inbox", "broken/1", b"x\n1\n")
    store.write("inbox", "broken/2", b"\xff\xfe\n")
    store.write("inbox", "lines", b"no json\n")
    store.write("inbox", "gone", manifest("nowhere.csv"))
    store.write("inbox", "long", b'"x.csv"\n' * MAX_MANIFEST_BYTES)
    store.write("inbox", "names", manifest(*(f"many/{n}" for n in range(MAX_BLOBS + 1))))
    assert columns(store, kind="listing", prefix="many/", read="csv") is None
    assert columns(store, kind="listing", prefix="broken/", read="csv") is None
    assert columns(store, kind="listing", prefix="none/", read="csv") is None
    for blob in ("lines", "gone", "long", "names"):
        assert columns(store, kind="manifest", blob=blob, read="csv") is None


def test_columns_of_parquet_that_no_blob_has_are_named(store: MemoryStore):
    store.write("inbox", "1.parquet", parquet(carrier=[1], delay=[2]))
    read = {"kind": "parquet", "columns": ["carier"]}
    for field, source in {
        "source.columns": {"kind": "parquet", "blob": "1.parquet", "columns": ["carier"]},
        "source.read.columns": {"kind": "listing", "read": read},
    }.items():
        with pytest.raises(InvalidRequestError) as refused:
            columns(store, **source)
        (problem,) = refused.value.problems
        assert problem.field == field
        assert "no column 'carier'" in problem.message
        assert problem.message.endswith("did you mean 'carrier'?")


def test_where_one_blob_of_parquet_has_them_the_run_names_the_others(store: MemoryStore):
    store.write("inbox", "1.parquet", parquet(carrier=[1]))
    store.write("inbox", "2.parquet", parquet(other=[1]))
    read = {"kind": "parquet", "columns": ["carrier"]}
    assert columns(store, kind="listing", read=read) is None
