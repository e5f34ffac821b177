"""What only happens when something is down or two callers meet; the rest is in tests/e2e."""

import json
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from azure.core.exceptions import ServiceRequestError

from fanout.adapters.rows.rows import RowContentionError, Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.models.request import RunRequest
from starters.api import endpoints, runs
from starters.api.shell import answering
from starters.lifecycle.submit import Claimed
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore

REQUEST = RunRequest.model_validate(
    {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}
)


@pytest.fixture
def files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    assert files.claim("r", REQUEST)
    return files


def claimed(*, is_new: bool) -> Claimed:
    return Claimed("r", REQUEST, is_new=is_new)


async def test_a_new_claim_is_started(files: RunFiles, to: Rows):
    client = Client()
    assert await runs.started(client, claimed(is_new=True), files, to) is None
    assert client.started == ["r"]


async def test_a_claim_that_nobody_started_is_started(files: RunFiles, to: Rows):
    client = Client()
    await runs.started(client, claimed(is_new=False), files, to)
    assert client.started == ["r"]


async def test_who_comes_second_to_start_a_run_is_not_refused(files: RunFiles, to: Rows):
    assert await runs.started(Client(late=True), claimed(is_new=False), files, to) is None


async def test_a_run_that_cannot_be_started_is_an_error(files: RunFiles, to: Rows):
    with pytest.raises(ConnectionError):
        await runs.started(Client(is_away=True), claimed(is_new=True), files, to)


class AwayStore(MemoryStore):
    def ping(self, container: str) -> None:
        raise ServiceRequestError("no route")


class UpStore(MemoryStore):
    def ping(self, container: str) -> None:
        """It answers."""


@pytest.mark.parametrize(
    ("store", "client", "status", "storage", "durable"),
    [
        (UpStore(), Client(), 200, "up", "up"),
        (AwayStore(), Client(), 503, "down: ServiceRequestError", "up"),
        (UpStore(), Client(is_away=True), 503, "up", "down: ConnectionError"),
    ],
)
async def test_health_is_down_when_any_dependency_is(
    store: Any, client: Client, status: int, storage: str, durable: str, to: Rows
):
    response = await runs.health(client, RunFiles(store, "runs"), to)
    body = json.loads(response.get_body())
    assert response.status_code == status
    assert body["dependencies"] == {"storage": storage, "durable": durable}
    assert body["status"] == ("up" if status == 200 else "down")


@pytest.mark.parametrize("error", [ServiceRequestError, RowContentionError])
async def test_storage_that_does_not_answer_is_a_503_and_no_crash(error: type[Exception]):
    @answering(endpoints.GET_RUN)
    async def handler(req: func.HttpRequest, context: Any) -> func.HttpResponse:
        raise error("no route")

    request = func.HttpRequest("GET", "http://x/api/runs/r", body=b"", route_params={"run_id": "r"})
    context = SimpleNamespace(function_name="handler", invocation_id="i")
    response = await handler(req=request, context=context)
    assert response.status_code == 503
    assert response.mimetype == "application/problem+json"
    assert error.__name__ in json.loads(response.get_body())["detail"]
