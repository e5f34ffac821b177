import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from activities.batches.batch import Batch
from activities.batches.chunk_batch import process_chunk_batch
from activities.batches.process_batch import CHUNKS_AT_ONCE
from fanout.errors import PermanentError, TransientError
from fanout.models.outcome import ErrorInfo
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from fanout.records import Chunk
from fanout.workload import ChunkResult, Context, Failure
from tests.support.replays.local_runs import RUN_ID, LocalRun, lines
from tests.support.workloads.probe_workloads import Sum, SumParameters
from workloads import registry

SOURCE = {"kind": "csv", "container": "inbox", "blob": "rows.csv"}


def over(rows: list[str], **more: Any) -> LocalRun:
    parameters = {"column": "n"} | more.pop("parameters", {})
    request = {"workload": "sum", "source": SOURCE, "parameters": parameters}
    request |= {"batch": {"max_items": 1000}} | more
    run = LocalRun(RunRequest.model_validate(request))
    run.store.write("inbox", "rows.csv", "\n".join(["n,text", *rows]).encode())
    return run


def summed(run: LocalRun) -> Any:
    return from_json(run.files.read(blob_paths.result_path(RUN_ID, "sum.json")))


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["1", "2", "x", "1,2,3"]), max_size=30), st.integers(1, 7))
def test_the_outcomes_cover_every_row_once_and_the_sum_is_that_of_the_good_ones(
    numbers: list[str], items_per_cut: int
):
    rows = [number if "," in number else f"{number},text" for number in numbers]
    run = over(rows, batch={"max_items": items_per_cut}, tolerance={"percentage": 100})
    end = run.run()
    covered = sorted((outcome.index, outcome.count) for outcome in run.outcomes())
    assert [n for first, count in covered for n in range(first, first + count)] == [
        *range(len(rows))
    ]
    good = [int(number) for number in numbers if number in "12"]
    assert (end.items.succeeded, end.items.failed) == (len(good), len(rows) - len(good))
    if rows:
        assert summed(run)["sum"] == sum(good)
        assert summed(run)["began"] == list(range(0, len(rows), items_per_cut))


def test_a_row_that_does_not_parse_fails_with_its_line_and_the_others_are_used():
    run = over(["1,a", '2,"b"c', "4,d"])
    run.plan()
    result = run.batch()
    assert (result.succeeded, result.failed, result.retryable) == (2, 1, 0)
    first, broken, last = run.part()
    assert (first.index, first.count, last.index, last.count) == (0, 1, 2, 1)
    assert broken.error is not None and "line 3" in broken.error.message


def test_a_chunk_that_raises_waits_whole_and_then_succeeds_whole():
    run = over(["1,a", "2,b"], parameters={"fail_attempts": 2})
    plan = run.plan()
    assert run.batch().retryable == 2
    (waiting,) = run.part()
    assert (waiting.status, waiting.count) == ("pending", 2)
    run.work_off(plan)
    assert run.rounds[0, 0] == 3
    (done,) = run.part(retry_round=2)
    assert (done.status, done.count, done.attempts) == ("succeeded", 2, 3)
    run.finalize()
    assert summed(run)["sum"] == 3


@pytest.mark.parametrize("given_up", [{"permanent": True}, {"permanent": False}])
def test_a_chunk_given_up_on_fails_all_its_rows(given_up: dict[str, bool]):
    attempts = 1 if given_up["permanent"] else 3
    run = over(
        ["1,a", "2,b"],
        parameters={"fail_attempts": 9} | given_up,
        retry={"max_attempts": 3},
        tolerance={"percentage": 100},
    )
    end = run.run()
    assert (end.items.failed, run.rounds[0, 0]) == (2, attempts)
    (outcome,) = run.outcomes()
    assert (outcome.count, outcome.attempts) == (2, attempts)
    assert summed(run) is None


class Odd(Sum):
    """Says what it is told to say."""

    def __init__(self, failures: list[int], partial: Any = None) -> None:
        self._result = ChunkResult(
            partial, [Failure(n, ErrorInfo(type="Fault", message="no")) for n in failures]
        )

    def process_chunk(self, chunk: Any, context: Any) -> ChunkResult[dict[str, Any]]:
        return self._result


def batch_of(count: int, fault: ErrorInfo | None = None) -> Batch:
    chunk = Chunk("csv", b"", ["n"], 10, 2, count, fault)
    return Batch(RUN_ID, max_tries=4, chunk=chunk, parameters=SumParameters(column="n"))


@pytest.mark.parametrize("workload", [Odd([9]), Odd([15]), Odd([], partial=object())])
def test_a_result_that_makes_no_sense_is_a_failure_of_the_chunk(workload: Odd):
    processed = process_chunk_batch(workload, batch_of(5))
    assert (processed.succeeded, processed.retryable, processed.partial) == (0, 5, None)


