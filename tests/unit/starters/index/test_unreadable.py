"""Rows that nobody can read: lists name them, whoever can puts them right, and no other suffers."""

import json
from typing import Any

import pytest

from fanout.adapters.rows.index import FIRST
from fanout.adapters.rows.open_runs import open_attempts
from fanout.adapters.tables import Row, Write
from fanout.naming import blob_paths, row_keys
from starters.index.pages import Readings, read_statuses
from starters.index.rebuild import rebuild_part
from starters.index.search import RunFilter, find_page
from starters.lifecycle.start import start_run
from tests.support.harms.listed_runs import ListedRuns, now

RUNS = row_keys.RUNS_PARTITION
ODD_ROWS: dict[str, dict[str, Any]] = {
    "empty": {},
    "no outcome": {"workload": "probe", "attempt": 1, "status": "", "is_in_deletion": False},
    "torn status": {"status": '{"outcome": "fai'},
    "status of something else": {"status": "[1, 2]"},
    "status that is no text": {"status": 7},
    "another outcome than its status": {"outcome": "cancelled"},
    "outcome that there is not": {"outcome": "exploded"},
    "attempt that is no number": {"attempt": "first"},
    "workload that is no text": {"workload": 5},
    "of a later version of the app": {"version": 2},
    "version that is no number": {"version": "1"},
}
# A row that says of its run that it may go on has no status to be read.
HARMS = [
    (run_id, odd)
    for run_id in ("goes-on", "failed", "redriven")
    for odd in ODD_ROWS
    if run_id != "goes-on" or [*ODD_ROWS[odd]] != ["status"]
]


async def some_runs() -> ListedRuns:
    """One goes on, one has failed, and one has succeeded in its second attempt."""
    runs = ListedRuns()
    for run_id in ("goes-on", "failed", "redriven"):
        await runs.start(run_id)
        await runs.begin(run_id)
    await runs.finish("failed", "failed")
    await runs.finish("redriven", "failed")
    await runs.redrive("redriven")
    await runs.begin("redriven")
    await runs.finish("redriven", "succeeded")
    return runs


def read_row(runs: ListedRuns, run_id: str) -> tuple[str, Row]:
    (found,) = [
        (key, row)
        for _, key, row in runs.tables.rows("fanoutruns")
        if key.startswith("i!") and key.endswith(f"!{run_id}")
    ]
    return found


def harm(runs: ListedRuns, run_id: str, odd: dict[str, Any]) -> Row:
    """Have a row of the index say something odd; give what it said."""
    key, row = read_row(runs, run_id)
    is_whole = len(odd) != 1
    values = odd if is_whole else {**row.values, **odd}
    runs.rows.submit(RUNS, [Write(key, values, mode="put")])
    return row


async def first_page(runs: ListedRuns, **wanted: Any) -> Readings:
    page = find_page(runs.rows, RunFilter(**wanted), FIRST, 99)
    return await read_statuses(page.entries, runs.files, runs.rows, now(), "http://x")


@pytest.mark.parametrize(("run_id", "odd"), HARMS)
async def test_a_row_that_cannot_be_read_is_read_from_the_run_itself_and_put_right(
    run_id: str, odd: str
):
    runs = await some_runs()
    before = harm(runs, run_id, ODD_ROWS[odd])
    assert await runs.shown() == runs.truth()
    assert dict(read_row(runs, run_id)[1].values) == dict(before.values)
    assert await runs.shown(outcome="failed") == [
        run for run in runs.truth() if run.outcome == "failed"
    ]


@pytest.mark.parametrize(("run_id", "odd"), HARMS)
async def test_a_rebuilding_puts_it_right_as_well(run_id: str, odd: str):
    runs = await some_runs()
    before = harm(runs, run_id, ODD_ROWS[odd])
    assert rebuild_part(runs.files, runs.rows, None, 99).written == 1
    assert dict(read_row(runs, run_id)[1].values) == dict(before.values)


async def test_a_row_of_a_run_that_there_is_not_is_dropped_whatever_it_says():
    runs = await some_runs()
    harm(runs, "failed", {})
    runs.files.delete(blob_paths.request_path("failed"))
    assert {run.run_id for run in await runs.shown()} == {"redriven", "goes-on"}
    assert "failed" not in [run_id for run_id, _ in runs.indexed()]


