import gzip
import io
import math
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.planning import plan
from fanout.adapters.run_files.files import kept_partition
from fanout.messages.payloads import dump
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from fanout.splitting.sizes.budget import Budget
from fanout.splitting.sizing import (
    MAX_BATCH_BYTES,
    MAX_CHUNK_BYTES,
    cuts_per_partition,
    shard_count,
)
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline

SOURCE = {"kind": "jsonl", "container": "inbox", "blob": "items.jsonl"}
GZIP = SOURCE | {"blob": "items.jsonl.gz"}


def over_lines(count: int, **more) -> LocalRun:
    run = LocalRun(RunRequest.model_validate({"workload": "probe", "source": SOURCE} | more))
    run.store.write("inbox", "items.jsonl", b"".join(b'{"id":%d}\n' % n for n in range(count)))
    return run


@given(st.integers(0, 300), st.integers(1, 40), st.integers(1, 200))
def test_partitions_hold_every_batch_once_and_at_most_a_hundred(
    items: int, items_per_cut: int, concurrency: int
):
    run = over_lines(
        items, batch={"max_items": items_per_cut}, concurrency={"batches": concurrency}
    )
    plan = run.plan().work
    assert (plan.items, plan.cuts) == (items, math.ceil(items / items_per_cut))
    cuts = [kept_partition(run.files, RUN_ID, n).cuts for n in range(plan.partitions)]
    assert all(1 <= len(some) <= plan.cuts_per_partition <= 100 for some in cuts)
    assert sum(len(some) for some in cuts) == plan.cuts
    indexes = [
        n
        for some in cuts
        for cut in some
        for n in range(cut.first_index, cut.first_index + cut.items)
    ]
    assert indexes == list(range(items))


@given(st.integers(1, 6400), st.integers(1, 10_000))
def test_no_more_batches_are_in_flight_than_asked_for(concurrency: int, batches: int):
    shards = shard_count(concurrency)
    assert 1 <= shards <= 64
    for is_adaptive in (False, True):
        size = cuts_per_partition(batches, concurrency, is_adaptive=is_adaptive)
        assert size >= 1
        working = min(shards, math.ceil(batches / size))
        assert working <= concurrency
        # A partition has enough for a wave, unless the shard itself has not.
        assert size >= min(100, math.ceil(concurrency / shards), math.ceil(batches / shards))


def test_what_orchestrators_are_told_fits_into_a_history():
    plan = over_lines(5, tolerance={"count": 3}, retry={"max_attempts": 7}).plan()
    assert (plan.limits.tolerance.count, plan.retry.max_attempts) == (3, 7)
    dump(plan)


def test_planning_twice_writes_the_same_plan():
    run = over_lines(10, batch={"max_items": 3})
    first = run.plan()
    before = run.files.read(blob_paths.plan_path(RUN_ID))
    assert run.plan() == first
    assert run.files.read(blob_paths.plan_path(RUN_ID)) == before


def test_a_source_that_is_gone_is_refused_and_not_tried_again():
    run = over_lines(1)
    run.store.delete("inbox", "items.jsonl")
    plan = run.plan()
    assert plan.refusal is not None and "items.jsonl" in plan.refusal
    assert plan.work.shards == 0


def test_a_refusal_fits_into_a_history_whatever_it_quotes():
    source = SOURCE | {"kind": "csv", "blob": "漢" * 1000}
    run = LocalRun(RunRequest.model_validate({"workload": "probe", "source": source}))
    dump(run.plan())


@pytest.mark.parametrize(("items", "expected"), [(0, 0), (1, 1), (3, 2)])
def test_items_in_the_request_are_planned_alike(items: int, expected: int):
    run = LocalRun(inline([{"id": n} for n in range(items)], batch={"max_items": 2}))
    assert run.plan().work.cuts == expected


@given(st.integers(0, 400), st.sampled_from([1, 4, 64, 500]))
def test_cuts_hold_every_item_once_and_join_into_batches(items: int, concurrency: int):
    run = over_lines(items, concurrency={"batches": concurrency})
    run.spans = (1, 7, 3)
    plan = run.plan()
    assert plan.work.items == items
    assert plan.work.max_span >= 1
    run.work_off(plan)
    assert [o.index for o in run.outcomes_now()] == list(range(items))


