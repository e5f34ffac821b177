"""The document of a request: settings first, and items only for whoever needs them."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from fanout.adapters.run_files import files as files_module
from fanout.adapters.run_files.files import RunFiles, forget_kept, kept_request
from fanout.adapters.run_files.request_document import (
    HEAD_BYTES,
    read_request,
    read_settings,
    write_request,
)
from fanout.adapters.sources.planning import CutOptions
from fanout.adapters.sources.reading import cut_as, read_chunk
from fanout.errors import UnreadableDocumentError
from fanout.models.plan import PlanManifest
from fanout.models.request import BatchLimits, RunRequest
from fanout.naming import blob_paths
from fanout.splitting.inline import PackedItems, cut_items
from fanout.splitting.records import parse_records
from tests.support.doubles.memory_store import MemoryStore

NAME = "r/request.json"
MANY = [{"id": number, "text": "ä" * 20, '"items":': [number]} for number in range(4_000)]
TEXT = "id,n\n" + "".join(f"{number},7\n" for number in range(20_000))
SOURCES: dict[str, dict[str, Any]] = {
    "inline": {"kind": "inline", "items": MANY},
    "text": {"kind": "text", "text": TEXT, "read": "csv"},
    "base64": {"kind": "text", "base64": b64encode(TEXT.encode()).decode(), "read": "csv"},
    "csv": {"kind": "csv", "container": "inbox", "blob": "a.csv"},
}
# What looks like the end of the settings, in the settings.
ODD = {"source": {"kind": "inline", "items": [1]}, "settings_end": "0000000009", "version": 7}


def request_of(source: Any, **more: Any) -> RunRequest:
    return RunRequest.model_validate({"workload": "w", "run_id": "r", "source": source} | more)


def settings_of(data: bytes) -> RunRequest:
    return read_settings(lambda length: data[:length], NAME).request


@pytest.fixture(params=SOURCES)
def large(request: pytest.FixtureRequest) -> RunRequest:
    return request_of(SOURCES[request.param], parameters=ODD, max_items=7)


@pytest.fixture
def files() -> RunFiles:
    forget_kept()
    return RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it


def test_it_is_a_request_for_any_reader_of_json(large: RunRequest):
    document = json.loads(write_request(large))
    assert document.pop("version") == 1
    assert document.pop("settings_end", "0").isdecimal()
    assert RunRequest.model_validate(document) == large
    assert read_request(write_request(large), NAME) == large


def test_settings_are_the_same_without_what_stands_in_the_source(large: RunRequest):
    settings = settings_of(write_request(large))
    left_out = {"source": {"items", "text", "base64"}}
    assert settings.model_dump(exclude=left_out) == large.model_dump(exclude=left_out)
    assert len(to_json(settings)) < 1_000


def test_settings_of_many_bytes_are_read_whole(large: RunRequest):
    wide = large.model_copy(update={"parameters": {"list": ["a" * 100] * 2_000}})
    assert settings_of(write_request(wide)).parameters == wide.parameters


@pytest.mark.parametrize("indent", [None, 2])
def test_what_an_earlier_version_or_somebody_else_wrote_is_read(
    large: RunRequest, indent: int | None
):
    earlier = large.model_dump_json().encode()
    assert read_request(earlier, NAME) == settings_of(earlier) == large
    anew = json.dumps(json.loads(write_request(large)), indent=indent).encode()
    assert read_request(anew, NAME) == settings_of(anew) == large


@given(st.integers(0, 300_000), st.sampled_from(sorted(SOURCES)))
def test_one_that_is_cut_off_is_refused_by_name(length: int, kind: str):
    whole = write_request(request_of(SOURCES[kind]))
    data = whole[: min(length, len(whole) - 1)]
    with pytest.raises(UnreadableDocumentError, match=NAME):
        read_request(data, NAME)


def test_a_status_reads_the_settings_alone(files: RunFiles):
    files.claim("r", request_of(SOURCES["inline"]))
    assert files.settings("r").workload == "w"
    assert files.store.bytes_read == HEAD_BYTES  # type: ignore[attr-defined]  # of the double


def test_an_activity_reads_the_document_once_and_parses_its_items_only_to_pack_them(
    files: RunFiles, monkeypatch: pytest.MonkeyPatch
):
    files.claim("r", request_of(SOURCES["inline"]))
    limits = BatchLimits(max_items=300)
    expected = cut_items(MANY, limits)
    reads, packings = [], []
    read, pack = files.store.open, PackedItems.pack
    monkeypatch.setattr(
        files.store, "open", lambda *given, **more: reads.append(1) or read(*given, **more)
    )
    monkeypatch.setattr(
        files_module.PackedItems, "pack", lambda items: packings.append(1) or pack(items)
    )
    source = kept_request(files, "r").source
    assert packings == []
    for _ in range(2):
        kept = kept_request(files, "r").source
        cuts = [*cut_as(kept, files.store, CutOptions(limits), None).cuts]  # type: ignore[arg-type]
        assert cuts == expected
        plan = PlanManifest(items=len(MANY), cuts=len(cuts), partitions=1, cuts_per_partition=99)
        chunks = [read_chunk(source, cut, plan, files.store) for cut in cuts]  # type: ignore[arg-type]
        assert [record.value for chunk in chunks for record in parse_records(chunk)] == MANY
    assert (len(reads), len(packings)) == (1, 1)


@pytest.mark.parametrize("kind", ["text", "base64"])
def test_a_text_is_read_where_it_is_needed(files: RunFiles, kind: str):
    files.claim("r", request_of(SOURCES[kind]))
    source: Any = kept_request(files, "r").source
    assert source.content == TEXT.encode()
    assert len(source.model_dump_json()) < 200


def test_a_small_request_is_kept_as_it_is(files: RunFiles):
    request = request_of({"kind": "inline", "items": [1, 2]})
    files.claim("r", request)
    assert kept_request(files, "r") == request == files.settings("r") == files.request("r")


def test_an_empty_document_is_refused_by_name(files: RunFiles):
    files.write(blob_paths.request_path("r"), b"")
    for read in (files.settings, files.request, files.settings_at_hand):
        with pytest.raises(UnreadableDocumentError, match=r"r/request\.json"):
            read("r")