@pytest.mark.parametrize("harmed", ["request", "rows", "no text", "no moment"])
async def test_a_run_that_cannot_be_read_is_named_with_the_reason(harmed: str):
    runs = await some_runs()
    odd = {
        "rows": "{",
        "no text": 5,
        "no moment": json.dumps(
            json.loads(runs.tables.read("fanoutruns", "goes-on!a1", ["run"])["run"].values["json0"])
            | {"started_at": "yesterday"}
        ),
    }
    if harmed == "request":
        harm(runs, "goes-on", {})
        path = blob_paths.request_path("goes-on")
        kept = runs.store.properties("runs", path)
        assert kept is not None
        runs.store.write("runs", path, b"{", metadata=kept.metadata)
    else:
        runs.rows.submit("goes-on!a1", [Write("run", {"json0": odd[harmed]}, mode="put")])
    readings = await first_page(runs)
    assert {run.run_id for run in readings.statuses} == {"redriven", "failed"}
    (unreadable,) = readings.unreadable
    assert unreadable.run_id == "goes-on"
    assert "Error: " in unreadable.reason


async def test_a_key_that_is_of_no_run_is_named_and_a_rebuilding_drops_it():
    runs = await some_runs()
    for key in ("i!1234567890123", "i!what", "i!8000000000000!no/id"):
        runs.rows.submit(RUNS, [Write(key, {"outcome": "failed", "workload": "w"})])
    readings = await first_page(runs)
    assert {run.run_id for run in readings.statuses} == {"redriven", "failed", "goes-on"}
    assert {run.run_id for run in readings.unreadable} == {
        "i!1234567890123",
        "i!what",
        "i!8000000000000!no/id",
    }
    first = rebuild_part(runs.files, runs.rows, None, 99)
    assert rebuild_part(runs.files, runs.rows, first.position, 99).dropped == 3
    assert (await first_page(runs)).unreadable == []


async def test_a_page_may_end_at_such_a_key():
    runs = await some_runs()
    for key in ("i!0!a b", "i!0!é"):
        runs.rows.submit(RUNS, [Write(key, {})])
        assert row_keys.is_index_position(key)
    found = find_page(runs.rows, RunFilter(), FIRST, 1)
    assert found.position == "i!0!a b"
    found = find_page(runs.rows, RunFilter(), str(found.position), 1)
    assert found.position == "i!0!é"


@pytest.mark.parametrize("text", ["elsewhere", "", "o!r!a1", "i!\x00", "i!\n", "i!" + "x" * 600])
def test_nothing_else_is_a_position(text: str):
    assert not row_keys.is_index_position(text)


ODD_OPEN: dict[str, dict[str, Any]] = {
    "empty": {},
    "torn": {"json0": '{"claimed_at": "20'},
    "no text": {"json0": 5},
    "no moment": {"json0": "{}"},
    "moment without a zone": {"json0": '{"claimed_at": "2026-01-01T00:00:00"}'},
}


@pytest.mark.parametrize("odd", ODD_OPEN)
async def test_an_open_attempt_that_cannot_be_read_is_looked_after_like_the_others(odd: str):
    runs = await some_runs()
    await runs.start("other")
    await runs.begin("other")
    (before,) = [one for one in open_attempts(runs.rows) if one.run_id == "goes-on"]
    runs.rows.submit(RUNS, [Write("o!goes-on!a1", ODD_OPEN[odd], mode="put")])
    runs.client.end("other", "Terminated", "enough")
    await runs.look()
    assert ("other", "failed") in runs.indexed()
    (after,) = open_attempts(runs.rows)
    assert (after.run_id, after.number, after.listed_at) == ("goes-on", 1, before.listed_at)
    runs.client.end("goes-on", "Terminated", "enough")
    await runs.look()
    assert ("goes-on", "failed") in runs.indexed()
    assert open_attempts(runs.rows) == []


@pytest.mark.parametrize("odd", ODD_OPEN)
async def test_one_that_is_of_no_use_is_deleted(odd: str):
    """Its run has ended, or a later attempt goes on, or there is none."""
    runs = await some_runs()
    for key in ("o!failed!a1", "o!redriven!a1", "o!nobody!a1"):
        runs.rows.submit(RUNS, [Write(key, ODD_OPEN[odd], mode="put")])
    runs.rows.submit(row_keys.EARLIER_OPEN_PARTITION, [Write("failed!a1", ODD_OPEN[odd])])
    indexed = runs.indexed()
    await runs.look()
    assert [one.run_id for one in open_attempts(runs.rows)] == ["goes-on"]
    assert runs.indexed() == indexed


async def test_a_row_of_open_attempts_that_is_of_none_hides_no_other():
    runs = await some_runs()
    runs.rows.submit(RUNS, [Write("o!odd", {"json0": "{}"}), Write("o!x!ay", {"json0": "{}"})])
    await runs.terminate("goes-on")
    assert ("goes-on", "failed") in runs.indexed()


async def test_whoever_asks_for_a_run_whose_open_row_is_odd_gets_it():
    """It has been started already; the same request finds it."""
    runs = await some_runs()
    runs.rows.submit(RUNS, [Write("o!goes-on!a1", {}, mode="put")])
    await runs.look()
    request = runs.files.request("goes-on")
    start = await start_run(request, runs.client, runs.files, runs.rows)
    assert (start.is_new, start.is_over) == (False, False)
