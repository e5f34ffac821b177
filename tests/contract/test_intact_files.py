"""Parts with their digests, on Azurite and on the double alike."""

import secrets
from typing import Any

import pytest

from fanout.adapters.blob import BlobStore
from fanout.adapters.run_files.files import RunFiles, keep_manifest
from fanout.adapters.run_files.intact import (
    find_part,
    read_part,
    read_part_with_partial,
    write_part,
)
from fanout.adapters.settings import StorageSettings
from fanout.errors import DamagedFileError
from fanout.models.plan import PlanManifest
from fanout.naming import blob_paths
from tests.support.doubles.memory_store import MemoryStore

# Longer than one request reads.
LONG = 9 * 1_048_576
LINES = b'{"status":"succeeded","index":0}\n' * 3


@pytest.fixture(params=["azurite", "memory"])
def files(request: pytest.FixtureRequest) -> RunFiles:
    store: Any = MemoryStore()
    if request.param == "azurite":
        connection = request.getfixturevalue("storage")
        store = BlobStore.connect(StorageSettings(connection_string=connection))
    return RunFiles(store, f"c{secrets.token_hex(6)}")


@pytest.fixture
def part(files: RunFiles) -> str:
    """The path of a part of a run whose parts have digests."""
    manifest = PlanManifest(items=3, cuts=1, partitions=1, cuts_per_partition=1, has_digests=True)
    keep_manifest(files, "r", blob_paths.FIRST, manifest)
    return blob_paths.part_path("r", blob_paths.FIRST, blob_paths.BatchName(0, 0))


@pytest.mark.parametrize("lines", [b"", LINES, b"x" * LONG], ids=["empty", "short", "long"])
def test_what_is_written_is_read(files: RunFiles, part: str, lines: bytes):
    assert find_part(files, part) is None
    assert write_part(files, part, lines)
    assert read_part(files, part) == lines
    assert not write_part(files, part, b"later")
    assert find_part(files, part) == lines


@pytest.mark.parametrize(
    "damaged", [b"", LINES[:-1], LINES[: len(LINES) // 2], LINES.replace(b"0", b"1"), LINES + b"\n"]
)
@pytest.mark.parametrize("keeps_digest", [False, True])
def test_what_is_damaged_is_not(files: RunFiles, part: str, damaged: bytes, keeps_digest: bool):
    write_part(files, part, LINES)
    found = files.store.properties(files.container, part)
    assert found is not None
    files.write(part, damaged, metadata=found.metadata if keeps_digest else None)
    with pytest.raises(DamagedFileError, match=part):
        read_part(files, part)


def test_a_partial_goes_with_its_part(files: RunFiles, part: str):
    partial = blob_paths.partial_path(part)
    write_part(files, part, LINES, b"sum")
    assert read_part_with_partial(files, part, partial) == (LINES, b"sum")
    files.delete(partial)
    with pytest.raises(DamagedFileError, match=f"{partial}' is gone"):
        read_part_with_partial(files, part, None)


def test_a_part_takes_the_partial_that_was_first(files: RunFiles, part: str):
    write_part(files, part.replace("b0000", "b0001"), LINES, b"other")
    files.write(blob_paths.partial_path(part), b"")
    files.delete(blob_paths.partial_path(part))
    assert write_part(files, part, LINES, b"sum")
    files.delete(part)
    assert write_part(files, part, LINES, b"sum again")
    assert read_part_with_partial(files, part, None) == (LINES, b"sum")


def test_what_an_earlier_version_wrote_is_taken_as_it_is(files: RunFiles, part: str):
    manifest = PlanManifest(items=3, cuts=1, partitions=1, cuts_per_partition=1)
    keep_manifest(files, "r", blob_paths.FIRST, manifest)
    files.write(part, LINES)
    assert read_part(files, part) == LINES
