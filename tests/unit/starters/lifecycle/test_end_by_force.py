"""An attempt that Durable ended by force: its rows say so, and its children end."""

from datetime import UTC, datetime

import pytest

from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.governor import run_rules
from fanout.governor.admission import AdmissionState
from fanout.messages.planning import Work
from fanout.messages.run import RunEnd
from fanout.naming import row_keys
from fanout.naming.moments import moment_text
from starters.lifecycle.attempts import Attempt, newest_attempt
from starters.lifecycle.end_by_force import end_by_force
from tests.support.doubles.durable_client import Client
from tests.support.workloads.attempts import at, begun
from tests.support.workloads.kept_runs import claimed_files, over, write

NOW = moment_text(datetime.now(UTC))


@pytest.fixture
def files() -> RunFiles:
    return claimed_files()


async def terminated(files: RunFiles, rows: Rows, client: Client) -> Attempt:
    client.end("r", "Terminated", "enough")
    return await newest_attempt("r", client, files, rows)


async def test_to_end_by_force_is_told_once_frees_the_place_and_ends_all_children(
    files: RunFiles, rows: Rows
):
    state = begun(items=10, shards=3)
    undo = Work(items=4, cuts=1, partitions=1, shards=1)
    state = write(
        rows,
        state.model_copy(update={"run": run_rules.note_compensation_plan(state.run, undo)}),
    )
    places = AdmissionState(
        running={"r": at(0), "other": at(0)}, waiting={"later": NOW}, max_runs=2
    )
    rows.create(row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, places)
    client = Client(instances={"r:s00", "r:s02", "r:c00", "r:f", "other:s00", "later"})
    client.end("r:s02")
    attempt = await terminated(files, rows, client)
    for _ in range(2):
        await end_by_force(attempt, client, files, rows)
    assert client.terminated == ["r:s00", "r:c00", "r:f"]
    run = read_attempt(rows, "r", 1).state.run
    assert run.end == RunEnd(
        outcome="failed", error="enough", at="2026-01-01T00:00:00.000Z", is_forced=True
    )
    assert run.is_announced
    left = rows.load(row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, AdmissionState)
    assert ([*left.running], [*left.waiting]) == (["other", "later"], [])
    assert client.events == [("later", "turn")]


async def test_to_end_by_force_a_run_that_was_never_begun_gives_it_its_claim(
    files: RunFiles, rows: Rows
):
    attempt = await terminated(files, rows, Client())
    assert attempt.is_forced
    await end_by_force(attempt, Client(), files, rows)
    run = read_attempt(rows, "r", 1).state.run
    assert run.end is not None and run.claim == files.claim_of("r")
    again = await newest_attempt("r", Client(), files, rows)
    assert (again.is_over, again.is_forced) == (True, False)


async def test_an_end_of_its_own_is_not_overwritten_by_force(files: RunFiles, rows: Rows):
    write(rows, begun())
    attempt = await terminated(files, rows, Client())
    known = write(rows, over(read_attempt(rows, "r", 1).state))
    await end_by_force(attempt, Client(), files, rows)
    assert read_attempt(rows, "r", 1).state.run.end == known.run.end
