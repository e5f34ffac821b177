"""Redrives that meet another caller, or the remains of one."""

import pytest

from fanout.adapters.rows import Rows
from fanout.adapters.runs import RunFiles
from fanout.errors import RunConflictError
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from starters.redrive import redrive
from tests.support.durable_client import Client
from tests.support.memory_store import MemoryStore

REQUEST = {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}
ASKED = RedriveRequest()


@pytest.fixture
def files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    assert files.claim("r", RunRequest.model_validate(REQUEST))
    return files


async def test_a_claim_that_nobody_started_is_started_by_the_same_redrive(
    files: RunFiles, to: Rows
):
    files.claim_attempt("r", 2, ASKED)
    client = Client(instances={"r"})
    assert await redrive("r", ASKED, client, files, to) == 2
    assert client.started == ["r:a2"]


async def test_a_claim_that_nobody_started_is_not_started_by_another_redrive(
    files: RunFiles, to: Rows
):
    files.claim_attempt("r", 2, ASKED)
    client = Client(instances={"r"})
    with pytest.raises(RunConflictError, match="in another way"):
        await redrive("r", RedriveRequest(error_types=["X"]), client, files, to)
    assert client.started == []


async def test_who_comes_second_to_redrive_a_run_is_told_so(files: RunFiles, to: Rows):
    files.claim_attempt("r", 2, ASKED)
    with pytest.raises(RunConflictError, match="already"):
        await redrive("r", ASKED, Client(instances={"r"}, late=True), files, to)


async def test_a_redrive_that_cannot_be_started_is_an_error(files: RunFiles, to: Rows):
    files.claim_attempt("r", 2, ASKED)
    with pytest.raises(ConnectionError):
        await redrive("r", ASKED, Client(is_away=True), files, to)


async def test_a_run_that_nobody_started_is_not_redriven(files: RunFiles, to: Rows):
    with pytest.raises(RunConflictError, match="not begun"):
        await redrive("r", ASKED, Client(), files, to)
