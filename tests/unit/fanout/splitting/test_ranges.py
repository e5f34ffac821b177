"""A blob that is scanned in ranges is cut as one pass would cut it."""

import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fanout.messages.scans import RangeScan
from fanout.models.plan import Cut
from fanout.models.request import BatchLimits
from fanout.models.source import CsvFormat, JsonlFormat
from fanout.splitting.ranges import join_ranges, scan_range
from fanout.splitting.split import split
from tests.support import records_oracle as oracle
from tests.support.records_oracle import in_chunks

WIDE = BatchLimits(max_items=1_000_000, max_bytes=64 * 1_048_576)
CSV = CsvFormat(kind="csv")
JSONL = JsonlFormat(kind="jsonl")
TOKENS = [b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"a", b" ", b"\t", "é".encode()]

anything = st.lists(st.sampled_from(TOKENS), max_size=50).map(b"".join)
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=6)
limits = st.builds(BatchLimits, max_items=st.integers(1, 5), max_bytes=st.integers(1, 40))


def in_ranges(
    blob: bytes, every: int, how: CsvFormat | JsonlFormat, limits: BatchLimits, sizes: list[int]
) -> list[Cut]:
    scans = []
    for begin in range(0, max(1, len(blob)), every):
        chunks = in_chunks(blob[begin : begin + every], sizes)
        is_after_return = blob[begin - 1 : begin] == b"\r"
        found = scan_range(
            chunks, begin, how, limits, is_first=begin == 0, is_after_return=is_after_return
        )
        scans.append(RangeScan.model_validate_json(found.model_dump_json()))
    return list(join_ranges(scans, 0, 1, limits))


def expected(
    blob: bytes, records: list[oracle.OracleRecord], every: int, limits: BatchLimits
) -> list[Cut]:
    """One pass that closes a batch where a record begins behind the end of its range.

    After a carriage return at the end of a range, only the next tells whether a record begins.
    """
    ranges: dict[int, list[oracle.OracleRecord]] = {}
    for record in records:
        is_after_return = blob[: record.start].endswith(b"\r")
        number = record.start // every if is_after_return else -(-record.start // every) - 1
        ranges.setdefault(max(0, number), []).append(record)
    cuts, index = [], 0
    for own in ranges.values():
        for batch in oracle.batches(own, limits.max_items, limits.max_bytes):
            cuts.append(Cut(batch[0].start, batch[-1].end, index, len(batch), batch[0].line))
            index += len(batch)
    return cuts


@given(blob=anything, every=st.integers(1, 30), limits=limits, sizes=sizes)
@settings(max_examples=300)
@example(blob=b'"a\nb"\n1\n', every=2, limits=WIDE, sizes=[1])
@example(blob=b'""\n""""\n', every=1, limits=WIDE, sizes=[1])
@example(blob=b"\r\n\r\n\r", every=1, limits=WIDE, sizes=[1])
def test_any_csv_is_cut_as_in_one_pass(blob, every, limits, sizes):
    found = in_ranges(blob, every, CSV, limits, sizes)
    assert found == expected(blob, oracle.csv_records(blob), every, limits)


@given(blob=anything, every=st.integers(1, 30), limits=limits, sizes=sizes)
def test_any_jsonl_is_cut_as_in_one_pass(blob, every, limits, sizes):
    found = in_ranges(blob, every, JSONL, limits, sizes)
    assert found == expected(blob, oracle.jsonl_records(blob), every, limits)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_the_ranges_of_a_large_blob_have_the_records_of_one_pass(kind):
    header = b"one,two\n" if kind == "csv" else b""
    rows = b"".join(b'%d,"say ""%d"",\n\n5"\n' % (i, i) for i in range(60_000))
    if kind == "jsonl":
        rows = b"".join(b'{"n": %d}\n' % i for i in range(60_000))
    how = CSV if kind == "csv" else JSONL
    blob = header + rows
    scans = [
        scan_range(
            [blob[begin : begin + 300_007]],
            begin,
            how,
            BatchLimits(max_items=1000),
            is_first=begin == len(header),
        )
        for begin in range(len(header), len(blob), 300_007)
    ]
    first_line = 1 + header.count(b"\n")
    found = list(join_ranges(scans, len(header), first_line, BatchLimits(max_items=1000)))
    (whole,) = split([blob], kind, WIDE).cuts
    assert sum(cut.items for cut in found) == whole.items == 60_000
    assert (found[0].offset, found[-1].end) == (whole.offset, whole.end)
    assert [cut.offset for cut in found[1:]] == [cut.end for cut in found[:-1]]
    indexes = [cut.first_index for cut in found]
    assert indexes == [sum(cut.items for cut in found[:n]) for n in range(len(found))]
    lines = [1 + blob.count(b"\n", 0, cut.offset) for cut in found]
    assert [cut.first_line for cut in found] == lines


def test_readers_that_meet_go_on_as_one():
    plain = scan_range([b"1,2\n3,4\n" * 1000], 8, CSV, WIDE)
    assert [sorted(lane.modes) for lane in plain.lanes] == [
        ["FIELD_START", "IN_FIELD", "QUOTE_CLOSED"],
        ["IN_QUOTES"],
    ]
    quoted = scan_range([b'1,"a\nb"\n' * 1000], 8, CSV, WIDE)
    assert len(quoted.lanes) == 2


def test_a_range_is_not_held():
    def chunks():
        for _ in range(32):
            yield b'1,"two ""2"", too"\n' * 55_000

    tracemalloc.start()
    found = scan_range(chunks(), 0, CSV, BatchLimits(), is_first=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.lanes[0].items == 32 * 55_000 - 1
    assert peak < 16 * 1_048_576
