"""Fanning in by ranges: what many activities write is what one would have written."""

import gzip
import hashlib
from io import BytesIO

import polars as pl
import pytest
from pydantic_core import from_json

from activities.results.lay_out import MAX_BATCHES_A_RANGE, divide_into_ranges, lay_out_run
from activities.results.write_results import write_range
from fanout.adapters.run_files.range_reader import SizedBatch
from fanout.messages.fan_in import MERGED_AT_ONCE, LayOutAsk, RangePlan, RangeRef
from fanout.models.outcome import Outcome
from fanout.models.plan import Cut, Origin
from fanout.models.status import ResultFile
from fanout.naming import blob_paths
from fanout.naming.blob_paths import range_plan_path
from fanout.naming.result_names import ResultKind
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline, lines

REF = LayOutAsk(run_id=RUN_ID)
PAIRS = {"batch": {"max_items": 2}, "tolerance": {"percentage": 100}}


def items(count: int) -> list[dict]:
    return [{"id": n, "ending": "permanent" if n % 5 == 3 else "ok"} for n in range(count)]


def content(run: LocalRun, name: str) -> bytes:
    return run.files.read(blob_paths.result_path(RUN_ID, name))


def named(run: LocalRun, stem: str) -> list[ResultFile]:
    return [file for file in run.manifest().files if file.name.startswith(stem + "-")]


def batches(*sizes: int) -> list[SizedBatch]:
    cut = Cut(0, 0, 0, 1, 0)
    return [SizedBatch(cut, Origin(partition=0, first_cut=n), size) for n, size in enumerate(sizes)]


def numbers(ranges: list[RangePlan]) -> list[list[int]]:
    return [[origin.first_cut for origin in one.origins] for one in ranges]


@pytest.mark.parametrize(
    ("sizes", "ranges"),
    [
        ((), []),
        ((5,), [[0]]),
        ((5, 5), [[0, 1]]),
        ((5, 6), [[0], [1]]),
        ((4, 30, 4, 4), [[0], [1], [2, 3]]),
        ((0, 0, 10, 0), [[0, 1, 2, 3]]),
    ],
)
def test_a_range_is_as_many_batches_in_order_as_fit(sizes: tuple, ranges: list):
    assert numbers(list(divide_into_ranges(batches(*sizes), 10))) == ranges


def test_a_range_has_no_more_batches_than_one_activity_can_list():
    ranges = list(divide_into_ranges(batches(*[0] * (MAX_BATCHES_A_RANGE + 1)), 10))
    assert [len(one.cuts) for one in ranges] == [MAX_BATCHES_A_RANGE, 1]


def test_ranges_write_what_one_activity_would_have_written():
    alone, parted = LocalRun(inline(items(40), **PAIRS)), LocalRun(inline(items(40), **PAIRS))
    parted.max_bytes = 600
    assert parted.run() == alone.run()
    assert len(named(parted, "SUCCEEDED")) > len(named(alone, "SUCCEEDED")) == 1
    for kind in (ResultKind.SUCCEEDED, ResultKind.FAILED, ResultKind.DEAD_LETTERS):
        joined = b"".join(content(parted, file.name) for file in named(parted, kind))
        (only,) = named(alone, kind)
        assert untimed(joined) == untimed(content(alone, only.name))
        assert sum(file.count or 0 for file in named(parted, kind)) == only.count


def untimed(data: bytes) -> list[dict]:
    return [{**from_json(line), "duration_ms": 0} for line in data.splitlines()]


def test_files_are_numbered_by_range_and_rolled_within_it():
    run = LocalRun(inline(items(20), batch={"max_items": 10}, tolerance={"percentage": 100}))
    run.max_bytes = 500
    run.run()
    names = [file.name for file in named(run, "SUCCEEDED")]
    assert names[:2] == ["SUCCEEDED-00000.jsonl", "SUCCEEDED-00000-1.jsonl"]
    assert "SUCCEEDED-00001.jsonl" in names
    assert all(file.size_bytes <= 500 for file in named(run, "SUCCEEDED"))
    succeeded = [o.index for o in run.outcomes() if o.status == "succeeded"]
    assert succeeded == [n for n in range(20) if n % 5 != 3]