def test_a_batch_of_many_cuts_is_never_too_large():
    run = over_lines(0)
    line = b'{"id":1,"pad":"%s"}\n'
    run.store.write("inbox", "items.jsonl", line % (b"x" * MAX_BATCH_BYTES) + line % b"" * 100)
    assert run.plan().work.max_span == 1
    run.store.write("inbox", "items.jsonl", line % (b"x" * 1000) * 5000)
    assert 100 < run.plan().work.max_span <= MAX_BATCH_BYTES // 1000


def test_a_batch_that_is_taken_whole_may_be_larger():
    csv = {"kind": "csv", "container": "inbox", "blob": "rows.csv"}
    run = over_lines(0, workload="reports", source=csv)
    run.store.write("inbox", "rows.csv", b"text\n" + (b"x" * 999 + b"\n") * 30_000)
    work = run.plan().work
    assert 256 * 1024 - 3000 < 30_000_000 / work.cuts <= 256 * 1024
    assert MAX_BATCH_BYTES < work.max_span * 250 * 1024 <= MAX_CHUNK_BYTES


@pytest.mark.parametrize("kind", ["inline", "parquet", "text"])
def test_a_small_table_is_one_batch_for_what_takes_batches_whole(kind: str) -> None:
    rows = [{"carrier": f"C{n % 9}", "delay": n} for n in range(2000)]
    if kind == "inline":
        source: dict = {"kind": kind, "items": rows}
    elif kind == "text":
        text = "carrier,delay\n" + "".join(f"{r['carrier']},{r['delay']}\n" for r in rows)
        source = {"kind": kind, "text": text, "read": "csv"}
    else:
        source = {"kind": kind, "container": "inbox", "blob": "rows"}
    run = over_lines(0, workload="reports", source=source)
    if kind == "parquet":
        table = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), table)
        run.store.write("inbox", "rows", table.getvalue())
    assert run.plan().work.cuts == 1


def test_a_batch_of_rows_of_parquet_is_as_large_as_their_bytes():
    parquet = {"kind": "parquet", "container": "inbox", "blob": "rows"}
    run = over_lines(0, source=parquet)
    table = io.BytesIO()
    texts = [f"{number:08}" * 1250 for number in range(2000)]
    pq.write_table(pa.table({"id": texts}), table, use_dictionary=False, compression="none")
    run.store.write("inbox", "rows", table.getvalue())
    work = run.plan().work
    items = 2000 / work.cuts
    assert work.max_span * items * 10_000 <= MAX_BATCH_BYTES + 10_000 * items


@pytest.mark.parametrize(
    ("source", "select"),
    [
        ({"kind": "csv", "rows": "pad"}, {}),
        ({"kind": "jsonl"}, {"big": {"const": "x" * 100_000}}),
    ],
)
def test_cuts_and_batches_are_planned_by_what_comes_out(source: dict, select: dict):
    run = over_lines(0, source=source | {"container": "inbox", "blob": "rows"}, select=select)
    run.files = replace(run.files, budget=Budget(8 * 1_048_576))
    columns = ",".join(f"column{number}" for number in range(800))
    head = f"{columns}\n".encode() if source["kind"] == "csv" else b""
    run.store.write("inbox", "rows", head + b"1\n" * 2000)
    work = run.plan().work
    assert 2000 / work.cuts * 100_000 <= 2 * 1_048_576
    assert 2000 / work.cuts * work.max_span * 90_000 <= 8 * 1_048_576


def test_a_few_compressed_bytes_with_very_many_records_make_no_more_cuts_than_a_large_blob():
    run = LocalRun(RunRequest.model_validate({"workload": "probe", "source": GZIP}))
    run.store.write("inbox", "items.jsonl.gz", gzip.compress(b"a\n" * 500_000))
    work = run.plan().work
    assert work.items == 500_000
    assert work.cuts < 30_000
    assert work.items_per_cut * work.max_span >= 100


def test_a_source_of_more_batches_than_a_plan_may_have_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plan, "MAX_CUTS", 10)
    assert over_lines(10, batch={"max_items": 1}).plan().refusal is None
    refusal = over_lines(11, batch={"max_items": 1}).plan().refusal
    assert refusal is not None
    assert refusal.startswith("batch: the source makes more than")
