"""A batch that would take too much memory is carried out in pieces, and comes to the same."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from pydantic_core import from_json

from activities.batches.cut_reader import refuse_unreadable
from fanout.adapters.sources.blobs import BrokenSourceError
from fanout.errors import SourceChangedError
from fanout.models.plan import BlobRef, Cut
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from fanout.records import Chunk
from fanout.splitting.records import parse_records
from fanout.splitting.sizes.budget import Budget
from tests.support.replays.local_runs import RUN_ID, LocalRun

ROWS = 60
SMALL = Budget(3000)
CSV = {"kind": "csv", "container": "inbox", "blob": "rows"}
SUM = {"workload": "sum", "parameters": {"column": "n"}}


def run_over(budget: Budget, **request: Any) -> LocalRun:
    asked = {"source": CSV, "batch": {"max_items": 1000}, "tolerance": {"percentage": 100}}
    run = LocalRun(RunRequest.model_validate(asked | request))
    run.store.write("inbox", "rows", b"n,id\n" + b"".join(b"%d,%d\n" % (n, n) for n in range(ROWS)))
    run.plan()
    run.files = replace(run.files, budget=budget)
    run.batch()
    return run


def statuses(run: LocalRun) -> dict[int, str]:
    return {
        index: outcome.status
        for outcome in run.part()
        for index in range(outcome.index, outcome.index + outcome.count)
    }


def test_the_partials_of_pieces_are_merged():
    run = run_over(SMALL, **SUM)
    assert statuses(run) == dict.fromkeys(range(ROWS), "succeeded")
    name = blob_paths.BatchName(0, 0)
    part = blob_paths.part_path(RUN_ID, blob_paths.FIRST, name)
    partial = from_json(run.files.read(blob_paths.partial_path(part)))
    assert partial["sum"] == sum(range(ROWS))
    assert len(partial["began"]) > 3  # as many pieces there were


@pytest.mark.parametrize("workload", ["probe", "async-probe"])
def test_the_items_of_all_pieces_are_processed(workload: str):
    items = [{"id": number} for number in range(ROWS)]
    run = run_over(Budget(64 * 1024), workload=workload, source={"kind": "inline", "items": items})
    assert statuses(run) == dict.fromkeys(range(ROWS), "succeeded")


def test_an_output_for_which_there_is_no_room_fails_alone():
    items = [{"id": "x" * (4000 if number == 3 else 1) + str(number)} for number in range(6)]
    run = run_over(Budget(24_000), workload="probe", source={"kind": "inline", "items": items})
    found = statuses(run)
    assert {index for index, status in found.items() if status == "failed"} == {3}
    (failed,) = [outcome for outcome in run.part() if outcome.status == "failed"]
    assert failed.error is not None and failed.error.type == "OutputError"
    assert "batch.max_items" in failed.error.message


BLOB = BlobRef(container="inbox", blob="rows", etag="1")


def pieces_until(error: Exception) -> Iterator[Chunk]:
    """Two pieces of two items each, and then what reading raises."""
    for first in (4, 6):
        yield Chunk("inline", b'[{"id":%d},{"id":%d}]' % (first, first + 1), None, first, 0, 2)
    raise error


@pytest.mark.parametrize("error", [SourceChangedError("changed"), BrokenSourceError(BLOB, "torn")])
def test_only_what_comes_after_the_last_piece_that_can_be_read_fails(error: Exception):
    rest = Cut(offset=0, end=0, first_index=4, items=6, first_line=0)
    pieces = refuse_unreadable(pieces_until(error), rest)
    records = [*chain.from_iterable(map(parse_records, pieces))]
    assert [record.index for record in records] == [4, 5, 6, 7, 8, 9]
    assert [record.error is None for record in records] == [True] * 4 + [False] * 2
    assert [str(error) in record.error.message for record in records if record.error] == [True] * 2


def test_what_nobody_expects_is_raised():
    rest = Cut(offset=0, end=0, first_index=4, items=6, first_line=0)
    with pytest.raises(RuntimeError):
        [*refuse_unreadable(pieces_until(RuntimeError()), rest)]
