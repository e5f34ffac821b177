"""The list of an earlier version of the app is taken over, and nothing of it is lost."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from fanout.adapters.rows.open_runs import open_attempts
from fanout.adapters.tables import Write
from fanout.naming import blob_paths, row_keys
from starters.index.earlier import import_once, import_some
from tests.support.doubles.crashes import DeathError
from tests.support.harms.listed_runs import ListedRuns, Shown

LAST_MS = 10**13 - 1


async def earlier_runs(count: int = 5) -> ListedRuns:
    """Runs as an earlier version has left them: the first two have ended, the others go on.

    It knew no moment of the claim, listed them by the names of blobs, and kept its open attempts in
    a partition of their own.
    """
    runs = ListedRuns()
    for number in range(count):
        await runs.start(f"r{number}")
        await runs.begin(f"r{number}")
    await runs.finish("r0")
    await runs.finish("r1", "failed")
    attempts = open_attempts(runs.rows)
    runs.rows.clear(row_keys.RUNS_PARTITION)
    for attempt in attempts:
        values = {"json0": json.dumps({"claimed_at": attempt.claimed_at.isoformat()})}
        key = f"{attempt.run_id}!a{attempt.number}"
        runs.rows.submit(row_keys.EARLIER_OPEN_PARTITION, [Write(key, values)])
    for number in range(count):
        forget_claimed_at(runs, f"r{number}")
        listed_ms = LAST_MS - 1_767_225_600_000 - number
        runs.files.write(f"~index/{listed_ms:013d}/probe/r{number}", b"")
    return runs


def forget_claimed_at(runs: ListedRuns, run_id: str) -> None:
    path = blob_paths.request_path(run_id)
    etag = runs.files.claim_of(run_id)
    document = json.loads(runs.files.read(path))
    for name in ("version", "settings_end"):  # neither was written by an earlier version
        document.pop(name, None)
    runs.store.write("runs", path, json.dumps(document).encode())
    # It is the same claim all the same.
    data, _ = runs.store._blobs["runs", path]
    runs.store._blobs["runs", path] = (data, etag)
    found = runs.tables.read("fanoutruns", f"{run_id}!a1", ["run"])["run"]
    state = json.loads(found.values["json0"])
    del state["claimed_at"]
    runs.rows.submit(f"{run_id}!a1", [Write("run", {"json0": json.dumps(state)}, found.etag)])


def truth(count: int = 5) -> list[Shown]:
    ends = {0: "succeeded", 1: "failed"}
    return [Shown(f"r{n}", "probe", ends.get(n), 0) for n in range(count - 1, -1, -1)]


async def test_all_runs_are_listed_and_looked_after_when_the_watchdog_has_looked():
    runs = await earlier_runs()
    assert await runs.shown() == []
    for _ in range(2):
        await runs.look()
    assert await runs.shown() == truth()
    assert [*runs.files.names("~index/")] == []
    assert {one.run_id for one in open_attempts(runs.rows) if one.listed_at} == {"r2", "r3", "r4"}
    assert runs.rows.read_all(row_keys.EARLIER_OPEN_PARTITION) == {}
    await runs.finish("r2", "cancelled")
    assert ("r2", "cancelled") in runs.indexed()
    assert (await runs.shown(outcome="failed"))[0].run_id == "r1"


async def test_they_are_redriven_swept_and_deleted_like_others():
    runs = await earlier_runs()
    for _ in range(2):
        await runs.look()
    await runs.redrive("r1")
    assert [(one.run_id, one.redrives) for one in await runs.shown()][-2] == ("r1", 1)
    await runs.delete("r0")
    assert "r0" not in [one.run_id for one in await runs.shown()]
    assert "r0" not in [run_id for run_id, _ in runs.indexed()]


async def test_they_are_taken_over_some_at_a_time_the_newest_first():
    runs = await earlier_runs()
    assert import_some(runs.files, runs.rows, 2) == 2
    assert [run_id for run_id, _ in runs.indexed()] == ["r4", "r3"]
    assert import_some(runs.files, runs.rows, 9) == 3
    assert import_some(runs.files, runs.rows, 9) == 0


async def test_once_all_are_taken_over_nobody_looks_again_but_the_daily_sweep():
    runs = await earlier_runs()
    while import_once(runs.files, runs.rows):
        pass
    runs.files.write("~index/8204031517427/probe/r0", b"")
    assert import_once(runs.files, runs.rows) == 0
    assert import_some(runs.files, runs.rows) == 1


@pytest.mark.parametrize("is_made", [False, True])
@pytest.mark.parametrize("number", range(12))
async def test_wherever_it_dies_none_is_lost(number: int, is_made: bool):
    runs = await earlier_runs()
    runs.fuse.left, runs.fuse.is_made = number, is_made
    try:
        import_some(runs.files, runs.rows)
    except DeathError:
        runs.fuse.left = None
    import_some(runs.files, runs.rows)
    assert await runs.shown() == truth()


async def test_a_run_whose_blobs_are_gone_is_left_out():
    runs = await earlier_runs()
    runs.files.delete(blob_paths.request_path("r1"))
    assert import_some(runs.files, runs.rows) == 5
    assert [one.run_id for one in await runs.shown()] == ["r4", "r3", "r2", "r0"]


def test_a_claim_without_a_moment_was_made_when_its_blob_was_written():
    runs = ListedRuns()
    runs.store.write("runs", "r/request.json", b"{}")
    properties = runs.store.properties("runs", "r/request.json")
    assert properties is not None
    assert runs.files.read_claim("r").claimed_at == properties.last_modified
    assert properties.last_modified - datetime(2026, 1, 1, tzinfo=UTC) < timedelta(minutes=1)
