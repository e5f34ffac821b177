"""Exchanges of sessions end in time, and nothing else does."""

import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import sleep

import pytest
import requests
from azure.core.exceptions import AzureError
from urllib3.util.ssltransport import SSLTransport

from fanout.adapters import connections
from fanout.adapters.blob import BlobStore
from fanout.adapters.connections import watched_session
from fanout.adapters.patience import Patience
from fanout.adapters.settings import StorageSettings
from tests.support.hostile.dripping import dripping
from tests.support.services.certificates import certificate

pytestmark = pytest.mark.timeout(60)
PART = (
    b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-999999/1000000\r\n"
    b'ETag: "1"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n'
)
ENDLESS = {
    "headers": (PART + b"X: ", b"y"),
    "body": (PART + b"Content-Length: 1000000\r\n\r\n", b"y"),
    "last body": (PART + b"Connection: close\r\nContent-Length: 1000000\r\n\r\n", b"y"),
    "chunks": (PART + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n"),
    "informational answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "silence": (b"", b""),
}


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_EXCHANGE_SECONDS", 0.3)
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.02)


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_answer_that_does_not_come_to_its_end_is_an_error(kind: str):
    with (
        dripping(*ENDLESS[kind]) as port,
        watched_session() as session,
        pytest.raises(requests.RequestException),
    ):
        session.get(f"http://127.0.0.1:{port}/", timeout=50)


@pytest.mark.parametrize("kind", ["headers", "informational answers"])
def test_a_client_of_storage_waits_for_none(kind: str):
    with dripping(*ENDLESS[kind]) as port:
        store = BlobStore.connect(
            StorageSettings(
                f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
                f"BlobEndpoint=http://127.0.0.1:{port}/a;"
            )
        )
        with pytest.raises(AzureError):
            store._service.get_blob_client("c", "b").download_blob(retry_total=0).readall()


class _Late(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Keep the test's output to itself."""


@pytest.fixture
def server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Late) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(
    "drops", [(b"HTTP/1.1 200 OK\r\nX: ", b"y"), (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), (b"", b"")]
)
def test_a_tunnel_through_a_proxy_that_does_not_come_to_its_end_is_an_error(
    drops: tuple[bytes, bytes],
):
    with dripping(*drops) as port, watched_session() as session:
        proxies = {"https": f"http://127.0.0.1:{port}"}
        with pytest.raises(requests.RequestException):
            session.get("https://127.0.0.1:1/", timeout=50, proxies=proxies)
    assert not connections._watch()._exchanges


def test_a_handshake_that_does_not_come_to_its_end_takes_no_longer_than_the_timeout_as_a_whole():
    # A record of 16 KiB, in which the server says hello.
    with (
        dripping(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"\x00") as port,
        watched_session() as session,
        pytest.raises(requests.RequestException),
    ):
        session.get(f"https://127.0.0.1:{port}/", timeout=0.5)
    assert not connections._watch()._exchanges


def test_an_exchange_over_tls_is_watched(tmp_path: Path):
    file = certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    with (
        dripping(*ENDLESS["body"], certificate=tls) as port,
        watched_session() as session,
        pytest.raises(requests.RequestException),
    ):
        session.get(f"https://localhost:{port}/", timeout=50, verify=str(file))


def test_tls_within_the_tls_of_a_proxy_is_watched():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        tls = SSLTransport.__new__(SSLTransport)  # the handshakes are of no interest here
        tls.socket = ours  # type: ignore[assignment]
        connections._watch().begin(connections._socket_of(tls), Patience())
        assert ours.recv(1) == b""


def test_a_connection_that_is_idle_for_longer_is_used_again(server: int):
    with watched_session() as session:
        for _ in range(2):
            assert session.get(f"http://127.0.0.1:{server}/", timeout=50).text == "ok"
            sleep(0.5)
        (pool,) = session.adapters["http://"].poolmanager.pools._container.values()  # type: ignore[attr-defined]
        assert (pool.num_connections, pool.num_requests) == (1, 2)
