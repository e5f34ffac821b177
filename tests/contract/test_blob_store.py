"""What Fanout asks of a store of blobs, of the real one on Azurite and of the double alike."""

import hashlib
import secrets
from typing import Any

import pytest
import requests
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

from activities.batches.item_files import RunItemFiles
from fanout.adapters.blob import BlobExistsError, BlobStore
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import StorageSettings
from tests.support.doubles.memory_store import MemoryStore

MIB = 1_048_576


@pytest.fixture(params=["azurite", "memory"])
def store(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryStore()
    connection = request.getfixturevalue("storage")
    return BlobStore.connect(StorageSettings(connection_string=connection))


@pytest.fixture
def container() -> str:
    return f"c{secrets.token_hex(6)}"


def etag(store: Any, container: str, blob: str) -> str:
    found = store.properties(container, blob)
    assert found is not None
    return str(found.etag)


def test_what_is_written_is_read_and_the_container_is_made(store: Any, container: str):
    store.write(container, "a/b.txt", b"0123456789", media_type="text/plain")
    assert store.read(container, "a/b.txt") == b"0123456789"
    assert store.properties(container, "a/b.txt").size == 10


def test_a_range_is_read_from_its_offset(store: Any, container: str):
    store.write(container, "b", b"0123456789")
    assert store.read(container, "b", offset=3, length=4) == b"3456"
    assert store.read(container, "b", offset=0, length=2) == b"01"
    assert store.read(container, "b", offset=8) == b"89"
    assert b"".join(store.stream(container, "b", offset=2, length=5)) == b"23456"


def test_a_stream_gives_eight_mebibytes_at_a_time(store: Any, container: str):
    data = bytes(range(256)) * (9 * MIB // 256)
    store.write(container, "b", data)
    pieces = list(store.stream(container, "b"))
    assert [len(piece) for piece in pieces] == [8 * MIB, MIB]
    assert b"".join(pieces) == data


def test_an_empty_blob_reads_as_nothing(store: Any, container: str):
    store.write(container, "b", b"")
    assert store.read(container, "b") == b""
    assert list(store.stream(container, "b")) in ([], [b""])


def test_writing_again_gives_another_etag(store: Any, container: str):
    before = store.write(container, "b", b"one")
    assert etag(store, container, "b") == before
    again = store.write(container, "b", b"two")
    assert etag(store, container, "b") == again != before


def test_another_version_than_the_one_asked_for_is_not_read(store: Any, container: str):
    store.write(container, "b", b"one")
    before = etag(store, container, "b")
    assert store.read(container, "b", etag=before) == b"one"
    store.write(container, "b", b"two")
    with pytest.raises(ResourceModifiedError):
        store.read(container, "b", offset=0, length=2, etag=before)
    with pytest.raises(ResourceModifiedError):
        list(store.stream(container, "b", etag=before))


def test_what_is_missing_has_no_properties_and_cannot_be_read(store: Any, container: str):
    assert store.properties(container, "b") is None
    store.write(container, "other", b"")
    assert store.properties(container, "b") is None
    with pytest.raises(ResourceNotFoundError):
        store.read(container, "b")


@pytest.mark.parametrize("size", [0, 10, 9 * MIB + 7])
def test_a_blob_that_is_opened_tells_its_properties_and_is_read_whole(
    store: Any, container: str, size: int
):
    data = secrets.token_bytes(size)
    store.write(container, "b", data, metadata={"by": "hand"})
    opened = store.open(container, "b")
    assert opened.read() == data
    found = store.properties(container, "b")
    assert (opened.properties.size, opened.properties.etag) == (size, found.etag)
    assert opened.properties.last_modified == found.last_modified
    assert opened.properties.metadata == {"by": "hand"}


def test_what_is_missing_cannot_be_opened(store: Any, container: str):
    assert store.open(container, "b") is None
    store.write(container, "other", b"")
    assert store.open(container, "b") is None


def test_the_rest_of_an_opened_blob_is_of_the_same_version(store: Any, container: str):
    store.write(container, "b", bytes(9 * MIB))
    opened = store.open(container, "b")
    store.write(container, "b", b"1" * 9 * MIB)
    with pytest.raises(ResourceModifiedError):
        opened.read()


def test_an_item_reads_a_blob_of_the_usual_size_in_one_request(
    storage: str, container: str, monkeypatch: pytest.MonkeyPatch
):
    store = BlobStore.connect(StorageSettings(connection_string=storage))
    store.write(container, "photo", bytes(2 * MIB))
    sent: list[str] = []
    send = requests.Session.request

    def note(session: requests.Session, method: str, *arguments: Any, **options: Any) -> Any:
        sent.append(method)
        return send(session, method, *arguments, **options)

    monkeypatch.setattr(requests.Session, "request", note)
    item_files = RunItemFiles(RunFiles(store, container), "run", container)
    assert item_files.read("photo", 2 * MIB) == bytes(2 * MIB)
    assert sent == ["GET"]


@pytest.mark.parametrize("is_there", [True, False])
def test_only_the_first_conditional_write_wins(store: Any, container: str, is_there: bool):
    if is_there:
        store.write(container, "other", b"")
    store.write(container, "b", b"first", if_none_match=True)
    with pytest.raises(BlobExistsError):
        store.write(container, "b", b"second", if_none_match=True)
    assert store.read(container, "b") == b"first"


def test_names_come_in_order_below_their_prefix(store: Any, container: str):
    assert list(store.names(container, "")) == []
    for name in ("r/b", "r/a", "r2/a", "q"):
        store.write(container, name, b"")
    assert list(store.names(container, "r/")) == ["r/a", "r/b"]


@pytest.mark.parametrize("size", [0, 10, 4 * MIB, 9 * MIB + 7])
def test_a_blob_written_in_pieces_shows_whole_when_it_is_closed(
    store: Any, container: str, size: int
):
    store.write(container, "other", b"")
    data = secrets.token_bytes(size)
    writer = store.open_writer(container, "b", "application/jsonl")
    for begin in range(0, size, 1_000_003):
        writer.write(data[begin : begin + 1_000_003])
    assert store.properties(container, "b") is None
    assert writer.size == size
    assert writer.close() == hashlib.md5(data).hexdigest()
    assert store.read(container, "b") == data


def test_the_real_store_answers_a_ping_and_keeps_media_type_and_md5(storage: str, container: str):
    store = BlobStore.connect(StorageSettings(connection_string=storage))
    store.ping(container)
    store.ping(f"{container}-not-there")
    store.write(container, "b", b"{}", media_type="application/json")
    found = store._service.get_blob_client(container, "b").get_blob_properties()
    assert found.content_settings.content_type == "application/json"
    assert found.content_settings.content_md5 == bytearray(hashlib.md5(b"{}").digest())


def test_a_listing_tells_of_each_blob_in_order(store: Any, container: str):
    store.write(container, "in/b", b"12", media_type="image/png")
    store.write(container, "in/a", b"1", media_type="text/plain")
    store.write(container, "out", b"")
    listed = list(store.entries(container, "in/"))
    assert [(e.name, e.size, e.content_type) for e in listed] == [
        ("in/a", 1, "text/plain"),
        ("in/b", 2, "image/png"),
    ]
    assert [e.etag for e in listed] == [etag(store, container, e.name) for e in listed]
    assert all(e.last_modified.tzinfo is not None and not e.is_folder for e in listed)
    with pytest.raises(ResourceNotFoundError):
        list(store.entries(container + "x", ""))


@pytest.mark.parametrize("sizes", [(5 * MIB, 9 * MIB), (10, 20), (0, 0)])
def test_of_two_writers_the_first_to_close_wins_whole(
    store: Any, container: str, sizes: tuple[int, int]
):
    store.write(container, "other", b"")
    first, second = (store.open_writer(container, "b", "text/plain") for _ in range(2))
    first.write(b"1" * sizes[0])
    second.write(b"2" * sizes[1])
    first.close(if_none_match=True)
    with pytest.raises(BlobExistsError):
        second.close(if_none_match=True)
    assert store.read(container, "b") == b"1" * sizes[0]


def test_what_is_written_down_beside_a_blob_is_told_with_when_it_was_written(
    store: Any, container: str
):
    store.write(container, "a", b"1", metadata={"claimed_at": "2026-01-01T00:00:00Z"})
    store.write(container, "b", b"2")
    first, second = (store.properties(container, name) for name in "ab")
    assert (first.metadata, second.metadata) == ({"claimed_at": "2026-01-01T00:00:00Z"}, {})
    assert first.last_modified.tzinfo is not None
    assert first.last_modified <= second.last_modified
    store.write(container, "a", b"3")
    assert store.properties(container, "a").metadata == {}


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_folders_are_listed_in_parts_each_folder_once(store: Any, container: str, limit: int):
    names = ["a/1", "a/x/2", "a-b/1", "b", "c.d/1", "c.d/2", "~e/1"]
    for name in names:
        store.write(container, name, b"")
    folders: list[str] = []
    token, calls = None, 0
    while calls == 0 or token is not None:
        some, token = store.folders(container, token, limit)
        assert len(some) <= limit
        folders += some
        calls += 1
    assert sorted(folders) == ["a", "a-b", "c.d", "~e"]
    assert calls < 10


def test_a_container_that_does_not_exist_has_no_folders(store: Any, container: str):
    assert store.folders(container, None, 10) == ([], None)
