"""Which blobs a listing has, and what a manifest's lines name."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.models.source import ListingSource
from fanout.records import BlobEntry
from fanout.splitting import listing
from fanout.splitting.listing import (
    ManifestError,
    blob_name,
    is_listed,
    listing_line,
    manifest_lines,
)

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def entry(name: str, size: int = 10, *, is_folder: bool = False) -> BlobEntry:
    return BlobEntry(name, size, '"0x1"', NOON, "text/plain", is_folder)


def source(**fields: Any) -> ListingSource:
    return ListingSource(kind="listing", container="inbox", **fields)


@pytest.mark.parametrize(
    ("name", "size", "is_folder", "is_one"),
    [
        ("a/b.csv", 10, False, True),
        ("a/empty.csv", 0, False, True),
        ("a/", 0, False, False),
        ("a", 0, True, False),
        ("a/", 10, False, True),
    ],
)
def test_markers_of_folders_are_no_blobs(name: str, size: int, is_folder: bool, is_one: bool):
    assert is_listed(entry(name, size, is_folder=is_folder), source()) is is_one


@pytest.mark.parametrize(
    ("name", "alone", "with_siblings"),
    [
        ("a.txt", True, True),
        ("ab.txt", True, True),
        ("a/x.txt", True, True),
        ("ab/x.txt", False, True),
        ("a-b/c/x.txt", False, True),
    ],
)
def test_a_prefix_without_a_slash_leads_into_no_sibling_folder(
    name: str, alone: bool, with_siblings: bool
):
    assert is_listed(entry(name), source(prefix="a")) is alone
    assert is_listed(entry(name), source(prefix="a", siblings=True)) is with_siblings


def test_a_prefix_with_a_slash_takes_all_below_it():
    assert is_listed(entry("a/b/c.txt"), source(prefix="a/"))


@pytest.mark.parametrize(
    ("fields", "is_one"),
    [
        ({"suffixes": [".csv", ".txt"]}, True),
        ({"suffixes": [".csv"]}, False),
        ({"min_bytes": 10}, True),
        ({"min_bytes": 11}, False),
        ({"max_bytes": 10}, True),
        ({"max_bytes": 9}, False),
        ({"modified_since": NOON}, True),
        ({"modified_until": NOON}, False),
    ],
)
def test_bounds_of_size_are_inclusive_and_the_end_of_a_time_is_not(fields: Any, is_one: bool):
    assert is_listed(entry("a.txt"), source(**fields)) is is_one


def test_a_blob_as_an_item_has_what_the_listing_shows():
    assert json.loads(listing_line(entry("a.txt"))) == {
        "name": "a.txt",
        "size": 10,
        "etag": '"0x1"',
        "last_modified": "2026-11-29T12:00:00Z",
        "content_type": "text/plain",
    }


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_lines_of_a_manifest_keep_their_numbers_however_they_arrive(sizes: list[int]):
    data = b'\xef\xbb\xbf"a.jpg"\n\n{"name": "b.jpg", "x": 1}\nnonsense\n5\n"c.jpg"'
    pieces, rest = [], data
    for size in sizes:
        pieces, rest = [*pieces, rest[:size]], rest[size:]
    lines = list(manifest_lines([*pieces, rest]))
    assert lines == [
        b'{"name":"a.jpg"}\n',
        b"\n",
        b'{"name": "b.jpg", "x": 1}\n',
        b"nonsense\n",
        b"5\n",
        b'{"name":"c.jpg"}\n',
    ]


def test_a_line_of_a_manifest_that_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listing, "MAX_NAME_LINE_BYTES", 8)
    with pytest.raises(ManifestError, match="longer than 8 bytes"):
        list(manifest_lines([b'"a.jpg"\n"a-long', b"-name", b"-that-goes-on"]))


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"name": "a"}, "a"),
        ({"name": ""}, None),
        ({"name": 5}, None),
        ({}, None),
        ("a", None),
        (None, None),
    ],
)
def test_only_a_text_that_is_not_empty_is_a_name(item: Any, name: str | None):
    assert blob_name(item) == name
