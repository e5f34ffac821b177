"""Each kind of source gives each of its items once, and its faults with their place."""

import gzip
import hashlib
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from fanout.adapters.run_files.part_reader import join_cuts
from fanout.adapters.sources import reading
from fanout.adapters.sources.parquet import footer
from fanout.adapters.sources.reading import Scratch
from fanout.errors import InvalidRequestError, SourceChangedError
from fanout.models.plan import PlanManifest
from fanout.models.request import BatchLimits, RunRequest, Source
from fanout.records import BlobEntry, Record, SourceInfo
from fanout.splitting.decoding.codecs import Expansion
from fanout.splitting.records import parse_records
from tests.support.doubles import memory_store
from tests.support.doubles.memory_store import EPOCH, MemoryStore

LIMITS = BatchLimits(max_items=3)
SOURCE = TypeAdapter(Source)
Blobs = dict[str, bytes]


def source(kind: str, **fields) -> Source:
    named = {"blob": fields.pop("blob", "data")} if kind not in ("listing", "inline") else {}
    return SOURCE.validate_python({"kind": kind, "container": "inbox", **named, **fields})


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def scratch(store: MemoryStore, run: str, **allowed: int) -> Scratch:
    return Scratch(store, "runs", f"{run}/plan/", Expansion(**allowed))


def run_of(wanted: Source) -> str:
    """One source, one run."""
    return hashlib.sha256(wanted.model_dump_json().encode()).hexdigest()[:8]


def plan(wanted: Source, store: MemoryStore, max_items: int | None = None, limits=LIMITS):
    made = reading.cut_source(wanted, store, limits, max_items, scratch(store, run_of(wanted)))
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
    return PlanManifest.model_validate_json(manifest.model_dump_json()), cuts


def read(
    wanted: Source, store: MemoryStore, max_items: int | None = None, select=None, limits=LIMITS
) -> list[Record]:
    manifest, cuts = plan(wanted, store, max_items, limits)
    selection = RunRequest(workload="w", source=wanted, select=select or {}).select
    records = [
        record
        for cut in cuts
        for record in parse_records(reading.read_chunk(wanted, cut, manifest, store, selection))
    ]
    assert [record.index for record in records] == list(range(manifest.items))
    return records


def values(*args, **options) -> list:
    records = read(*args, **options)
    assert [record.error for record in records] == [None] * len(records)
    return [record.value for record in records]


def refusal(wanted: Source, store: MemoryStore) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        plan(wanted, store)
    return str(caught.value)


def parquet(rows: dict, row_group_size: int = 4, **options) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(rows), sink, row_group_size=row_group_size, **options)
    return sink.getvalue()


# CSV options


def test_a_delimiter_may_be_any_character(store):
    store.write("inbox", "data", b'a|b\n"x|y"|1,2\n|"say ""hi"""\n')
    rows = values(source("csv", delimiter="|"), store)
    assert rows == [{"a": "x|y", "b": "1,2"}, {"a": "", "b": 'say "hi"'}]


@pytest.mark.parametrize("delimiter", ["\t", " ", ";", "^", "\\", "]", "-", "."])
def test_a_delimiter_means_nothing_else(delimiter, store):
    text = 'a,b\n1,"2\n,3"\n4,5\n'.replace(",", delimiter)
    store.write("inbox", "data", text.encode())
    rows = values(source("csv", delimiter=delimiter), store)
    assert rows == [{"a": "1", "b": f"2\n{delimiter}3"}, {"a": "4", "b": "5"}]


def test_a_given_header_makes_the_first_record_a_row(store):
    store.write("inbox", "data", b"\xef\xbb\xbf1,2\n3,4\n")
    wanted = source("csv", header=["a", "b"])
    assert reading.inspect(wanted, store).columns == ["a", "b"]
    assert values(wanted, store) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_an_empty_blob_with_a_given_header_has_no_rows(store):
    store.write("inbox", "data", b"")
    assert values(source("csv", header=["a"]), store) == []


def test_short_rows_are_filled_and_long_ones_cut_where_it_is_asked(store):
    store.write("inbox", "data", b"a,b\n1\n1,2\n1,2,3\n")
    rows = values(source("csv", rows="pad"), store)
    assert rows == [{"a": "1", "b": ""}, {"a": "1", "b": "2"}, {"a": "1", "b": "2"}]
    kinds = [record.error and record.error.type for record in read(source("csv"), store)]
    assert kinds == ["CsvRowError", None, "CsvRowError"]


