"""Health: down when anything is that the app depends on, and known soon whatever hangs."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import azure.durable_functions as df
import pytest
from azure.core.exceptions import ServiceRequestError
from azure.durable_functions.models.utils import http_utils

from fanout.adapters.blob import BlobStore
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from starters.api import health as health_room
from starters.api.health import check_health
from starters.single_flight import SingleFlight
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.hostile.dripping import dripping
from tests.support.hosts.silent import busy_port, closed_port, silent_port
from tests.support.workloads.attempts import memory_rows

SECRET = "c2VjcmV0IG9mIHRoZSBhY2NvdW50"
MAX_ANSWER_SECONDS = 3.0


class AwayStore(MemoryStore):
    def ping(self, container: str) -> None:
        raise ServiceRequestError("no route")


class UpStore(MemoryStore):
    def ping(self, container: str) -> None:
        """It answers."""


@pytest.fixture
async def durable_at() -> AsyncIterator[Callable[[int], Any]]:
    """Durable clients of the SDK, whose host is at a port."""

    def make(port: int) -> Any:
        url = f"http://127.0.0.1:{port}/"
        urls = dict.fromkeys(("statusQueryGetUri", "createNewInstancePostUri"), url)
        context = {"taskHubName": "h", "creationUrls": urls, "managementUrls": urls}
        return df.DurableOrchestrationClient(json.dumps(context | {"rpcBaseUrl": url}))

    yield make
    await http_utils._close_session()


def files_at(port: int) -> RunFiles:
    return RunFiles(BlobStore.connect(storage_at(port)), "runs")


def rows_at(port: int) -> Rows:
    return Rows(TableStore.connect(storage_at(port)), "fanoutruns")


def storage_at(port: int) -> StorageSettings:
    url = f"http://127.0.0.1:{port}/account"
    return StorageSettings(
        f"AccountName=account;AccountKey={SECRET};BlobEndpoint={url};TableEndpoint={url}"
    )


async def health(
    client: Any,
    files: RunFiles | None = None,
    rows: Rows | None = None,
    calls: SingleFlight | None = None,
) -> dict[str, Any]:
    """The answer, which must come in time."""
    files = files or RunFiles(UpStore(), "runs")
    checking = check_health(client, files, rows or memory_rows(), calls or SingleFlight())
    response = await asyncio.wait_for(checking, MAX_ANSWER_SECONDS)
    body: dict[str, Any] = json.loads(response.get_body())
    assert response.status_code == (200 if body["status"] == "up" else 503)
    assert ("Retry-After" in response.headers) == (response.status_code == 503)
    return body


@pytest.mark.parametrize(
    ("store", "client", "storage", "durable"),
    [
        (UpStore(), Client(), "up", "up"),
        (AwayStore(), Client(), "down: ServiceRequestError", "up"),
        (UpStore(), Client(is_away=True), "up", "down: ConnectionError"),
    ],
)
async def test_health_is_down_when_any_dependency_is(
    store: Any, client: Client, storage: str, durable: str
):
    body = await health(client, RunFiles(store, "runs"))
    assert body["dependencies"] == {"storage": storage, "durable": durable}
    assert body["status"] == ("up" if storage == durable == "up" else "down")


PORTS: list[tuple[Callable[[], AbstractContextManager[int]], str]] = [
    (silent_port, "no answer within 2 s"),
    (closed_port, "Connection refused"),
    (busy_port, "503"),
    (partial(dripping, b"HTTP/1.1 200 OK\r\nx-ms-name: ", b"x"), "no answer within 2 s"),
]


@pytest.fixture(params=PORTS, ids=["silent", "closed", "busy", "dripping"])
def away(request: pytest.FixtureRequest) -> Iterator[tuple[int, str]]:
    """A port that does not answer as it should, and what is to be said of it."""
    make, reason = request.param
    with make() as port:
        yield port, reason


async def test_blobs_that_do_not_answer_are_known_in_time(away: tuple[int, str]):
    port, reason = away
    body = await health(Client(), files=files_at(port))
    assert reason in body["dependencies"]["storage"]
    assert body["dependencies"]["durable"] == "up"


async def test_tables_that_do_not_answer_are_known_in_time(away: tuple[int, str]):
    port, reason = away
    body = await health(Client(), rows=rows_at(port))
    assert body["dependencies"]["storage"].startswith("down: tables: ")
    assert reason in body["dependencies"]["storage"]


async def test_all_that_hangs_is_asked_at_once_and_told_without_secrets(
    durable_at: Callable[[int], Any],
):
    with silent_port() as port:
        body = await health(durable_at(port), files_at(port), rows_at(port))
    assert set(body["dependencies"].values()) == {"down: no answer within 2 s"}
    assert SECRET not in json.dumps(body)
    assert str(port) not in json.dumps(body)


async def test_a_durable_host_that_refuses_is_named(durable_at: Callable[[int], Any]):
    with closed_port() as port:
        body = await health(durable_at(port))
    assert body["dependencies"]["storage"] == "up"
    assert body["dependencies"]["durable"].startswith("down: ")


async def test_once_tables_answer_again_they_are_up_whatever_hangs_since_before(
    monkeypatch: pytest.MonkeyPatch,
):
    release = threading.Event()

    def hang(rows: Rows) -> dict[str, Any]:
        release.wait(60)
        return {}

    monkeypatch.setattr(health_room, "record_circuits", hang)
    body = await health(Client())
    assert (body["status"], body["circuits"]) == ("up", {})
    release.set()


async def test_no_call_costs_a_thread_for_what_hangs_already():
    release, asked = threading.Event(), []

    class Hanging(UpStore):
        def ping(self, container: str) -> None:
            asked.append(container)
            release.wait(60)

    files, calls = RunFiles(Hanging(), "runs"), SingleFlight()
    before = threading.active_count()
    bodies = await asyncio.gather(*(health(Client(), files, calls=calls) for _ in range(20)))
    assert {body["dependencies"]["storage"] for body in bodies} == {"down: no answer within 2 s"}
    assert len(asked) == 1
    assert threading.active_count() <= before + 2
    release.set()
    assert (await health(Client(), files, calls=calls))["status"] == "up"
