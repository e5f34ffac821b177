"""A write that was carried out, and whose answer got lost, is not taken for that of another."""

import random
import secrets
from collections.abc import Iterator

import pytest

from fanout.adapters.blob import BLOCK_BYTES, BlobExistsError, BlobStore
from fanout.adapters.settings import StorageSettings
from tests.support.hostile.storage_proxy import LOST_AFTER, Trouble, bad_storage


class LostOnce(Trouble):
    """Loses one answer, that to the request of this number."""

    def __init__(self) -> None:
        super().__init__(random.Random(0))
        self.left = -1

    def lose(self, number: int) -> None:
        self.left = number

    def draw(self, place: str) -> str | None:
        self.left -= 1
        return LOST_AFTER if self.left == -1 else None


@pytest.fixture
def trouble() -> LostOnce:
    return LostOnce()


@pytest.fixture
def store(storage: str, trouble: LostOnce) -> Iterator[BlobStore]:
    with bad_storage(storage, trouble) as connection:
        yield BlobStore.connect(StorageSettings(connection_string=connection))


@pytest.fixture
def container(store: BlobStore) -> str:
    name = f"c{secrets.token_hex(6)}"
    store.write(name, "other", b"")
    return name


def test_a_blob_that_is_written_if_there_is_none_is_its_writers(
    store: BlobStore, container: str, trouble: LostOnce
):
    trouble.lose(0)
    etag = store.write(container, "one", b"1", if_none_match=True, metadata={"a": "b"})
    found = store.properties(container, "one")
    assert found is not None and found.etag == etag and found.metadata["a"] == "b"
    for data in (b"1", b"2"):
        with pytest.raises(BlobExistsError):
            store.write(container, "one", data, if_none_match=True)


@pytest.mark.parametrize("size", [1, BLOCK_BYTES + 1])
def test_a_blob_that_is_written_piece_by_piece_is_its_writers(
    store: BlobStore, container: str, trouble: LostOnce, size: int
):
    writer = store.open_writer(container, "one", "text/plain")
    writer.write(b"x" * size)
    trouble.lose(1 if size > BLOCK_BYTES else 0)
    writer.close(if_none_match=True)
    assert trouble.left < 0
    assert store.read(container, "one") == b"x" * size
    other = store.open_writer(container, "one", "text/plain")
    other.write(b"x" * size)
    with pytest.raises(BlobExistsError):
        other.close(if_none_match=True)