def test_a_line_longer_than_a_file_is_a_file():
    run = LocalRun(inline(items(3), batch={"max_items": 3}))
    run.max_bytes = 1
    run.run()
    names = ["SUCCEEDED-00000.jsonl", "SUCCEEDED-00000-1.jsonl", "SUCCEEDED-00000-2.jsonl"]
    assert [file.name for file in run.manifest().files] == names


def test_a_status_without_items_in_a_range_has_no_file():
    values = [{"id": 0}, {"id": 1, "ending": "permanent"}]
    run = LocalRun(inline(values, batch={"max_items": 1}, tolerance={"count": 1}))
    run.max_bytes = 1
    run.run()
    assert [file.name for file in run.manifest().files] == [
        "SUCCEEDED-00000.jsonl",
        "FAILED-00001.jsonl",
        "DEAD-LETTERS-00001.jsonl",
    ]


def test_writing_a_range_twice_writes_the_same():
    run = LocalRun(inline(items(30), **PAIRS))
    run.max_bytes = 600
    run.run()
    before = run.manifest()
    assert write_range(RangeRef(run_id=RUN_ID, number=1), run.files, run.max_bytes).total > 0
    run.finalize()
    assert run.manifest() == before


def test_ranges_once_laid_out_stay_as_they_are():
    run = LocalRun(inline(items(30), **PAIRS))
    plan = run.plan()
    run.work_off(plan)
    first = lay_out_run(REF, run.files, 600)
    path = range_plan_path(RUN_ID, 1, 0)
    before = run.files.read(path)
    assert lay_out_run(REF, run.files, 100_000) == first
    assert first.ranges > 1 and run.files.read(path) == before


def summed(count: int) -> LocalRun:
    """A sum over so many batches, each a range."""
    values = [{"n": n} for n in range(count)]
    more = {"parameters": {"column": "n"}, "batch": {"max_items": 1}}
    return LocalRun(inline(values, "sum", **more), max_bytes=1)


def test_partials_merge_in_source_order_however_many_ranges_there_are():
    count = 2 * MERGED_AT_ONCE**2 + 1
    run = summed(count)
    run.run()
    merged = from_json(content(run, "sum.json"))
    assert merged == {"sum": sum(range(count)), "began": list(range(count))}
    assert [o.index for o in run.outcomes()] == list(range(count))


def test_ranges_without_a_partial_leave_a_gap_that_merging_steps_over():
    run = summed(40)
    plan = run.plan()
    for partition, batch, _ in list(run.batches(plan.work))[20:]:
        run.batch(partition, batch)
    end = run.finalize()
    assert (end.items.succeeded, end.items.pending) == (20, 20)
    assert from_json(content(run, "sum.json"))["began"] == list(range(20, 40))


def test_gzip_files_hold_the_same_lines_and_have_the_same_bytes_twice():
    run = LocalRun(inline(items(20), **PAIRS, results={"compression": "gzip"}))
    run.max_bytes = 900
    run.run()
    files = run.manifest().files
    assert all(file.name.endswith(".jsonl.gz") for file in files)
    assert {file.media_type for file in files} == {"application/gzip"}
    texts = {file.name: gzip.decompress(content(run, file.name)) for file in files}
    assert all(len(text) <= run.max_bytes for text in texts.values())
    outcomes = [
        outcome
        for name, text in texts.items()
        if not name.startswith(ResultKind.DEAD_LETTERS)
        for outcome in lines(text)
    ]
    assert sorted(o.index for o in outcomes) == list(range(20))
    run.finalize()
    assert run.manifest().files == files, "no time of writing in the header"