# compression


@given(rows=st.lists(st.text(max_size=5), max_size=20), codec=st.sampled_from(["gzip", "zstd"]))
@settings(max_examples=50)
def test_a_compressed_blob_has_the_items_of_the_plain_one(rows, codec):
    store = MemoryStore()
    plain = "".join(json.dumps({"t": row}) + "\n" for row in rows).encode()
    compress = gzip.compress if codec == "gzip" else zstd.compress
    store.write("inbox", "data", compress(plain))
    manifest, _ = plan(source("jsonl", compression=codec), store)
    assert manifest.data is not None
    copy = store.read(manifest.data.container, manifest.data.blob)
    assert copy == plain
    assert values(source("jsonl", compression=codec), store) == [{"t": row} for row in rows]


def test_a_compressed_csv_goes_by_its_name_and_is_inspected(store):
    store.write("inbox", "rows.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    wanted = source("csv", blob="rows.csv.gz")
    assert reading.inspect(wanted, store).columns == ["a", "b"]
    assert values(wanted, store) == [{"a": "1", "b": "2"}]


def test_a_copy_is_no_longer_than_the_items_that_are_wanted(store):
    lines = b"".join(b'{"n":%d}\n' % n for n in range(2_000_000))
    store.write("inbox", "data.gz", gzip.compress(lines, 1))
    manifest, _ = plan(source("jsonl", blob="data.gz"), store, max_items=2)
    assert manifest.items == 2
    assert store.properties(manifest.data.container, manifest.data.blob).size < len(lines) // 8


def test_planning_a_compressed_blob_again_gives_the_same(store):
    store.write("inbox", "data.gz", gzip.compress(b"1\n2\n3\n4\n"))
    wanted = source("jsonl", blob="data.gz")
    assert plan(wanted, store) == plan(wanted, store)


@pytest.mark.parametrize(
    ("blob", "fault"),
    [
        (gzip.compress(b"1\n" * 1000, mtime=0)[:-9], "cut short: it ends at byte"),
        (b"1\n2\n", "it is no gzip before byte 4"),
        (b"", "cut short: it ends at byte 0"),
    ],
    ids=["cut short", "plain", "empty"],
)
def test_a_malformed_compressed_blob_is_refused(blob, fault, store):
    store.write("inbox", "data.gz", blob)
    message = refusal(source("jsonl", blob="data.gz"), store)
    assert message.startswith("source.blob: the blob 'data.gz' in the container 'inbox'")
    assert fault in message


def test_a_bomb_is_refused_and_leaves_no_copy(store):
    store.write("inbox", "data.gz", gzip.compress(bytes(20_000_000)))
    with pytest.raises(InvalidRequestError, match="more than 100 times"):
        list(
            reading.cut_source(
                source("jsonl", blob="data.gz"),
                store,
                LIMITS,
                scratch=scratch(store, "r1", max_ratio=100, free_bytes=1_000_000),
            )
        )
    assert list(store.names("runs", "")) == []


# JSON


def test_an_array_in_a_document_is_read_where_the_pointer_leads(store):
    store.write("inbox", "data", b'{"meta": 1, "rows": [1, {"a": [2]}, "x",\n null, 5]}')
    assert values(source("json", pointer="/rows"), store) == [1, {"a": [2]}, "x", None, 5]


def test_a_compressed_array_is_read(store):
    store.write("inbox", "data.zst", zstd.compress(b"[1,2,3,4]"))
    assert values(source("json", blob="data.zst"), store) == [1, 2, 3, 4]


def test_json_that_breaks_at_its_end_is_refused_with_the_place(store):
    store.write("inbox", "data", b"[" + b"1,\n" * 100_000 + b'"open')
    assert "is not closed: the data ends at byte 300006, line 100001" in refusal(
        source("json"), store
    )


def test_a_malformed_element_alone_is_refused(store):
    store.write("inbox", "data", b"[1,\n{bad},\n3]")
    assert [(r.value, r.line, r.error and r.error.type) for r in read(source("json"), store)] == [
        (1, 1, None),
        (None, 2, "JsonItemError"),
        (3, 3, None),
    ]


# Parquet


@given(
    rows=st.integers(0, 40),
    group=st.integers(1, 15),
    most=st.integers(1, 9),
    max_items=st.none() | st.integers(1, 45),
)
@settings(max_examples=40)
def test_each_row_is_in_one_batch(rows, group, most, max_items):
    store = MemoryStore()
    store.write("inbox", "data", parquet({"n": list(range(rows))}, group))
    limits = BatchLimits(max_items=most)
    found = values(source("parquet"), store, max_items, limits=limits)
    assert found == [{"n": n} for n in range(rows)][:max_items]


def test_rows_have_the_types_that_json_has(store):
    rows = {
        "int": [1, None],
        "float": [1.5, float("nan")],
        "date": [date(2026, 1, 2), None],
        "time": [datetime(2026, 1, 2, 3, 4, tzinfo=UTC), None],
        "decimal": [Decimal("1.10"), None],
        "bytes": [b"\xff\x00", None],
        "list": [[1, 2], []],
        "struct": [{"a": 1}, None],
    }
    store.write("inbox", "data", parquet(rows, compression="zstd"))
    first, second = values(source("parquet"), store)
    assert first == {
        "int": 1,
        "float": 1.5,
        "date": "2026-01-02",
        "time": "2026-01-02T03:04:00Z",
        "decimal": "1.10",
        "bytes": "_wA=",
        "list": [1, 2],
        "struct": {"a": 1},
    }
    assert second["float"] is None and second["list"] == []


def test_only_the_wanted_columns_are_read(store):
    noise = [str(n) * 100 for n in range(5000)]
    table = {"a": list(range(5000)), "noise": noise, "b": [{"c": n} for n in range(5000)]}
    store.write("inbox", "data", parquet(table, 2500, use_dictionary=False, compression="none"))
    size = store.properties("inbox", "data").size
    wanted = source("parquet", columns=["b", "a"])
    info = reading.inspect(wanted, store)
    assert (info.kind, info.columns) == ("parquet", ["b", "a"])
    found = values(wanted, store, limits=BatchLimits())
    assert found == [{"b": {"c": n}, "a": n} for n in range(5000)]
    assert list(found[0]) == ["b", "a"]
    assert store.bytes_read < size / 2


def test_a_row_group_is_decoded_once_for_batches_in_order(store):
    table = {"a": [str(n) * 150 for n in range(1000)]}
    store.write("inbox", "data", parquet(table, 500, use_dictionary=False, compression="none"))
    size = store.properties("inbox", "data").size
    assert len(values(source("parquet"), store, limits=BatchLimits(max_items=10))) == 1000
    assert store.bytes_read < 4 * size


def test_row_groups_are_decoded_once_for_batches_by_turns(store):
    table = {"a": [str(n) * 150 for n in range(1000)]}
    data = parquet(table, 250, use_dictionary=False, compression="none")
    store.write("inbox", "data", data)
    wanted = source("parquet")
    manifest, cuts = plan(wanted, store, limits=BatchLimits(max_items=10))
    by_turns = sorted(cuts, key=lambda cut: cut.offset % 250)
    for cut in by_turns:
        reading.read_chunk(wanted, cut, manifest, store)
    assert store.bytes_read < 2 * len(data)


def test_batches_keep_to_their_bytes(store):
    store.write("inbox", "data", parquet({"a": ["x" * 100] * 64}, 64, use_dictionary=False))
    _, cuts = plan(source("parquet"), store, limits=BatchLimits(max_bytes=1000))
    assert {cut.items for cut in cuts} <= {9, 8, 1}
    assert sum(cut.items for cut in cuts) == 64


@pytest.mark.parametrize(
    ("blob", "fields", "fault"),
    [
        (b"", {}, "is no Parquet"),
        (b"PAR1", {}, "is no Parquet"),
        (b"id,name\n1,a\n" * 100, {}, "is no Parquet"),
        (parquet({"a": [1]})[:-20] + bytes(20), {}, "is no Parquet"),
        (parquet({"a": [1]}), {"columns": ["b"]}, "has no column 'b'; it has a"),
    ],
    ids=["empty", "magic alone", "text", "broken footer", "other columns"],
)
def test_what_is_no_such_parquet_is_refused(blob, fields, fault, store):
    store.write("inbox", "data", blob)
    wanted = source("parquet", **fields)
    assert fault in refusal(wanted, store)
    with pytest.raises(InvalidRequestError, match=fault):
        reading.inspect(wanted, store)


def test_the_name_of_a_column_may_have_dots(store):
    table = {"a.b": [1], "a": [{"b": 2}], "c": [3]}
    store.write("inbox", "data", parquet(table))
    assert values(source("parquet"), store) == [{"a.b": 1, "a": {"b": 2}, "c": 3}]
    assert values(source("parquet", columns=["a.b"]), store) == [{"a.b": 1}]


def test_of_a_set_of_parquets_a_damaged_one_is_one_item_and_bad_rows_keep_their_places(store):
    sound = parquet({"n": [0, 1]})
    words = pa.array([b"x", b"\xff", b"y"]).view(pa.string())
    blobs = {
        "1": sound,
        "2": sound[:-8] + bytes(4) + sound[-4:],
        "3": parquet({"n": words}),
        "4": b"no Parquet",
        "5": sound,
    }
    for name, blob in blobs.items():
        store.write("inbox", name, blob)
    records = read(source("listing", read="parquet"), store)
    assert [record.value and record.value["n"] for record in records] == [
        *(0, 1, None, "x", None, "y", None, 0, 1)
    ]
    faults = {record.index: record.error for record in records if record.error}
    kinds = {index: error.type for index, error in faults.items()}
    assert kinds == {2: "SourceBlobError", 4: "EncodingError", 6: "SourceBlobError"}
    assert faults[4].message.startswith("row 2: column 'n': ")
    assert "the blob '2' in the container 'inbox'" in faults[2].message


def test_a_row_group_too_large_to_hold_is_refused(store, monkeypatch):
    monkeypatch.setattr(footer, "MAX_ROW_GROUP_BYTES", 1000)
    store.write("inbox", "data", parquet({"a": ["x" * 999, "y" * 999]}, 2, use_dictionary=False))
    assert "bytes in row group 0, over 1000" in refusal(source("parquet"), store)


def test_a_parquet_that_changes_after_it_was_planned_is_not_read(store):
    store.write("inbox", "data", parquet({"a": [1]}))
    manifest, cuts = plan(source("parquet"), store)
    store.write("inbox", "data", parquet({"a": [2]}))
    with pytest.raises(SourceChangedError):
        reading.read_chunk(source("parquet"), cuts[0], manifest, store)


# listings and manifests


def names(wanted: Source, store: MemoryStore) -> list[str]:
    return [item["name"] for item in values(wanted, store)]


def test_each_blob_of_a_listing_is_an_item(store):
    store.write("inbox", "a/1.jpg", b"12345", media_type="image/jpeg")
    etag = store.properties("inbox", "a/1.jpg").etag
    assert values(source("listing"), store) == [
        {
            "name": "a/1.jpg",
            "size": 5,
            "etag": etag,
            "last_modified": "2026-01-01T00:00:01Z",
            "content_type": "image/jpeg",
        }
    ]
    names = ["name", "size", "etag", "last_modified", "content_type"]
    assert reading.inspect(source("listing"), store) == SourceInfo("listing", names)


def test_a_prefix_does_not_lead_into_sibling_folders(store):
    for name in ("a", "a.txt", "a/1", "ab/2", "ab", "b"):
        store.write("inbox", name, b"x")
    assert names(source("listing", prefix="a"), store) == ["a", "a.txt", "a/1", "ab"]
    assert names(source("listing", prefix="a/"), store) == ["a/1"]
    everything = ["a", "a.txt", "a/1", "ab", "ab/2"]
    assert names(source("listing", prefix="a", siblings=True), store) == everything


def test_a_listing_takes_suffixes_sizes_and_dates(store):
    for number, name in enumerate(["a.jpg", "b.png", "c.txt", "d.jpg"]):
        store.write("inbox", name, b"x" * number)
    assert names(source("listing", suffixes=[".jpg", ".png"]), store) == ["a.jpg", "b.png", "d.jpg"]
    assert names(source("listing", min_bytes=1, max_bytes=2), store) == ["b.png", "c.txt"]
    dates = {
        "modified_since": EPOCH + timedelta(seconds=2),
        "modified_until": EPOCH + timedelta(seconds=4),
    }
    assert names(source("listing", **dates), store) == ["b.png", "c.txt"]


def test_markers_of_folders_are_left_out(store, monkeypatch):
    def entries(container, prefix):
        for name, size, folder in (("a", 0, True), ("b/", 0, False), ("b/1", 0, False)):
            yield BlobEntry(name, size, "e", EPOCH, None, folder)

    monkeypatch.setattr(store, "entries", entries)
    assert names(source("listing"), store) == ["b/1"]


def test_a_listing_is_made_once_for_a_plan(store):
    store.write("inbox", "a", b"x")
    assert names(source("listing"), store) == ["a"]
    store.write("inbox", "b", b"x")
    assert names(source("listing"), store) == ["a"]


def test_a_missing_container_is_refused_and_an_empty_one_has_no_items(store):
    assert refusal(source("listing"), store).startswith("source.container: the container 'inbox'")
    store.write("inbox", "a", b"x")
    assert names(source("listing", prefix="none/"), store) == []


def test_a_manifest_names_blobs_by_name_or_object(store):
    store.write("inbox", "data", b'"a/1.jpg"\n\n{"name": "b", "tag": 1}\r\nnot json\n')
    found = read(source("manifest"), store)
    assert [record.value for record in found] == [
        {"name": "a/1.jpg"},
        {"name": "b", "tag": 1},
        None,
    ]
    assert (found[2].line, found[2].error.type) == (4, "JsonLineError")


def test_a_manifest_with_an_endless_line_is_refused(store):
    store.write("inbox", "data", b"x" * 9_000_000)
    assert "is no manifest: it has a line longer than" in refusal(source("manifest"), store)


@given(
    blobs=st.lists(st.integers(0, 7), max_size=8),
    max_items=st.none() | st.integers(1, 30),
    read_as=st.sampled_from(["jsonl", "csv", "parquet", "json", "jsonl.gz"]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_records_of_every_blob_come_out_in_order(blobs, max_items, read_as):
    store = MemoryStore()
    expected, first = [], 0
    store.write("inbox", "other", b"")
    for number, count in enumerate(blobs):
        rows = [str(n) for n in range(first, first + count)]
        suffix = ".gz" if read_as.endswith(".gz") else ""
        store.write("inbox", f"in/{number:03d}{suffix}", encoded(rows, read_as))
        expected += [{"n": row} for row in rows]
        first += count
    how = read_as.removesuffix(".gz")
    wanted = source("listing", prefix="in/", read=how)
    assert values(wanted, store, max_items) == expected[:max_items]


def encoded(rows: list[str], read_as: str) -> bytes:
    if read_as == "parquet":
        return parquet({"n": pa.array(rows, pa.string())})
    if read_as == "csv":
        return ("n\n" + "".join(f"{row}\n" for row in rows)).encode()
    if read_as == "json":
        return json.dumps([{"n": row} for row in rows]).encode()
    lines = "".join(json.dumps({"n": row}) + "\n" for row in rows).encode()
    return gzip.compress(lines) if read_as.endswith(".gz") else lines


def test_a_blob_that_breaks_costs_one_item_and_no_run(store):
    store.write("items", "0", b"[1,2]")
    store.write("items", "1", b"[3,4")
    store.write("items", "2", b"[]")
    store.write("items", "3", b"[5]")
    lines = b'"0"\n"1"\n{"x": 1}\n"gone"\n"2"\n"3"\n'
    store.write("inbox", "data", lines)
    wanted = source("manifest", items_container="items", read="json")
    found = read(wanted, store)
    assert [record.value for record in found if record.error is None] == [1, 2, 3, 5]
    faults = [record.error.message for record in found if record.error]
    assert [record.error.type for record in found if record.error] == ["SourceBlobError"] * 3
    assert "the blob '1' in the container 'items' holds no such JSON array" in faults[0]
    assert faults[1] == "the manifest names no blob: line 3: no name"
    assert "the blob 'gone' in the container 'items' does not exist" in faults[2]


LINES = b"".join(b"%d\n" % number for number in range(100_000))


@pytest.mark.parametrize(
    ("blob", "kind", "fault"),
    [
        (gzip.compress(LINES, mtime=0)[:-20], "jsonl", "the gzip stream is cut short"),
        (gzip.compress(b"n\n" + LINES, mtime=0)[:-8] + b"x" * 8, "csv", "it is no gzip"),
        (zstd.compress(LINES)[:-20], "jsonl", "the zstd stream is cut short"),
        (("[" + LINES.decode().replace("\n", ",\n")).encode("utf-16"), "json", "is not closed"),
    ],
    ids=["gzip cut short", "gzip with a wrong checksum", "zstd cut short", "UTF-16 not closed"],
)
def test_what_stands_before_the_break_of_a_copied_blob_is_read(
    blob, kind, fault, store, monkeypatch
):
    monkeypatch.setattr(memory_store, "CHUNK_BYTES", 64 * 1024)
    name = f"2.{'zst' if blob[:1] == b'(' else 'gz' if blob[:1] == bytes([31]) else 'json'}"
    store.write("inbox", name, blob)
    store.write("inbox", "3", b"n\n7\n" if kind == "csv" else b"[7]" if kind == "json" else b"7\n")
    found = read(source("listing", read=kind), store, limits=BatchLimits(max_items=10_000))
    good = [record.value for record in found if record.error is None]
    (bad,) = [record.error for record in found if record.error]
    assert bad.type == "SourceBlobError" and fault in bad.message
    wanted = [{"n": str(n)} for n in range(100_000)] if kind == "csv" else [*range(100_000)]
    before = len(good) - 1
    assert before > 1000 and good[:before] == wanted[:before]
    assert good[before:] == [{"n": "7"}] if kind == "csv" else [7]


def test_parts_are_found_on_their_pages(store, monkeypatch):
    monkeypatch.setattr("fanout.adapters.sources.sets.PARTS_A_PAGE", 3)
    for number in range(8):
        store.write("inbox", f"{number}", b'{"n":%d}\n' % number)
    wanted = source("listing", read="jsonl")
    assert values(wanted, store) == [{"n": n} for n in range(8)]
    assert len(list(store.names("runs", f"{run_of(wanted)}/plan/parts-"))) == 3


def test_a_blob_that_is_large_makes_many_batches_and_each_says_its_origin(store):
    store.write("inbox", "a", b"".join(b'{"n":%d}\n' % n for n in range(7)))
    store.write("inbox", "b", b'{"n":7}\n')
    wanted = source("listing", read="jsonl")
    found = values(wanted, store, select={"from": {"source": True}})
    assert [item["from"] for item in found] == ["inbox/a"] * 7 + ["inbox/b"]


# select


def test_selected_fields_are_merged_into_each_item(store):
    store.write("inbox", "data", b'{"a": {"b": [7, 8]}, "keep": 1, "over": 2}\n5\n{"a": 1}\n')
    select = {
        "deep": {"path": "a.b.1"},
        "over": {"const": {"x": [1]}},
        "i": {"index": True},
        "s": {"source": True},
    }
    first, second, third = read(source("jsonl"), store, select=select)
    assert first.value == {
        "a": {"b": [7, 8]},
        "keep": 1,
        "over": {"x": [1]},
        "deep": 8,
        "i": 0,
        "s": "inbox/data",
    }
    assert (second.error.type, third.error.type) == ("SelectError", "SelectError")
    assert third.error.message == "line 3: the item has nothing at 'a.b.1'"


def test_an_item_that_is_no_object_stands_under_value(store):
    wanted = SOURCE.validate_python({"kind": "inline", "items": ["x"]})
    select = {"i": {"index": True}, "s": {"source": True}}
    assert values(wanted, store, select=select) == [{"value": "x", "i": 0, "s": None}]


def test_a_batch_of_several_cuts_reads_across_row_groups(store):
    store.write("inbox", "data", parquet({"n": list(range(25))}, row_group_size=10))
    wanted = source("parquet")
    made = reading.cut_source(wanted, store, None)
    cuts = [*made]
    assert len(cuts) == 25, "cuts of one row"
    manifest = PlanManifest(items=25, cuts=25, partitions=1, cuts_per_partition=25, etag=made.etag)
    chunk = reading.read_chunk(wanted, join_cuts(cuts[5:23]), manifest, store)
    assert [record.value for record in parse_records(chunk)] == [{"n": n} for n in range(5, 23)]