def test_a_failure_named_twice_counts_once():
    processed = process_chunk_batch(Odd([12, 12, 10]), batch_of(5))
    assert (processed.succeeded, processed.failed) == (3, 2)
    found = lines(b"".join(processed.lines))
    assert [(o.index, o.count, o.status) for o in found] == [
        (10, 1, "failed"),
        (11, 1, "succeeded"),
        (12, 1, "failed"),
        (13, 2, "succeeded"),
    ]


def test_a_record_too_large_to_read_fails_without_reaching_the_workload():
    fault = ErrorInfo(type="RecordTooLargeError", message="line 2: too long")
    processed = process_chunk_batch(Odd([]), batch_of(1, fault))
    assert (processed.failed, processed.retryable, processed.partial) == (1, 0, None)


class LineCount(Sum):
    """Reads the bytes of a chunk itself, and knows of no item that could not be read."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault

    def process_chunk(self, chunk: Any, context: Any) -> ChunkResult[dict[str, Any]]:
        if self._fault is not None:
            raise self._fault
        nulls = [n for n, line in enumerate(chunk.data.splitlines()) if line == b"null"]
        no_object = ErrorInfo(type="JsonItemError", message="no object")
        return ChunkResult({}, [Failure(chunk.first_index + n, no_object) for n in nulls])


DAMAGED = ErrorInfo(type="ParquetError", message="row group 1 cannot be decoded")
NOT_UTF_8 = ErrorInfo(type="EncodingError", message="row 3: column 'a': not UTF-8")
FAULTS = {12: NOT_UTF_8, 15: DAMAGED, 16: DAMAGED, 17: DAMAGED}


def batch_with_faults() -> Batch:
    data = b"".join(b"null\n" if n in FAULTS else b'{"n":1}\n' for n in range(10, 19))
    chunk = Chunk("jsonl", data, None, 10, 0, 9, faults=FAULTS)
    return Batch(RUN_ID, max_tries=4, chunk=chunk, parameters=SumParameters(column="n"))


@pytest.mark.parametrize(
    "workload", [LineCount(), Odd([]), Sum()], ids=["bytes", "deaf", "records"]
)
def test_items_that_cannot_be_read_fail_with_their_own_errors_whatever_the_workload_makes_of_them(
    workload: Sum,
):
    processed = process_chunk_batch(workload, batch_with_faults())
    assert (processed.succeeded, processed.failed, processed.retryable) == (5, 4, 0)
    found = lines(b"".join(processed.lines))
    assert [(o.index, o.count, o.status, o.error) for o in found] == [
        (10, 2, "succeeded", None),
        (12, 1, "failed", NOT_UTF_8),
        (13, 2, "succeeded", None),
        (15, 3, "failed", DAMAGED),
        (18, 1, "succeeded", None),
    ]
    groups = {(group.type, group.count) for group in processed.result.errors}
    assert groups == {("EncodingError", 1), ("ParquetError", 3)}


def test_items_that_cannot_be_read_keep_their_errors_where_their_chunk_is_given_up_on():
    processed = process_chunk_batch(LineCount(PermanentError("no")), batch_with_faults())
    assert (processed.succeeded, processed.failed, processed.retryable) == (0, 9, 0)
    found = lines(b"".join(processed.lines))
    assert [(o.index, o.count, o.error and o.error.type) for o in found] == [
        (10, 2, "PermanentError"),
        (12, 1, "EncodingError"),
        (13, 2, "PermanentError"),
        (15, 3, "ParquetError"),
        (18, 1, "PermanentError"),
    ]


def test_items_that_cannot_be_read_wait_with_their_chunk_for_its_next_try():
    processed = process_chunk_batch(LineCount(TransientError("later")), batch_with_faults())
    assert (processed.succeeded, processed.failed, processed.retryable) == (0, 0, 9)
    (waiting,) = lines(b"".join(processed.lines))
    assert (waiting.status, waiting.count) == ("pending", 9)


class Crowd(Sum):
    """Tells whether more chunks are at work at once than a process has room for."""

    name: ClassVar[str] = "crowd"
    too_many = threading.Barrier(CHUNKS_AT_ONCE + 1)
    met: ClassVar[list[bool]] = []

    def process_chunk(
        self, chunk: Chunk, context: Context[SumParameters]
    ) -> ChunkResult[dict[str, Any]]:
        try:
            self.too_many.wait(1)
            self.met.append(True)
        except threading.BrokenBarrierError:
            self.met.append(False)
        return super().process_chunk(chunk, context)


registry.register(Crowd())
ONE_PARTITION = {"batch": {"max_items": 1}, "concurrency": {"batches": 1}}


def test_no_more_chunks_are_at_work_than_a_process_has_room_for():
    batches = CHUNKS_AT_ONCE + 2
    run = over([f"{n},a" for n in range(batches)], workload="crowd", **ONE_PARTITION)
    run.plan()
    with ThreadPoolExecutor(batches) as pool:
        results = list(pool.map(lambda number: run.batch(first_cut=number), range(batches)))
    assert [result.succeeded for result in results] == [1] * batches
    assert Crowd.met == [False] * batches
