"""Items read the blobs of the container that their source names."""

from typing import Any

import pytest

from activities.batches.item_files import RunItemFiles
from fanout.adapters.run_files.files import RunFiles
from fanout.models.request import RunRequest
from tests.support.doubles.memory_store import MemoryStore

MANIFEST = {"kind": "manifest", "container": "lists", "blob": "photos.jsonl"}


@pytest.mark.parametrize(
    ("source", "container"),
    [
        (MANIFEST, "lists"),
        (MANIFEST | {"items_container": "photos"}, "photos"),
        ({"kind": "listing", "container": "inbox"}, "inbox"),
        ({"kind": "inline", "items": []}, None),
    ],
)
def test_they_are_those_of_the_items_container_or_else_of_the_source(
    source: dict[str, Any], container: str | None
):
    request = RunRequest.model_validate({"workload": "images", "source": source})
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    assert RunItemFiles.for_run(request, "r", files).container == container
