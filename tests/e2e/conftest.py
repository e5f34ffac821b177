"""The product on the embedded host with a real Azurite, seen only over HTTP and Blob."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from fanout.adapters.blob import API_VERSION
from fanout.models.outcome import Outcome
from tests.support.fanout_bus import FanoutBus
from tests.support.host_process import Answer, HostProcess, running
from tests.support.local_runs import lines

APP = Path(__file__).parent / "apps" / "probe"
DEADLINE_SECONDS = 60
MAX_REQUEST_BYTES = 100_000
SCAN_RANGE_BYTES = 200_000


@dataclass
class Product:
    """The running product, with the calls that tests make again and again."""

    host: HostProcess
    inbox: ContainerClient
    blobs: BlobServiceClient

    def upload(self, data: bytes, name: str | None = None) -> str:
        name = name or f"{secrets.token_hex(6)}.blob"
        self.inbox.upload_blob(name, data, overwrite=True)
        return name

    def source(self, data: bytes, kind: str = "csv") -> dict[str, str]:
        container = self.inbox.container_name
        return {"kind": kind, "container": container, "blob": self.upload(data)}

    def post(self, request: Any, **headers: str) -> Answer:
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.host.request("POST", "/api/runs", body, named)

    def status(self, run_id: str) -> dict[str, Any]:
        answer = self.host.get(f"/api/runs/{run_id}")
        assert answer.status == 200, answer.body
        return dict(answer.json)

    def until(self, run_id: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            status = self.status(run_id)
            if condition(status):
                return status
            time.sleep(0.02)
        raise AssertionError(f"the run is stuck: {status}\n{self.host.log}")

    def done(self, run_id: str) -> dict[str, Any]:
        return self.until(run_id, lambda status: status["phase"] == "done")

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a run and wait for its end."""
        answer = self.post(request)
        assert answer.status == 202, answer.body
        return self.done(answer.json["run_id"])

    def results(self, run_id: str) -> dict[str, Any]:
        answer = self.host.get(f"/api/runs/{run_id}/results")
        assert answer.status == 200, answer.body
        return dict(answer.json)

    def file(self, run_id: str, name: str) -> Answer:
        return self.host.get(f"/api/runs/{run_id}/results/{name}")

    def outcomes(self, run_id: str) -> list[Outcome]:
        names = [f["name"] for f in self.results(run_id)["files"] if f["name"].endswith(".jsonl")]
        told = [name for name in names if not name.startswith("DEAD-LETTERS")]
        return [o for name in told for o in lines(self.file(run_id, name).body)]

    def blobs_of(self, run_id: str) -> list[str]:
        """The blobs that a run has; none before the first run of all has made the container."""
        container = self.blobs.get_container_client("runs")
        if not container.exists():
            return []
        return sorted(container.list_blob_names(name_starts_with=f"{run_id}/"))


@contextmanager
def product_on(
    storage: str, folder: Path, *, options: tuple[str, ...] = (), **settings: str
) -> Iterator[Product]:
    """Run the product with an inbox of its own, further settings and options of the host."""
    environment = {
        "FANOUT_STORAGE": storage,
        "FANOUT_SOURCE_CONTAINERS": "*",
        "FANOUT_MAX_REQUEST_BYTES": str(MAX_REQUEST_BYTES),
        "FANOUT_LOG_LEVEL": "WARNING",
        "FANOUT_SCAN_RANGE_BYTES": str(SCAN_RANGE_BYTES),
    }
    blobs = BlobServiceClient.from_connection_string(storage, api_version=API_VERSION)
    inbox = blobs.create_container(f"inbox-{secrets.token_hex(4)}")
    with running(APP, folder, "--no-stack", *options, environment=environment | settings) as host:
        yield Product(host, inbox, blobs)


@pytest.fixture(scope="session")
def product(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with product_on(storage, tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FanoutBus]:
    """A broker for the tests of one module."""
    bus = FanoutBus(tmp_path_factory.mktemp("bus"))
    yield bus
    bus.close()
