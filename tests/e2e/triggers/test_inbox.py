"""A blob dropped into the inbox starts a run over it, once for each version."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from fanout.adapters.blob import API_VERSION
from tests.support.hosts.hosts import chosen, patient
from tests.support.hosts.product import DEADLINE_SECONDS, Product, new_container
from tests.support.hosts.running_product import APP

pytestmark = [pytest.mark.needs_blob_trigger, pytest.mark.needs_settings]


@pytest.fixture(scope="module")
def watching(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    environment = {
        "FANOUT_STORAGE": storage,
        "FANOUT_SOURCE_CONTAINERS": "*",
        "FANOUT_RUNS_CONTAINER": new_container("inbox-runs"),
        "FANOUT_INBOX": "true",
    }
    blobs = BlobServiceClient.from_connection_string(storage, api_version=API_VERSION)
    inbox = blobs.get_container_client("inbox")
    if not inbox.exists():
        inbox.create_container()
    folder: Path = tmp_path_factory.mktemp("watching")
    with chosen().running(APP, folder, "--no-stack", environment=environment) as host:
        yield Product(host, inbox, blobs)
    # Blobs that stay would be new to the runs of the next product.
    for name in inbox.list_blob_names():
        inbox.delete_blob(name)


def ended(product: Product, count: int) -> list[dict]:
    deadline = time.monotonic() + patient(DEADLINE_SECONDS)
    while time.monotonic() < deadline:
        runs = product.host.get("/api/runs").json["runs"]
        if len(runs) == count and all(run["phase"] == "done" for run in runs):
            return runs
        time.sleep(0.1)
    raise AssertionError(f"{runs}\n{product.host.log}")


def test_each_version_of_a_blob_is_run_over_once(watching: Product):
    watching.upload(b'{"id":1}\n{"id":2}\n', "probe/items.jsonl")
    (run,) = ended(watching, 1)
    assert (run["workload"], run["outcome"], run["items"]["succeeded"]) == ("probe", "succeeded", 2)
    watching.upload(b'{"id":3}\n', "probe/items.jsonl")
    newest, first = ended(watching, 2)
    assert first["run_id"] == run["run_id"]
    assert newest["items"]["succeeded"] == 1
