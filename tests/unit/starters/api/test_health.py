"""Health: down when anything is that the app depends on."""

import json
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from starters.api.health import check_health
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore


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
    store: Any, client: Client, status: int, storage: str, durable: str, rows: Rows
):
    response = await check_health(client, RunFiles(store, "runs"), rows)
    body = json.loads(response.get_body())
    assert response.status_code == status
    assert body["dependencies"] == {"storage": storage, "durable": durable}
    assert body["status"] == ("up" if status == 200 else "down")
