"""Whether a client of storage looks at the environment."""

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fanout.adapters.blob import BlobStore
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from fanout.adapters.transport import transport_options

STORAGE = StorageSettings(
    connection_string="DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
    "BlobEndpoint=http://blob.invalid/a;TableEndpoint=http://table.invalid/a;"
)
NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Refusal(BaseHTTPRequestHandler):
    """Lets nobody do anything."""

    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(403)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output to itself."""


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What a proxy is asked for, which `HTTP_PROXY` is to name; it lets nobody through."""
    server = HTTPServer(("127.0.0.1", 0), Refusal)
    with _served(server), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Refusal, "paths", [])
        patch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.server_port}")
        yield Refusal.paths


@contextmanager
def _served(server: HTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The port of an HTTPS server that refuses everything, and the certificate it shows."""
    certificate, key = _self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), Refusal)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with _served(server):
        yield server.server_port, certificate


def _self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    pem = serialization.Encoding.PEM
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(pem, *plain))
    return certificate, private


def _storage_at(port: int) -> StorageSettings:
    return StorageSettings(
        connection_string="DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;"
        f"BlobEndpoint=https://127.0.0.1:{port}/a;"
    )


def test_where_there_is_nothing_to_see_nobody_looks() -> None:
    assert transport_options({}) == {"use_env_settings": False}


def test_a_proxy_that_the_environment_names_is_used(asked: list[str]) -> None:
    for store in (TableStore.connect(STORAGE), BlobStore.connect(STORAGE)):
        with pytest.raises(HttpResponseError):
            store.ping("things")
    assert [path.partition("?")[0].rpartition("/")[0] for path in asked] == [
        "http://table.invalid/a",
        "http://blob.invalid/a",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_says_something_of_proxies_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name.upper(), "localhost")
    assert transport_options({}) == {"use_env_settings": True}


def test_certificates_are_named_once() -> None:
    options = {"use_env_settings": False, "connection_verify": "/ca.pem"}
    assert transport_options({"REQUESTS_CA_BUNDLE": "/ca.pem", "CURL_CA_BUNDLE": "/b"}) == options


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_who_has_no_known_certificate_is_trusted_where_the_environment_says_so(
    monkeypatch: pytest.MonkeyPatch, tls: tuple[int, Path], name: str
) -> None:
    port, certificate = tls
    for each in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(each, raising=False)
    with pytest.raises(ServiceRequestError):
        BlobStore.connect(_storage_at(port)).ping("things")
    monkeypatch.setenv(name, str(certificate))
    with pytest.raises(HttpResponseError) as refused:
        BlobStore.connect(_storage_at(port)).ping("things")
    assert refused.value.status_code == 403
