"""The running product as a client sees it: over HTTP and Blob, whatever host it runs on."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure.storage.blob import BlobServiceClient, ContainerClient

from fanout.adapters.blob import API_VERSION
from fanout.models.outcome import Outcome
from tests.support.hosts.host_process import Answer, Host
from tests.support.hosts.hosts import patient
from tests.support.replays.local_runs import lines

DEADLINE_SECONDS = 180
POLL_SECONDS = 0.02
# A look at a run takes as much of the machine's time: who waits for long looks less often.
LONGEST_PAUSE_SECONDS = 0.1
PAUSES_IN_WAIT = 10


def pause_of(waited: float) -> float:
    """How long to wait before the next look, after so long a wait: a tenth of it, within bounds."""
    return patient(min(LONGEST_PAUSE_SECONDS, max(POLL_SECONDS, waited / PAUSES_IN_WAIT)))


@dataclass
class Product:
    """The running product, with the calls that tests make again and again.

    Attributes:
        inbox: The container of its sources.
        blobs: Its storage account.
        runs: The name of the container of its runs.
    """

    host: Host
    inbox: ContainerClient
    blobs: BlobServiceClient
    runs: str = "runs"

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

    def until(
        self,
        run_id: str,
        condition: Callable[[dict[str, Any]], bool],
        seconds: float | None = None,
    ) -> dict[str, Any]:
        begun = time.monotonic()
        deadline = begun + (seconds or patient(DEADLINE_SECONDS))
        while (now := time.monotonic()) < deadline:
            status = self.status(run_id)
            if condition(status):
                return status
            time.sleep(pause_of(now - begun))
        raise AssertionError(f"the run is stuck: {status}\n{self.host.log}")

    def done(self, run_id: str, seconds: float | None = None) -> dict[str, Any]:
        return self.until(run_id, lambda status: status["phase"] == "done", seconds)

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
        container = self.blobs.get_container_client(self.runs)
        if not container.exists():
            return []
        return sorted(container.list_blob_names(name_starts_with=f"{run_id}/"))


def fresh_id(name: str) -> str:
    """A run id that no earlier session has used: the app may have run before it, and run on."""
    return f"{name}-{secrets.token_hex(3)}"


def client_of(storage: str) -> BlobServiceClient:
    """A client of a storage account."""
    return BlobServiceClient.from_connection_string(storage, api_version=API_VERSION)


def new_container(purpose: str) -> str:
    """A name that no other product has: a module's fixtures may be made twice in one session."""
    return f"{purpose}-{secrets.token_hex(4)}"


def new_inbox(blobs: BlobServiceClient) -> ContainerClient:
    """A container for the sources of one product."""
    return blobs.create_container(new_container("inbox"))