def test_parquet_files_are_tables_of_the_outcomes():
    values = [{"id": 0}, {"id": 1, "ending": "permanent"}, {"id": 2}]
    run = LocalRun(inline(values, tolerance={"count": 1}, results={"format": "parquet"}))
    run.run()
    names = [file.name for file in run.manifest().files]
    assert names == ["SUCCEEDED-00000.parquet", "FAILED-00000.parquet", "DEAD-LETTERS-00000.jsonl"]
    succeeded = pl.read_parquet(BytesIO(content(run, names[0])))
    assert succeeded.columns == [
        *("index", "count", "item_id", "status", "attempts", "duration_ms"),
        *("output", "error_type", "error_message", "error_retryable"),
    ]
    assert succeeded["item_id"].to_list() == ["item-0", "item-2"]
    assert [from_json(text)["id"] for text in succeeded["output"]] == [0, 2]
    assert succeeded["error_type"].null_count() == 2
    (failed,) = pl.read_parquet(BytesIO(content(run, names[1]))).to_dicts()
    assert (failed["index"], failed["status"], failed["output"]) == (1, "failed", None)
    assert (failed["error_type"], failed["error_message"]) == ("PermanentError", "never")
    assert failed["error_retryable"] is False
    for file in run.manifest().files:
        data = content(run, file.name)
        assert (file.size_bytes, file.md5) == (len(data), hashlib.md5(data).hexdigest())


def test_parquet_of_many_ranges_has_every_index_once():
    run = LocalRun(inline(items(50), **PAIRS, results={"format": "parquet"}))
    run.max_bytes = 700
    run.run()
    tables = [
        pl.read_parquet(BytesIO(content(run, file.name)))
        for file in run.manifest().files
        if file.name.endswith(".parquet")
    ]
    before = run.manifest()
    run.finalize()
    assert run.manifest() == before, "the same bytes twice"
    assert len(tables) > 3
    assert sorted(pl.concat(tables)["index"].to_list()) == list(range(50))


def test_pending_ranges_of_items_are_rows_with_a_count():
    run = LocalRun(inline(items(5), batch={"max_items": 2}, results={"format": "parquet"}))
    run.plan()
    run.finalize()
    (pending,) = run.manifest().files
    rows = pl.read_parquet(BytesIO(content(run, pending.name)))
    assert rows.select("index", "count").rows() == [(0, 2), (2, 2), (4, 1)]
    assert pending.count == 5
    assert Outcome.model_validate(rows.to_dicts()[0] | {"duration_ms": 0}).status == "pending"


def test_what_was_compensated_is_sorted_range_by_range():
    values = [{"id": n, "undo": "permanent" if n == 3 else "ok"} for n in range(4)]
    values.append({"id": 4, "ending": "permanent"})
    run = LocalRun(
        inline(values, batch={"max_items": 2}, on_exceeded="compensate"),
        max_bytes=1,
    )
    plan = run.plan()
    run.work_off(plan)
    run.compensate()
    end = run.finalize()
    assert (end.items.compensated, end.items.compensation_failed, end.items.failed) == (3, 1, 1)
    assert [file.name for file in run.manifest().files] == [
        "FAILED-00002.jsonl",
        "COMPENSATED-00000.jsonl",
        "COMPENSATED-00000-1.jsonl",
        "COMPENSATED-00001.jsonl",
        "COMPENSATION_FAILED-00001.jsonl",
        "DEAD-LETTERS-00001.jsonl",
        "DEAD-LETTERS-00002.jsonl",
    ]


def test_a_redrive_clears_the_files_of_ranges_that_are_no_more():
    values = [{"id": n, "ending": "crash"} for n in range(12)]
    run = LocalRun(inline(values, batch={"max_items": 1}, retry={"max_attempts": 1}))
    run.max_bytes = 1
    run.run()
    many = {file.name for file in run.manifest().files}
    run.max_bytes = 1_000_000
    run.redrive()
    listed = {file.name for file in run.manifest().files}
    prefix = blob_paths.result_path(RUN_ID, "")
    left = {name.removeprefix(prefix) for name in run.store.names("runs", prefix)}
    assert left == listed | {"manifest.json"}
    assert len(listed) < len(many)
