"""What the watchdog does about the remains of a crash, and about runs that do not move."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from fanout.adapters.runs import RunFiles
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from starters.watchdog import look
from tests.support.durable_client import Client
from tests.support.memory_store import EPOCH, MemoryStore

REQUEST = {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}
LEFT_BEHIND = timedelta(minutes=2)
LATER = EPOCH + timedelta(hours=1)


@pytest.fixture
def files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    assert files.claim("r", RunRequest.model_validate(REQUEST))
    return files


async def test_a_run_that_was_claimed_and_left_is_started(files: RunFiles):
    client = Client()
    await look(client, files, LATER, LEFT_BEHIND)
    assert client.started == ["r"]
    await look(client, files, LATER, LEFT_BEHIND)
    assert client.started == ["r"], "once is enough"


async def test_a_claim_is_left_alone_while_its_maker_may_still_start_it(files: RunFiles):
    client = Client()
    await look(client, files, EPOCH + timedelta(seconds=30), LEFT_BEHIND)
    assert client.started == []


async def test_a_redrive_that_was_claimed_and_left_is_started(files: RunFiles):
    assert files.claim_attempt("r", 2, RedriveRequest())
    client = Client(instances={"r"}, finished={"r"})
    await look(client, files, LATER, LEFT_BEHIND)
    assert client.started == ["r:a2"]


async def test_a_claim_of_a_run_that_goes_on_is_no_longer_watched(files: RunFiles):
    client = Client(instances={"r"})
    await look(client, files, LATER, LEFT_BEHIND)
    assert client.started == []
    assert [*files.names("~unstarted/")] == []


async def test_the_places_of_runs_that_are_gone_are_freed(files: RunFiles):
    state = {"running": {"r": "x", "dead": "x"}, "waiting": {"over": "x"}}
    client = Client(instances={"r", "over"}, finished={"over"}, states={"app": state})
    await look(client, files, LATER, LEFT_BEHIND)
    assert client.signals == [("app", "leave", "dead"), ("app", "leave", "over")]


async def test_a_run_that_does_not_move_is_named(files: RunFiles, caplog: pytest.LogCaptureFixture):
    since = datetime(2026, 1, 1, tzinfo=UTC)
    state = {"phase": "processing", "updated_at": since.isoformat()}
    client = Client(instances={"r"}, states={"r": state})
    logger = logging.getLogger("fanout")
    propagates, logger.propagate = logger.propagate, True
    with caplog.at_level(logging.WARNING, "fanout"):
        await look(client, files, since + timedelta(minutes=4), LEFT_BEHIND)
        assert "has not moved" not in caplog.text
        await look(client, files, since + timedelta(hours=3), LEFT_BEHIND)
    logger.propagate = propagates
    assert f"has not moved since {since.isoformat()}" in caplog.text
