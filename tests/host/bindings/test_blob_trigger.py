"""Blob triggers of the embedded host, with a real Azurite at the other end."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from localhost.triggers.blob import CALLS_AT_ONCE, MAX_TRIES
from tests.support.hosts.host_process import HostProcess, launch, running

APP = Path(__file__).parents[1] / "apps" / "blob_app"
API_VERSION = "2025-11-05"
DEADLINE_SECONDS = 30


@dataclass
class Watched:
    """A container of its own, and what the function wrote down."""

    folder: Path
    storage: str
    container: ContainerClient

    @property
    def settings(self) -> dict[str, str]:
        return {
            "BLOBS": self.storage,
            "WATCHED": self.container.container_name,
            "SEEN": str(self.folder / "seen"),
        }

    @contextmanager
    def host(self) -> Iterator[HostProcess]:
        with running(APP, self.folder, "--no-stack", environment=self.settings) as host:
            yield host

    def seen(self) -> list[dict[str, Any]]:
        path = self.folder / "seen"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def until(self, count: int, host: HostProcess) -> list[dict[str, Any]]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(self.seen()) < count:
            assert time.monotonic() < deadline, host.log
            time.sleep(0.05)
        return self.seen()


@pytest.fixture
def watched(storage: str, tmp_path: Path) -> Watched:
    blobs = BlobServiceClient.from_connection_string(storage, api_version=API_VERSION)
    return Watched(tmp_path, storage, blobs.get_container_client(f"watched-{secrets.token_hex(4)}"))


def test_each_version_of_a_blob_is_handed_over_once_with_what_is_known_of_it(watched: Watched):
    with watched.host() as host:
        watched.container.create_container()  # the host waits for it
        watched.container.upload_blob("a/one.txt", b"first", metadata={"from": "test"})
        watched.container.upload_blob("a/one.csv", b"not taken")
        (told,) = watched.until(1, host)
        assert (told["data"], told["length"], told["metadata"]) == ("first", 5, {"from": "test"})
        assert told["name"] == f"{watched.container.container_name}/a/one.txt"
        assert told["uri"].endswith("/a/one.txt")
        watched.container.upload_blob("a/one.txt", b"second", overwrite=True)
        watched.container.upload_blob("b/deep/two.txt", b"third")
        assert {one["data"] for one in watched.until(3, host)} == {"first", "second", "third"}


def test_a_restarted_host_hands_over_what_is_new_and_nothing_again(watched: Watched):
    watched.container.create_container()
    watched.container.upload_blob("a/one.txt", b"before")
    with watched.host() as host:
        watched.until(1, host)
    watched.container.upload_blob("a/two.txt", b"while it was down")
    with watched.host() as host:
        watched.until(2, host)
        watched.container.upload_blob("a/three.txt", b"after")
        told = watched.until(3, host)
    assert [one["data"] for one in told] == ["before", "while it was down", "after"]


def test_a_blob_that_its_function_cannot_take_is_left_after_some_tries(watched: Watched):
    watched.container.create_container()
    watched.container.upload_blob("a/bad.txt", b"poison")
    with watched.host() as host:
        watched.until(MAX_TRIES, host)
        watched.container.upload_blob("a/good.txt", b"fine")
        told = watched.until(MAX_TRIES + 1, host)
        assert [one["data"] for one in told] == ["poison"] * MAX_TRIES + ["fine"]
        assert "it is left until it is written again" in host.log


def test_a_blob_that_storage_does_not_give_keeps_no_other_from_its_function(watched: Watched):
    watched.container.create_container()
    watched.container.upload_blob("a/archived.txt", b"cold")
    watched.container.get_blob_client("a/archived.txt").set_standard_blob_tier("Archive")
    for number in range(2 * CALLS_AT_ONCE):
        watched.container.upload_blob(f"b/{number:03}.txt", b"warm")
    with watched.host() as host:
        told = watched.until(2 * CALLS_AT_ONCE, host)
        assert [one["data"] for one in told] == ["warm"] * (2 * CALLS_AT_ONCE)
        assert "the blob 'a/archived.txt' is not given by storage: BlobArchived" in host.log


def test_a_function_without_its_connection_does_not_start(watched: Watched):
    settings = {**watched.settings, "BLOBS": ""}
    process, log = launch(APP, watched.folder, "--no-stack", environment=settings)
    with process:
        assert process.wait(DEADLINE_SECONDS) != 0
    assert "'BLOBS'" in log.read_text()
