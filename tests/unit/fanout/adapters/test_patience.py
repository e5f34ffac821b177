"""Clients of storage give up when the patience of whoever they work for ends."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from fanout.adapters import connections
from fanout.adapters.blob import BlobStore
from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.patience import (
    PatienceError,
    current_patience,
    limit_patience,
    limit_waiting,
)
from fanout.adapters.settings import StorageSettings
from fanout.adapters.side_by_side import side_by_side
from fanout.adapters.tables import TableStore, Write
from fanout.adapters.transport import wait
from tests.support.hostile.dripping import dripping
from tests.support.hosts.silent import busy_port, silent_port

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nContent-Range: bytes 0-99999/100000\r\n"
SECONDS = 0.2
# Clients that nobody bounds take minutes.
MOST_SECONDS = 20.0


def storage_at(port: int) -> StorageSettings:
    url = f"http://127.0.0.1:{port}/account"
    return StorageSettings(
        f"AccountName=account;AccountKey=a2V5;BlobEndpoint={url};TableEndpoint={url}"
    )


@contextmanager
def dripping_head() -> Iterator[int]:
    with dripping(b"HTTP/1.1 200 OK\r\nx-ms-name: ", b"x") as port:
        yield port


@contextmanager
def dripping_body() -> Iterator[int]:
    with dripping(HEAD + b"\r\n", b"x") as port:
        yield port


@pytest.fixture(params=[silent_port, busy_port, dripping_head, dripping_body])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Storage that never answers, says that it is busy, or drips."""
    with request.param() as port:
        yield port


CALLS: list[Callable[[StorageSettings], Any]] = [
    lambda at: BlobStore.connect(at).read("things", "one"),
    lambda at: BlobStore.connect(at).open("things", "one"),
    lambda at: [*BlobStore.connect(at).names("things", "")],
    lambda at: BlobStore.connect(at).write("things", "one", b"x"),
    lambda at: TableStore.connect(at).read("things", "p", ["r"]),
    lambda at: TableStore.connect(at).read_all("things", "p"),
    lambda at: TableStore.connect(at).write("things", "p", [Write("r", {"a": 1})]),
    lambda at: TableStore.connect(at).delete("things", "p", ["r", "s"]),
]


LIMITED = [(call, limit_patience) for call in CALLS] + [
    (call, limit_waiting) for call in CALLS[::4]
]


@pytest.fixture(autouse=True)
def frequent_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.02)


@pytest.mark.parametrize(("call", "limit"), LIMITED)
@pytest.mark.timeout(MOST_SECONDS)
def test_no_call_goes_on_for_longer_than_there_is_patience(port: int, call: Any, limit: Any):
    with pytest.raises(Exception) as raised, limit(SECONDS):
        call(storage_at(port))
    assert is_infrastructure(raised.value)


@pytest.mark.timeout(MOST_SECONDS)
def test_threads_that_work_for_somebody_have_that_patience():
    with silent_port() as port, limit_patience(SECONDS):
        store = BlobStore.connect(storage_at(port))
        with pytest.raises(PatienceError):
            side_by_side(*(lambda: store.read("things", "one") for _ in range(4)))


def test_who_waits_in_vain_between_tries_does_not_wait_at_all():
    with limit_patience(30), pytest.raises(PatienceError):
        wait(31)


def test_good_answers_cost_no_patience_and_waiting_does():
    with limit_waiting(5):
        patience = current_patience()
        wait(0.01)
        assert patience.waiting_seconds == pytest.approx(4.99)
        patience.spend(5)
        with pytest.raises(PatienceError):
            wait(0)


def test_patience_is_that_of_the_context_and_ends_with_it():
    found: list[float] = []

    def look() -> None:
        found.append(current_patience().remaining())

    with limit_patience(5):
        thread = threading.Thread(target=look)  # of nobody's context
        thread.start()
        thread.join()
        assert 0 < current_patience().remaining() <= 5
    look()
    assert found == [float("inf")] * 2


def test_an_end_that_has_passed_is_no_time_at_all():
    with limit_patience(0), pytest.raises(PatienceError):
        time.sleep(0.001)
        current_patience().remaining()
