"""An exchange with storage that takes too long is ended, and half an answer is none."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from azure.core.exceptions import AzureError

from fanout.adapters import connections
from fanout.adapters.blob import ONE_QUICK_TRY, BlobStore
from fanout.adapters.patience import Patience
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from tests.support.hostile.dripping import dripping

WHOLE = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Length: 0\r\n"
    b'ETag: "0x8D1"\r\n'
    b"Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    b"x-ms-blob-type: BlockBlob\r\n"
    b"\r\n"
)
DRIPS = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\nContent-Range: bytes 0-9998/9999\r\n\r\n"
# Nothing of the first line is an answer that cannot be told from none.
CUTS = [*range(len(b"HTTP/1.1 200 OK\r\n"), len(WHOLE) - 1, 3)]


class _Raw(BaseHTTPRequestHandler):
    answer: ClassVar[bytes]

    def do_HEAD(self) -> None:
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def answering(answer: bytes) -> Iterator[StorageSettings]:
    handler = type("Handler", (_Raw,), {"answer": answer})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield storage_at(server.server_address[1])
        server.shutdown()


def storage_at(port: int) -> StorageSettings:
    url = f"http://127.0.0.1:{port}/account"
    return StorageSettings(
        f"AccountName=account;AccountKey=a2V5;BlobEndpoint={url};TableEndpoint={url}"
    )


def client(storage: StorageSettings) -> Any:
    return BlobStore.connect(storage)._blob("things", "one")


def ask(storage: StorageSettings) -> object:
    return client(storage).get_blob_properties(**ONE_QUICK_TRY).etag


def test_a_whole_answer_is_taken():
    with answering(WHOLE) as storage:
        assert ask(storage) == '"0x8D1"'


@pytest.mark.parametrize("cut", CUTS)
def test_an_answer_whose_head_is_cut_off_is_none(cut: int):
    with answering(WHOLE[:cut]) as storage, pytest.raises(AzureError):
        ask(storage)


@pytest.mark.timeout(60)
def test_an_exchange_ends_whatever_patience_there_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "MAX_EXCHANGE_SECONDS", 0.5)
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.02)
    with dripping(DRIPS, b"x") as port:
        with pytest.raises(AzureError):
            TableStore.connect(storage_at(port)).ping("things")
        with pytest.raises(AzureError):
            client(storage_at(port)).download_blob(retry_total=0).readall()


def test_exchanges_that_have_ended_are_not_watched_any_more():
    with answering(WHOLE) as storage:
        store = BlobStore.connect(storage)
        for _ in range(5):
            store.properties("things", "one")
    assert not connections._watch()._exchanges


@pytest.mark.timeout(30)
def test_a_connection_may_be_closed_by_whoever_is_at_the_watch():
    watch = connections.Watch()
    with socket.socket() as sock, socket.socket() as other:
        patience = Patience(end=-1.0)

        class Closing(Patience):
            def spend(self, seconds: float) -> None:
                watch.end(other)  # as the collector does, at any moment

        watch._exchanges[sock] = (0.0, Closing(), 1.0)
        watch._exchanges[other] = (0.0, patience, 1.0)
        thread = threading.Thread(target=watch._end_late, daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive() and not watch._exchanges
