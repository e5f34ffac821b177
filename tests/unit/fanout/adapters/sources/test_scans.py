"""A large blob is planned by scans of its ranges, each reading what it must and no more."""

import pytest

from fanout.adapters.sources import reading, scans
from fanout.adapters.sources.planning import CutOptions
from fanout.adapters.sources.reading import Scratch
from fanout.errors import InvalidRequestError, SourceChangedError
from fanout.models.plan import PlanManifest
from fanout.models.request import BatchLimits, CsvSource, JsonlSource
from fanout.splitting.records import parse_records
from tests.support.doubles.memory_store import MemoryStore

LIMITS = BatchLimits(max_items=7)
CSV = CsvSource(kind="csv", container="inbox", blob="rows.csv")
RANGE = 1000


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def scratch(store) -> Scratch:
    return Scratch(store, "runs", "r1/plan/")


def rows(count: int) -> bytes:
    return b"\xef\xbb\xbfid,text\n" + b"".join(b'%d,"a\n""b"""\n' % n for n in range(count))


def test_every_row_is_read_once_whatever_the_order_of_the_scans(store, scratch):
    store.write("inbox", "rows.csv", rows(500))
    ranges = scans.prepare_scans(CSV, CutOptions(LIMITS), scratch, RANGE)
    assert ranges == -(-(store.properties("inbox", "rows.csv").size - 11) // RANGE)
    for number in reversed(range(ranges)):
        scans.scan_part(CSV, number, scratch)
    made = scans.cut_scanned(scratch)
    cuts = list(made)
    manifest = PlanManifest(
        items=500,
        cuts=len(cuts),
        partitions=1,
        cuts_per_partition=len(cuts),
        header=made.header,
        etag=made.etag,
        length=made.length,
    )
    found = [
        record
        for cut in cuts
        for record in parse_records(reading.read_chunk(CSV, cut, manifest, store))
    ]
    assert [record.value for record in found] == [
        {"id": str(n), "text": 'a\n"b"'} for n in range(500)
    ]
    assert [record.line for record in found] == [2 + 2 * n for n in range(500)]
    assert [record.index for record in found] == list(range(500))


def test_a_scan_reads_its_range_and_the_byte_before_it_alone(store, scratch):
    store.write("inbox", "rows.csv", rows(500))
    scans.prepare_scans(CSV, CutOptions(LIMITS), scratch, RANGE)
    plan_bytes = store.properties("runs", "r1/plan/scan.json").size
    before = store.bytes_read
    scans.scan_part(CSV, 1, scratch)
    assert store.bytes_read - before == 1 + RANGE + plan_bytes


@pytest.mark.parametrize(
    ("source", "max_items"),
    [
        (CSV, 5),
        (CSV.model_copy(update={"compression": "gzip"}), None),
        (JsonlSource(kind="jsonl", container="inbox", blob="small"), None),
    ],
)
def test_one_pass_does_where_ranges_gain_nothing(source, max_items, store, scratch):
    store.write("inbox", "rows.csv", rows(500))
    store.write("inbox", "small", b"1\n" * (RANGE - 1))
    assert scans.prepare_scans(source, CutOptions(LIMITS, max_items), scratch, RANGE) == 0


def test_a_blob_that_changes_is_not_scanned(store, scratch):
    store.write("inbox", "rows.csv", rows(500))
    scans.prepare_scans(CSV, CutOptions(LIMITS), scratch, RANGE)
    store.write("inbox", "rows.csv", rows(501))
    with pytest.raises(SourceChangedError):
        scans.scan_part(CSV, 0, scratch)


def test_a_large_blob_without_a_header_is_refused(store, scratch):
    store.write("inbox", "rows.csv", b"a,a\n" * RANGE)
    with pytest.raises(InvalidRequestError, match="more than once: 'a'"):
        scans.prepare_scans(CSV, CutOptions(LIMITS), scratch, RANGE)
