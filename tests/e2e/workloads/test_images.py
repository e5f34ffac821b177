"""Images through the whole product: real photographs, hostile files, and what is left of them."""

import io
import json
from typing import Any

import pytest
from PIL import Image

from samples.images import hostile, photos
from tests.support.hosts.product import Product, fresh_id


@pytest.fixture(scope="module")
def folder(product: Product) -> str:
    for name, data in (photos() | hostile()).items():
        product.upload(data, f"album/{name}")
    return "album/"


def request(product: Product, folder: str, **more: Any) -> dict[str, Any]:
    source = {"kind": "listing", "container": product.inbox.container_name, "prefix": folder}
    wanted = [{"max_width": 256, "format": "webp"}]
    asked = {"workload": "images", "source": source, "parameters": {"renditions": wanted}}
    return asked | {"tolerance": {"percentage": 100}} | more


def test_photos_become_files_of_the_results_and_hostile_ones_fail_with_a_reason(
    product: Product, folder: str
):
    run_id = fresh_id("album")
    status = product.run(request(product, folder, run_id=run_id))
    assert status["outcome"] == "partially_succeeded"
    assert (status["items"]["succeeded"], status["items"]["failed"]) == (5, 5)
    found = {o.item_id.removeprefix(folder): o for o in product.outcomes(run_id)}
    errors = {name: o.error.type for name, o in found.items() if o.error}
    assert errors == {
        "bomb.png": "ImageTooLargeError",
        "cut-short.jpg": "TruncatedImageError",
        "empty.jpg": "NotAnImageError",
        "letter.jpg": "NotAnImageError",
        "page.jpg": "NotAnImageError",
    }
    assert {o.attempts for o in found.values()} == {1}
    rocket = found["rocket.jpg"].output
    (rendition,) = rocket["renditions"]
    assert rendition["file"] == "files/album/rocket.jpg/256-q80.webp"
    answer = product.file(run_id, rendition["file"])
    assert answer.status == 200 and answer.header("content-type") == "image/webp"
    assert Image.open(io.BytesIO(answer.body)).size == (256, 171)
    told = json.loads(product.file(run_id, rocket["metadata"]).body)
    assert told["width"] == 640 and told["hash"] == rocket["hash"]

    listed = {file["name"]: file for file in product.results(run_id)["files"]}
    sheet = Image.open(io.BytesIO(product.file(run_id, "contact-sheet.png").body))
    assert sheet.size == (5 * 204 + 4, 204 + 4)
    index = product.file(run_id, "index.json").json
    assert [one["name"] for one in index["photos"]] == [f"album/{n}" for n in photos()]
    assert (
        b'<img src="files/album/rocket.jpg/thumbnail.jpg"'
        in product.file(run_id, "index.html").body
    )
    assert listed["index.html"]["count"] == 5


def test_a_redrive_keeps_the_files_and_adds_what_was_repaired(product: Product):
    product.upload(photos()["rocket.jpg"], "repair/whole.jpg")
    product.upload(b"not yet", "repair/late.jpg")
    run_id = fresh_id("repair")
    product.run(request(product, "repair/", run_id=run_id))
    before = [name for name in product.blobs_of(run_id) if "/results/files/" in name]
    assert len(before) == 3
    product.host.request("POST", f"/api/runs/{run_id}/redrive", b"{}")
    product.until(run_id, lambda s: s["redrive_count"] == 1 and s["phase"] == "done")
    after = [name for name in product.blobs_of(run_id) if "/results/files/" in name]
    assert after == before
    assert product.host.request("DELETE", f"/api/runs/{run_id}").status == 204
    assert product.blobs_of(run_id) == []


ELSEWHERE = [
    "files/../request.json",
    "files/%2e%2e/%2e%2e/request.json",
    "files//",
    "../request.json",
    "files/album/../../request.json",
]


def test_result_files_lead_nowhere_else(product: Product, folder: str):
    run_id = fresh_id("guarded")
    product.run(request(product, folder, run_id=run_id))
    for name in ELSEWHERE:
        assert product.file(run_id, name).status == 404, name


def test_photos_come_from_blobs_only(product: Product):
    asked = {"workload": "images", "source": {"kind": "inline", "items": [{"name": "x"}]}}
    answer = product.post(asked)
    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == "source.kind"
