"""A source is inspected, cut and read from a store whose blobs may change at any moment."""

import pytest

from fanout.adapters.sources import reading
from fanout.errors import InvalidRequestError, SourceChangedError
from fanout.models.plan import Cut, PlanManifest
from fanout.models.request import BatchLimits, CsvSource, InlineSource, JsonlSource, Source
from fanout.records import Chunk, SourceInfo
from fanout.splitting.records import parse_records
from tests.support.doubles.memory_store import CHUNK_BYTES, MemoryStore

CSV = CsvSource(kind="csv", container="inbox", blob="rows.csv")
JSONL = JsonlSource(kind="jsonl", container="inbox", blob="lines.jsonl")
INLINE = InlineSource(kind="inline", items=[{"n": 1}, {"n": 2}, {"n": 3}])
LIMITS = BatchLimits(max_items=2)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def plan(source: Source, store: MemoryStore) -> tuple[PlanManifest, list[Cut]]:
    parts = reading.cut_source(source, store, LIMITS)
    cuts = list(parts)
    manifest = PlanManifest(
        items=sum(cut.items for cut in cuts),
        cuts=len(cuts),
        partitions=1,
        cuts_per_partition=100,
        header=parts.header,
        etag=parts.etag,
        length=parts.length,
    )
    return manifest, cuts


def refusal(source: Source, store: MemoryStore) -> str:
    with pytest.raises(InvalidRequestError) as inspected:
        reading.inspect(source, store)
    with pytest.raises(InvalidRequestError) as cut:
        reading.cut_source(source, store, LIMITS)
    assert inspected.value.problems == cut.value.problems
    (problem,) = inspected.value.problems
    assert problem.field == "source.blob"
    return problem.message


def test_inspecting_a_csv_gives_its_columns_and_version(store):
    store.write("inbox", "rows.csv", b"\xef\xbb\xbfid,name\n1,a\n")
    etag = store.properties("inbox", "rows.csv").etag
    assert reading.inspect(CSV, store) == SourceInfo("csv", ["id", "name"], etag, 15)


def test_inspecting_reads_only_the_beginning(store):
    store.write("inbox", "rows.csv", b"id\n" + b"1\n" * CHUNK_BYTES)
    reading.inspect(CSV, store)
    assert store.bytes_read < 100_000


def test_a_header_longer_than_the_first_block_is_read_whole(store):
    columns = [f"column_{number}" for number in range(10_000)]
    store.write("inbox", "rows.csv", ",".join(columns).encode() + b"\n1\n")
    assert reading.inspect(CSV, store).columns == columns


def test_inspecting_jsonl_and_inline_gives_no_columns(store):
    store.write("inbox", "lines.jsonl", b"")
    etag = store.properties("inbox", "lines.jsonl").etag
    assert reading.inspect(JSONL, store) == SourceInfo("jsonl", None, etag, 0)
    assert reading.inspect(INLINE, store) == SourceInfo("inline", ["n"])


@pytest.mark.parametrize("source", [CSV, JSONL])
def test_a_missing_blob_is_refused(source, store):
    message = refusal(source, store)
    assert message == f"the blob '{source.blob}' in the container 'inbox' does not exist"


@pytest.mark.parametrize(
    ("blob", "fault"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n\n", "is empty"),
        (b"a,b,a\n", "more than once: 'a'"),
        (b"caf\xe9\n", "not UTF-8"),
        (b'"a', "not closed"),
    ],
)
def test_a_csv_without_a_header_is_refused(blob, fault, store):
    store.write("inbox", "rows.csv", blob)
    assert fault in refusal(CSV, store)


def test_a_blob_written_while_its_header_is_read_is_refused(store):
    class Rewritten(MemoryStore):
        def properties(self, container, blob):
            found = super().properties(container, blob)
            self.write(container, blob, b"other\n")
            return found

    store = Rewritten()
    store.write("inbox", "rows.csv", b"a,b\n")
    with pytest.raises(InvalidRequestError, match="was written while it was read"):
        reading.inspect(CSV, store)


