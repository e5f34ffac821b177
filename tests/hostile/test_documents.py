"""A document or row of one run that cannot be read: named, and no neighbour suffers.

Every answer is looked at over HTTP, with a real Azurite, while each document and row of a run is
damaged in turn.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from azure.data.tables import TableClient, TableEntity, UpdateMode
from azure.storage.blob import BlobClient

from fanout.adapters.digests import digest_of
from tests.support.hostile.damages import DAMAGES, of_version
from tests.support.hostile.forms import choose
from tests.support.hosts.patient_host import PatientHost
from tests.support.hosts.product import Product
from tests.support.hosts.product_calls import ONCE, TABLE, probe, sums
from tests.support.hosts.running_product import product_on
from tests.support.services.azurite import running_azurite

pytestmark = [pytest.mark.timeout(900), pytest.mark.needs_settings]
SEED = 17
FEW = 2
CALLS = [
    ("GET", "/api/runs/victim"),
    ("GET", "/api/runs/victim/request"),
    ("GET", "/api/runs/victim/timeline"),
    ("GET", "/api/runs/victim/items"),
    ("GET", "/api/runs/victim/items?status=failed"),
    ("GET", "/api/runs/victim/results"),
    ("GET", "/api/runs/victim/results/summary.json"),
    ("POST", "/api/runs/victim/cancel"),
    ("PATCH", "/api/runs/victim"),
    ("GET", "/api/runs"),
    ("GET", "/api/runs?outcome=succeeded"),
    ("GET", "/api/schedules"),
    ("GET", "/api/health"),
]


@dataclass
class Place:
    """The product on a storage of its own, whose tables a test may write to; asked patiently."""

    product: Product
    tables: TableClient

    def call(self, method: str, path: str) -> Any:
        body = {"PATCH": b'{"tolerance": {"count": 1}}'}.get(method)
        return self.product.host.request(method, path, body, {})

    def blob(self, path: str) -> BlobClient:
        return self.product.blobs.get_blob_client("runs", path)

    @contextmanager
    def replace_document(self, path: str, change: Callable[[bytes], bytes]) -> Iterator[bytes]:
        """Have another content meanwhile, which is given, with the metadata as they are."""
        blob = self.blob(path)
        whole, kept = blob.download_blob().readall(), blob.get_blob_properties().metadata
        try:
            blob.upload_blob(other := change(whole), overwrite=True, metadata=kept)
            yield other
        finally:
            blob.upload_blob(whole, overwrite=True, metadata=kept)

    @contextmanager
    def replace_row(self, row: TableEntity, values: dict[str, Any]) -> Iterator[None]:
        """Have other values in a row meanwhile."""
        try:
            self.tables.update_entity({**row, **values}, mode=UpdateMode.REPLACE)
            yield
        finally:
            self.tables.update_entity(row, mode=UpdateMode.REPLACE)

    def insist_on_answers(self) -> list[str]:
        """Make each call; give the details of those that are refused."""
        refused = []
        for method, path in CALLS:
            answer = self.call(method, path)
            assert answer.status < 500, (method, path, answer.body)
            if answer.status >= 400:
                refused.append(answer.json["detail"])
        listed = {run["run_id"]: run for run in self.call("GET", "/api/runs").json["runs"]}
        assert listed["neighbour"]["outcome"] == "succeeded"
        assert self.product.status("neighbour")["outcome"] == "succeeded"
        return refused


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("documents")
    with running_azurite(folder) as storage, product_on(storage, folder) as started:
        product = replace(started, host=PatientHost(started.host))
        product.run(sums(product, TABLE, run_id="neighbour"))
        product.run(probe([{}, {"fail": "permanent"}, {}], run_id="victim", **ONCE))
        with TableClient.from_connection_string(storage, "fanoutruns") as tables:
            yield Place(product, tables)


def documents(place: Place) -> list[str]:
    paths = place.product.blobs_of("victim")
    return [path for path in paths if path.endswith((".json", ".jsonl"))]


@pytest.mark.chaos
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_document_is_named_and_every_call_is_answered(
    place: Place, damage: str, chaos_seconds: float
):
    chance = random.Random(SEED)
    for path in choose(documents(place), FEW, chaos_seconds):
        with place.replace_document(path, lambda whole: DAMAGES[damage](whole, chance)):
            details = place.insist_on_answers()
        assert [one for one in details if path not in one and "victim" not in one] == []
    assert place.product.status("victim")["items"]["total"] == 3


@pytest.mark.parametrize("version", [0, 2, 99, "1", None])
def test_a_document_of_another_version_is_refused_by_name(place: Place, version: Any):
    # The cuts of a plan are read once in a process.
    for name in ("request.json", "plan/manifest.json", "results/manifest.json"):
        path = f"victim/{name}"
        assert place.blob(path).download_blob().readall().startswith(b'{"version":1,')
        with place.replace_document(path, lambda whole: of_version(whole, version)):
            told = [detail for detail in place.insist_on_answers() if path in detail]
        assert told
        assert all(f"version {version}" in detail for detail in told)


@pytest.mark.parametrize("values", [{"json0": "{"}, {"json0": "[]"}, {"version": 99}])
def test_a_row_that_cannot_be_read_is_named_and_every_call_is_answered(
    place: Place, values: dict[str, Any]
):
    rows = [*place.tables.query_entities("PartitionKey eq 'victim!a1'")]
    assert rows
    for row in rows:
        with place.replace_row(row, values):
            told = place.insist_on_answers()
        assert any("cannot be read" in detail for detail in told)
    assert place.product.status("victim")["items"]["total"] == 3


def test_a_line_of_a_part_that_is_no_outcome_is_shown_among_the_others(place: Place):
    (path,) = (path for path in documents(place) if "/parts/" in path)
    with place.replace_document(path, cut_second_line) as odd:
        page = place.call("GET", "/api/runs/victim/items").json
        assert page["items"] == []
        (line,) = page["unreadable"]
        assert path in line["reason"]
        # So written it is no damage: another version of the app may write such lines.
        blob, digest = place.blob(path), {"digest": digest_of(path, odd)}
        blob.set_blob_metadata(blob.get_blob_properties().metadata | digest)
        page = place.call("GET", "/api/runs/victim/items").json
    assert [item["index"] for item in page["items"]] == [0, 2]
    (line,) = page["unreadable"]
    assert (line["part"], line["line"]) == (path, 2)
    assert line["reason"]


def cut_second_line(whole: bytes) -> bytes:
    first, second, *rest = whole.splitlines()
    return b"\n".join([first, second[:20], *rest])


def test_a_run_whose_request_cannot_be_read_can_be_deleted(place: Place):
    product = place.product
    product.run(probe([{}], run_id="doomed"))
    blob = place.blob("doomed/request.json")
    kept = blob.get_blob_properties().metadata
    blob.upload_blob(b"{", overwrite=True, metadata=kept)
    answer = place.call("GET", "/api/runs/doomed")
    assert answer.status == 409
    assert "doomed/request.json" in answer.json["detail"]
    assert place.call("DELETE", "/api/runs/doomed").status == 204
    assert place.call("GET", "/api/runs/doomed").status == 404
    assert product.blobs_of("doomed") == []


def test_a_run_that_goes_on_and_cannot_be_read_is_steered_and_deleted(place: Place):
    product = place.product
    slow = probe([{"seconds": 0.1}] * 300, run_id="open", batch={"max_items": 1})
    product.post(slow | {"concurrency": {"batches": 1}})
    product.until("open", lambda status: status["items"]["succeeded"] > 0)
    blob = product.blobs.get_blob_client("runs", "open/request.json")
    kept = blob.get_blob_properties().metadata
    blob.upload_blob(b"{", overwrite=True, metadata=kept)
    for asked in ("suspend", "resume", "suspend"):
        assert place.call("POST", f"/api/runs/open/{asked}").status == 202
    for method in ("GET", "PATCH"):
        answer = place.call(method, "/api/runs/open")
        assert (answer.status, answer.json["type"]) == (409, "urn:fanout:problem:unreadable")
    refused = place.call("DELETE", "/api/runs/open")
    assert (refused.status, "cancel it first" in refused.json["detail"]) == (409, True)
    assert place.call("POST", "/api/runs/open/cancel").status == 202
    ends_at = time.monotonic() + 120
    while (answer := place.call("DELETE", "/api/runs/open")).status == 409:
        assert time.monotonic() < ends_at, answer.body
        time.sleep(1)
    assert answer.status == 204
    assert place.call("GET", "/api/runs/open").status == 404
    assert product.blobs_of("open") == []
