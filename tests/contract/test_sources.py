"""Sources on Azurite: what the double of a store cannot show."""

import gzip
import io
import json
import secrets
from base64 import b64encode

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from fanout.adapters.blob import BlobStore
from fanout.adapters.settings import Settings, StorageSettings
from fanout.adapters.sources import reading
from fanout.adapters.sources.reading import Scratch
from fanout.errors import InvalidRequestError, SourceChangedError
from fanout.models.plan import PlanManifest
from fanout.models.request import BatchLimits, Source
from fanout.records import Record
from fanout.splitting.records import parse_records
from tests.support.hosts.product import client_of

LIMITS = BatchLimits(max_items=400)
ROWS = [{"n": n, "text": str(n) * 30} for n in range(1000)]


@pytest.fixture(scope="module")
def store(storage: str) -> BlobStore:
    return BlobStore.connect(StorageSettings(connection_string=storage))


@pytest.fixture
def run(store: BlobStore) -> str:
    run_id = secrets.token_hex(6)
    store.write("runs", f"{run_id}/request.json", b"{}")
    return run_id


@pytest.fixture
def container() -> str:
    return f"c{secrets.token_hex(6)}"


def source(**fields: object) -> Source:
    return TypeAdapter(Source).validate_python(fields)


def planned(wanted: Source, store: BlobStore, run: str):
    scratch = Scratch.of_run(run, store, Settings(StorageSettings()))
    made = reading.cut_source(wanted, store, LIMITS, None, scratch)
    cuts = list(made)
    manifest = PlanManifest(
        items=sum(cut.items for cut in cuts),
        cuts=len(cuts),
        partitions=1,
        cuts_per_partition=max(1, len(cuts)),
        header=made.header,
        etag=made.etag,
        length=made.length,
        data=made.data,
        parts=made.parts,
    )
    return manifest, cuts


def records(wanted: Source, store: BlobStore, run: str) -> list[Record]:
    manifest, cuts = planned(wanted, store, run)
    chunks = (reading.read_chunk(wanted, cut, manifest, store) for cut in cuts)
    return [record for chunk in chunks for record in parse_records(chunk)]


def values(wanted: Source, store: BlobStore, run: str) -> list:
    return [record.value for record in records(wanted, store, run)]


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), sink, row_group_size=300)
    return sink.getvalue()


def test_parquet_is_read_in_ranges_of_one_version(store, container, run):
    store.write(container, "b.parquet", parquet())
    wanted = source(kind="parquet", container=container, blob="b.parquet", columns=["n"])
    assert values(wanted, store, run) == [{"n": n} for n in range(1000)]
    manifest, cuts = planned(wanted, store, run)
    store.write(container, "b.parquet", parquet())
    elsewhere = BlobStore(store._service)  # in a process that has read nothing
    with pytest.raises(SourceChangedError):
        reading.read_chunk(wanted, cuts[0], manifest, elsewhere)


def test_a_text_of_the_request_is_read_and_a_compressed_one_from_its_copy(store, run):
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    plain = source(kind="text", text=lines, read="jsonl")
    assert values(plain, store, run) == ROWS
    assert list(store.names("runs", f"{run}/plan/")) == []
    read = {"kind": "jsonl", "compression": "gzip"}
    packed = b64encode(gzip.compress(lines.encode())).decode()
    wanted = source(kind="text", base64=packed, read=read)
    assert values(wanted, store, run) == ROWS
    manifest, _ = planned(wanted, store, run)
    assert manifest.data is not None
    assert store.read(manifest.data.container, manifest.data.blob) == lines.encode()


def test_a_compressed_blob_is_read_from_its_copy(store, container, run):
    lines = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    store.write(container, "b.jsonl.gz", gzip.compress(lines))
    wanted = source(kind="jsonl", container=container, blob="b.jsonl.gz")
    assert values(wanted, store, run) == ROWS
    assert values(wanted, store, run) == ROWS  # planned again over its own copy


def test_blobs_of_each_format_are_flattened(store, container, run):
    for number in range(0, 1000, 250):
        rows = ROWS[number : number + 250]
        text = "\n".join(json.dumps(row) for row in rows)
        store.write(container, f"in/{number:04d}", text.encode())
    store.write(container, "inner/x", b"not asked for")
    wanted = source(kind="listing", container=container, prefix="in", read="jsonl")
    assert values(wanted, store, run) == ROWS


def test_an_empty_blob_has_no_items(store, container, run):
    store.write(container, "b", b"")
    store.write(container, "b.csv", b"")
    assert values(source(kind="jsonl", container=container, blob="b"), store, run) == []
    given = source(kind="csv", container=container, blob="b.csv", header=["a"])
    assert values(given, store, run) == []


@pytest.fixture
def archived(storage: str, store: BlobStore, container: str) -> str:
    """A container of four blobs of one row; the second is archived."""
    for name in ("a", "b", "c", "d"):
        store.write(container, name, f"id\n{name}\n".encode() + b"\n" * 20)
    with client_of(storage) as blobs:
        blobs.get_blob_client(container, "b").set_standard_blob_tier("Archive")
    return container


ARCHIVED = "source.blob: the blob 'b' in the container '{}' is not given by storage: BlobArchived"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet", "manifest"])
def test_an_archived_blob_is_refused_by_name(kind: str, store: BlobStore, archived: str, run: str):
    wanted = source(kind=kind, container=archived, blob="b")
    with pytest.raises(InvalidRequestError) as caught:
        planned(wanted, store, run)
    assert str(caught.value) == ARCHIVED.format(archived)


def test_an_archived_blob_costs_a_listing_one_item(store: BlobStore, archived: str, run: str):
    wanted = source(kind="listing", container=archived, read="csv")
    assert reading.inspect(wanted, store).columns is None
    found = records(wanted, store, run)
    assert [record.value for record in found] == [{"id": "a"}, None, {"id": "c"}, {"id": "d"}]
    fault = found[1].error
    assert fault is not None
    assert (fault.type, fault.message) == ("SourceBlobError", ARCHIVED.format(archived))


def test_items_of_a_blob_that_is_archived_after_the_plan_fail_with_its_name(
    store: BlobStore, storage: str, container: str, run: str
):
    store.write(container, "b", b"1\n2\n")
    wanted = source(kind="jsonl", container=container, blob="b")
    manifest, (cut,) = planned(wanted, store, run)
    with client_of(storage) as blobs:
        blobs.get_blob_client(container, "b").set_standard_blob_tier("Archive")
    elsewhere = BlobStore(store._service)  # in a process that has read nothing
    with pytest.raises(InvalidRequestError) as caught:
        reading.read_chunk(wanted, cut, manifest, elsewhere)
    assert str(caught.value) == ARCHIVED.format(container)