def read_all(source: Source, store: MemoryStore) -> list:
    manifest, cuts = plan(source, store)
    chunks = [reading.read_chunk(source, cut, manifest, store) for cut in cuts]
    return [record.value for chunk in chunks for record in parse_records(chunk)]


def test_what_was_cut_is_read_and_parsed(store):
    store.write("inbox", "rows.csv", b'id,name\r\n1,"a\nb"\r\n\r\n2,c\r\n3,d')
    names = [row["name"] for row in read_all(CSV, store)]
    assert names == ["a\nb", "c", "d"]
    store.write("inbox", "lines.jsonl", b'{"n":1}\n\n{"n":2}\n{"n":3}\n')
    assert read_all(JSONL, store) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert read_all(INLINE, store) == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_a_chunk_says_where_it_stands_in_the_source(store):
    store.write("inbox", "rows.csv", b"id\n1\n2\n\n3\n")
    manifest, cuts = plan(CSV, store)
    chunk = reading.read_chunk(CSV, cuts[1], manifest, store)
    origin = "inbox/rows.csv"
    assert chunk == Chunk(
        "csv", b"3\n", ["id"], first_index=2, first_line=5, count=1, origin=origin
    )
    assert (manifest.items, manifest.length) == (3, 10)


def test_an_empty_jsonl_has_no_batches(store):
    store.write("inbox", "lines.jsonl", b"")
    manifest, cuts = plan(JSONL, store)
    assert (manifest.items, cuts) == (0, [])


def test_a_run_limited_to_few_items_reads_no_more_than_it_must(store):
    store.write("inbox", "lines.jsonl", b"1\n" * CHUNK_BYTES)
    cuts = list(reading.cut_source(JSONL, store, LIMITS, max_items=3))
    assert [cut.items for cut in cuts] == [2, 1]
    assert store.bytes_read == CHUNK_BYTES


def test_a_source_that_changes_after_it_was_planned_is_not_read(store):
    store.write("inbox", "rows.csv", b"id\n1\n")
    manifest, cuts = plan(CSV, store)
    store.write("inbox", "rows.csv", b"id\n2\n")
    with pytest.raises(SourceChangedError, match=r"rows\.csv"):
        reading.read_chunk(CSV, cuts[0], manifest, store)


def test_a_source_that_is_deleted_after_it_was_planned_is_not_read(store):
    store.write("inbox", "rows.csv", b"id\n1\n")
    manifest, cuts = plan(CSV, store)
    store.delete("inbox", "rows.csv")
    with pytest.raises(SourceChangedError, match=r"rows\.csv"):
        reading.read_chunk(CSV, cuts[0], manifest, store)


def test_a_source_that_changes_while_it_is_planned_is_not_planned(store):
    store.write("inbox", "lines.jsonl", b"1\n" * CHUNK_BYTES)
    cuts = iter(reading.cut_source(JSONL, store, BatchLimits(max_items=100_000)))
    next(cuts)
    store.write("inbox", "lines.jsonl", b"2\n" * CHUNK_BYTES)
    with pytest.raises(SourceChangedError, match=r"lines\.jsonl"):
        list(cuts)


def test_a_record_too_large_to_be_held_is_refused_unread(store):
    cut = Cut(10, 11 + reading.MAX_RECORD_BYTES, 4, 1, 7)
    manifest = PlanManifest(items=5, cuts=5, partitions=1, cuts_per_partition=5)
    chunk = reading.read_chunk(JSONL, cut, manifest, store)
    assert (chunk.data, store.bytes_read) == (b"", 0)
    (record,) = parse_records(chunk)
    assert (record.index, record.line, record.value) == (4, 7, None)
    assert record.error.type == "RecordTooLargeError"
    assert record.error.message.startswith("line 7: ")
