"""The index is made anew from what is true of the runs, whatever was in it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.index import note_deletion
from fanout.adapters.rows.open_runs import note_claim, open_attempts
from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import Write
from fanout.errors import InvalidRequestError
from fanout.messages.run import RunEnd
from fanout.models.redrive import RedriveRequest
from fanout.models.status import ItemCounts
from fanout.naming import blob_paths, row_keys
from fanout.naming.moments import moment_text
from starters.index.rebuild import Rebuilt, rebuild_part, rebuild_run
from starters.lifecycle.attempts import newest_attempt
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.harms.listed_runs import ListedRuns


def parts(runs: ListedRuns, limit: int = 2) -> Iterator[Rebuilt]:
    position: str | None = None
    while True:
        part = rebuild_part(runs.files, runs.rows, position, limit)
        yield part
        position = part.position
        if position is None:
            return


def rebuild(runs: ListedRuns) -> tuple[int, int]:
    """Rebuild the index; gives how many rows were written, and how many dropped."""
    done = [*parts(runs)]
    return sum(part.written for part in done), sum(part.dropped for part in done)


async def some_runs() -> ListedRuns:
    runs = ListedRuns()
    for run_id in ("a", "b", "c", "d", "e"):
        await runs.start(run_id)
        await runs.begin(run_id)
    await runs.finish("a")
    await runs.finish("b", "failed")
    await runs.redrive("b")
    await runs.begin("b")
    await runs.finish("c", "failed")
    await runs.start("never-begun")
    return runs


def lose(rows: Rows, partition: str | None = None) -> None:
    """Lose the rows of a partition, or all."""
    assert isinstance(rows.tables, MemoryTables)
    for place, key, _ in [*rows.tables.rows(rows.table)]:
        if partition in (None, place):
            rows.delete(place, [key])


async def test_what_is_right_is_left_alone():
    runs = await some_runs()
    before = [*runs.tables.rows("fanoutruns")]
    assert rebuild(runs) == (0, 0)
    assert [*runs.tables.rows("fanoutruns")] == before


async def test_a_lost_index_is_made_anew_with_the_attempts_that_are_open():
    runs = await some_runs()
    truth, indexed = runs.truth(), runs.indexed()
    attempts = {(one.run_id, one.number, one.listed_at) for one in open_attempts(runs.rows)}
    lose(runs.rows, row_keys.RUNS_PARTITION)
    assert await runs.shown() == []
    assert rebuild(runs) == (6, 0)
    assert await runs.shown() == truth
    assert runs.indexed() == indexed
    # An attempt that has not begun may be what is left of a deletion: nobody is to begin it.
    found = {(one.run_id, one.number, one.listed_at) for one in open_attempts(runs.rows)}
    assert found == {one for one in attempts if one[0] != "never-begun"}
    assert rebuild(runs) == (0, 0)


@pytest.mark.parametrize(
    "wrong",
    [{"outcome": ""}, {"outcome": "cancelled"}, {"workload": "other"}, {"attempt": 7}],
    ids=str,
)
async def test_a_row_that_is_wrong_is_put_right(wrong: dict[str, Any]):
    runs = await some_runs()
    indexed = [*runs.tables.rows("fanoutruns")]
    (key,) = [key for _, key, _ in indexed if key.endswith("!a") and key.startswith("i!")]
    row = runs.tables.read("fanoutruns", "!runs", [key])[key]
    runs.rows.delete("!runs", [key])
    values = {**row.values, **wrong}
    if wrong.get("outcome") == "cancelled":
        values["status"] = json.dumps(json.loads(values["status"]) | {"outcome": "cancelled"})
    runs.rows.submit("!runs", [Write(key, values)])
    assert rebuild(runs) == (1, 0)
    after = runs.tables.read("fanoutruns", "!runs", [key])[key]
    assert after.values == row.values


async def test_a_row_whose_run_there_is_not_is_dropped_and_one_about_to_be_claimed_is_not():
    runs = await some_runs()
    indexed = runs.indexed()
    runs.files.delete(blob_paths.request_path("c"))
    note_claim(runs.rows, "to-come", "probe")
    assert rebuild(runs) == (0, 1)
    left = {run_id for run_id, _ in indexed} - {"c"} | {"to-come"}
    assert {run_id for run_id, _ in runs.indexed()} == left


async def test_a_run_in_deletion_is_left_to_whoever_deletes_it():
    runs = await some_runs()
    attempt = await newest_attempt("a", None, runs.files, runs.rows)
    note_deletion(runs.rows, "a", attempt.claimed_at)
    assert rebuild(runs) == (0, 0)
    assert ("a", None) in runs.indexed()


async def test_a_run_that_ends_meanwhile_is_listed_as_it_ended():
    runs = await some_runs()
    (key,) = [key for key in runs.rows.read_all("!runs", "i!") if key.endswith("!d")]
    row = runs.tables.read("fanoutruns", "!runs", [key])[key]
    runs.rows.submit("!runs", [Write(key, {**row.values, "attempt": 9}, row.etag)])

    def end() -> None:
        runs.tables.before_write = lambda: None
        with pytest.raises(StopIteration):
            runs.finish("d", "failed").send(None)

    runs.tables.before_write = end
    assert rebuild_run("d", runs.files, runs.rows) is False
    assert ("d", "failed") in runs.indexed()


async def test_where_all_rows_are_lost_ends_are_taken_from_summaries():
    runs = await some_runs()
    items = ItemCounts(total=3, succeeded=2, failed=1)
    end = RunEnd(outcome="partially_succeeded", items=items)
    runs.files.write_model(blob_paths.summary_path("a"), end)
    lose(runs.rows)
    rebuild(runs)
    shown = {one.run_id: one.outcome for one in await runs.shown()}
    assert shown == dict.fromkeys(["b", "c", "d", "e", "never-begun"]) | {
        "a": "partially_succeeded"
    }
    run = read_attempt(runs.rows, "a", 1).state.run
    assert run.end is not None and (run.end.items, run.is_announced) == (items, True)
    written_at = runs.store.properties("runs", "a/summary.json")
    assert written_at is not None
    assert run.end.at == moment_text(written_at.last_modified)
    assert open_attempts(runs.rows) == [], "nobody is to begin anew what may have ended"
    assert rebuild(runs) == (0, 0)


async def test_the_summary_of_an_earlier_attempt_is_not_the_end_of_a_later_one():
    runs = ListedRuns()
    await runs.start("a")
    summary = RunEnd(outcome="failed")
    runs.files.write_model(blob_paths.summary_path("a"), summary)
    assert runs.files.claim_attempt("a", 2, RedriveRequest())
    lose(runs.rows)
    rebuild(runs)
    assert [(one.outcome, one.redrives) for one in await runs.shown()] == [(None, 1)]
    runs.files.write_model(blob_paths.summary_path("a"), summary)
    rebuild(runs)
    assert [(one.outcome, one.redrives) for one in await runs.shown()] == [("failed", 1)]


async def test_a_run_that_cannot_be_read_hides_no_other(caplog: pytest.LogCaptureFixture):
    runs = await some_runs()
    runs.files.write(blob_paths.request_path("bad"), b"no request")
    lose(runs.rows, row_keys.RUNS_PARTITION)
    assert rebuild(runs) == (6, 0)


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_each_run_and_row_is_looked_at_once_however_large_a_part_is(limit: int):
    runs = await some_runs()
    done = [*parts(runs, limit)]
    assert sum(part.looked_at for part in done) == 6 + 6
    assert all(part.looked_at <= limit for part in done)


def test_a_position_at_which_no_part_has_ended_is_refused():
    runs = ListedRuns()
    with pytest.raises(InvalidRequestError, match="continuation"):
        rebuild_part(runs.files, runs.rows, "elsewhere", 5)
