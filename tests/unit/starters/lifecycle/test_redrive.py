"""Redrives that meet another caller, or the remains of one."""

from collections.abc import Iterator

import pytest

from fanout.adapters.blob import md5
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.open_runs import open_attempts
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import RunConflictError
from fanout.governor import run_rules
from fanout.governor.owners import owner_of
from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.models.status import ItemCounts, ResultFile, ResultManifest
from fanout.naming import blob_paths
from starters.lifecycle.redrive import redrive_run
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.attempts import at, begun

REQUEST = {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}
ASKED = RedriveRequest()


@pytest.fixture
def files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    assert files.claim("r", RunRequest.model_validate(REQUEST))
    return files


async def test_a_claim_that_nobody_started_is_started_by_the_same_redrive(
    files: RunFiles, rows: Rows
):
    files.claim_attempt("r", 2, ASKED)
    client = Client(instances={"r"})
    assert await redrive_run("r", ASKED, client, files, rows, caller="ann") == 2
    assert client.started == ["r:a2"]
    owner = owner_of(str(REQUEST["workload"]), "ann")
    assert client.inputs[0]["owner"] == owner, "it is of who asks for it"


async def test_a_claim_that_nobody_started_is_not_started_by_another_redrive(
    files: RunFiles, rows: Rows
):
    files.claim_attempt("r", 2, ASKED)
    client = Client(instances={"r"})
    with pytest.raises(RunConflictError, match="in another way"):
        await redrive_run("r", RedriveRequest(error_types=["X"]), client, files, rows)
    assert client.started == []


async def test_who_comes_second_to_redrive_a_run_is_told_so(files: RunFiles, rows: Rows):
    files.claim_attempt("r", 2, ASKED)
    with pytest.raises(RunConflictError, match="already"):
        await redrive_run("r", ASKED, Client(instances={"r"}, late=True), files, rows)


async def test_a_redrive_that_cannot_be_started_is_an_error(files: RunFiles, rows: Rows):
    files.claim_attempt("r", 2, ASKED)
    with pytest.raises(ConnectionError):
        await redrive_run("r", ASKED, Client(is_away=True), files, rows)


async def test_a_run_that_nobody_started_is_not_redriven(files: RunFiles, rows: Rows):
    with pytest.raises(RunConflictError, match="not begun"):
        await redrive_run("r", ASKED, Client(), files, rows)


@pytest.fixture
def _with_work(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have every attempt leave something to redo."""
    with monkeypatch.context() as patch:
        patch.setattr("starters.lifecycle.redrive.has_redo", lambda *_: True)
        yield


def write(rows: Rows, state: GovernorState) -> None:
    change_attempt(rows, "r", 1, lambda _: (state, None))


@pytest.mark.usefixtures("_with_work")
async def test_the_attempt_before_is_ended_by_force_if_durable_has_terminated_it(
    files: RunFiles, rows: Rows
):
    write(rows, begun(items=10))
    client = Client(instances={"r:s00", "r:s01"})
    client.end("r", "Terminated", "enough")
    assert await redrive_run("r", ASKED, client, files, rows) == 2
    assert client.terminated == ["r:s00", "r:s01"]
    end = read_attempt(rows, "r", 1).state.run.end
    assert end is not None and end.is_forced
    assert [(one.run_id, one.number) for one in open_attempts(rows)] == [("r", 2)]
    assert client.started == ["r:a2"]


@pytest.mark.usefixtures("_with_work")
@pytest.mark.parametrize("runtime", ["Running", "Failed"])
async def test_a_run_that_goes_on_or_is_about_to_be_taken_up_is_not_redriven(
    files: RunFiles, rows: Rows, runtime: str
):
    write(rows, begun(items=10))
    client = Client(instances={"r"}, statuses={"r": runtime})
    with pytest.raises(RunConflictError, match="still running"):
        await redrive_run("r", ASKED, client, files, rows)
    assert (client.started, open_attempts(rows)) == ([], [])


async def test_a_run_without_a_plan_has_nothing_to_redrive(files: RunFiles, rows: Rows):
    state = begun(items=10)
    run = run_rules.finish(state.run, RunEnd(outcome="failed", at=at(1)))
    write(rows, state.model_copy(update={"run": run.model_copy(update={"plan": None})}))
    with pytest.raises(RunConflictError, match="no plan to redrive"):
        await redrive_run("r", ASKED, Client(), files, rows)
    assert open_attempts(rows) == []


@pytest.mark.parametrize("plan", [None, b"{", b'{"version":1,"items":0}'])
async def test_a_run_whose_plan_is_lost_is_redriven(
    files: RunFiles, rows: Rows, plan: bytes | None
):
    if plan is not None:
        files.write(blob_paths.plan_path("r"), plan)
    state = begun(items=10)
    run = run_rules.finish(state.run, RunEnd(outcome="failed", at=at(1)))
    write(rows, state.model_copy(update={"run": run}))
    assert await redrive_run("r", ASKED, Client(), files, rows) == 2


async def test_a_run_that_has_succeeded_is_redriven_where_its_results_are_damaged(
    files: RunFiles, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("starters.lifecycle.redrive.has_redo", lambda *_: False)
    counts = ItemCounts(total=1, succeeded=1)
    listed = ResultFile(name="SUCCEEDED-00000.jsonl", size_bytes=2, md5=md5(b"ab").hex())
    manifest = ResultManifest(
        run_id="r", workload="w", outcome="succeeded", items=counts, files=[listed]
    )
    files.write_model(blob_paths.results_manifest_path("r"), manifest)
    path = blob_paths.result_path("r", listed.name)
    files.write(path, b"ab")
    state = begun(items=1)
    end = RunEnd(outcome="succeeded", items=counts, at=at(1))
    write(rows, state.model_copy(update={"run": run_rules.finish(state.run, end)}))
    with pytest.raises(RunConflictError, match="no pending items and no failures"):
        await redrive_run("r", ASKED, Client(), files, rows)
    files.write(path, b"a")
    assert await redrive_run("r", ASKED, Client(), files, rows) == 2
