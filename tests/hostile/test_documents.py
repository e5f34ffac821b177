"""A document or row of one run that cannot be read: named, and no neighbour suffers.

Every answer is looked at over HTTP, with a real Azurite, while each document and row of a run is
damaged in turn.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.data.tables import TableClient, UpdateMode

from fanout.adapters.digests import digest_of
from tests.support.hostile.damages import DAMAGES, of_version
from tests.support.hostile.forms import choose
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
    """The product on a storage of its own, whose tables a test may write to."""

    product: Product
    tables: TableClient

    def call(self, method: str, path: str) -> Any:
        body = {"PATCH": b'{"tolerance": {"count": 1}}'}.get(method)
        return self.product.host.request(method, path, body, {})

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
    with running_azurite(folder) as storage, product_on(storage, folder) as product:
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
        blob = place.product.blobs.get_blob_client("runs", path)
        whole, kept = blob.download_blob().readall(), blob.get_blob_properties().metadata
        blob.upload_blob(DAMAGES[damage](whole, chance), overwrite=True, metadata=kept)
        for detail in place.insist_on_answers():
            assert path in detail or "victim" in detail
        blob.upload_blob(whole, overwrite=True, metadata=kept)
    assert place.product.status("victim")["items"]["total"] == 3


@pytest.mark.parametrize("version", [0, 2, 99, "1", None])
def test_a_document_of_another_version_is_refused_by_name(place: Place, version: Any):
    # The cuts of a plan are read once in a process.
    for name in ("request.json", "plan/manifest.json", "results/manifest.json"):
        path = f"victim/{name}"
        blob = place.product.blobs.get_blob_client("runs", path)
        whole, kept = blob.download_blob().readall(), blob.get_blob_properties().metadata
        assert whole.startswith(b'{"version":1,')
        blob.upload_blob(of_version(whole, version), overwrite=True, metadata=kept)
        told = [detail for detail in place.insist_on_answers() if path in detail]
        assert told
        assert all(f"version {version}" in detail for detail in told)
        blob.upload_blob(whole, overwrite=True, metadata=kept)


@pytest.mark.parametrize("values", [{"json0": "{"}, {"json0": "[]"}, {"version": 99}])
def test_a_row_that_cannot_be_read_is_named_and_every_call_is_answered(
    place: Place, values: dict[str, Any]
):
    rows = [*place.tables.query_entities("PartitionKey eq 'victim!a1'")]
    assert rows
    for row in rows:
        place.tables.update_entity({**row, **values}, mode=UpdateMode.REPLACE)
        told = place.insist_on_answers()
        assert any("cannot be read" in detail for detail in told)
        place.tables.update_entity(row, mode=UpdateMode.REPLACE)
    assert place.product.status("victim")["items"]["total"] == 3


def test_a_line_of_a_part_that_is_no_outcome_is_shown_among_the_others(place: Place):
    (path,) = (path for path in documents(place) if "/parts/" in path)
    blob = place.product.blobs.get_blob_client("runs", path)
    whole = blob.download_blob().readall()
    kept = blob.get_blob_properties().metadata
    first, second, *rest = whole.splitlines()
    odd = b"\n".join([first, second[:20], *rest])
    # So written it is no damage: another version of the app may write such lines.
    digest = {"digest": digest_of(path, odd)}
    blob.upload_blob(odd, overwrite=True, metadata=kept | digest)
    page = place.call("GET", "/api/runs/victim/items").json
    assert [item["index"] for item in page["items"]] == [0, 2]
    (line,) = page["unreadable"]
    assert (line["part"], line["line"]) == (path, 2)
    assert line["reason"]
    blob.upload_blob(odd, overwrite=True, metadata=kept)
    page = place.call("GET", "/api/runs/victim/items").json
    assert page["items"] == []
    (line,) = page["unreadable"]
    assert path in line["reason"]
    blob.upload_blob(whole, overwrite=True, metadata=kept)


def test_a_run_whose_request_cannot_be_read_can_be_deleted(place: Place):
    product = place.product
    product.run(probe([{}], run_id="doomed"))
    blob = product.blobs.get_blob_client("runs", "doomed/request.json")
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
