"""Whether a client of storage looks at the environment."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fanout.adapters.blob import BlobStore
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from fanout.adapters.transport import transport_options

STORAGE = StorageSettings(
    connection_string="DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
    "BlobEndpoint=http://blob.invalid/a;TableEndpoint=http://table.invalid/a;"
)
NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextmanager
def refusing_server(certificate: Path | None = None) -> Iterator[tuple[int, list[str]]]:
    """A server that refuses everybody: its port, and what it is asked for.

    Args:
        certificate: A file with its certificate and key; None has it speak without TLS.
    """
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(403)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output to itself."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port, paths
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What a proxy is asked for, which `HTTP_PROXY` is to name; it lets nobody through."""
    with refusing_server() as (port, paths), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        yield paths


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a certificate of 127.0.0.1, which nobody else has signed, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(IPv4Address("127.0.0.1"))
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        made
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


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


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_the_environment_names_are_trusted_and_no_others(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, name: str
) -> None:
    for either in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(either, raising=False)
    with refusing_server(certificate) as (port, paths):
        storage = StorageSettings(
            connection_string="DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;"
            f"BlobEndpoint=https://127.0.0.1:{port}/a;TableEndpoint=https://127.0.0.1:{port}/a;"
        )
        with pytest.raises(ServiceRequestError, match="CERTIFICATE_VERIFY_FAILED"):
            BlobStore.connect(storage).ping("things")
        monkeypatch.setenv(name, str(certificate))
        for store in (TableStore.connect(storage), BlobStore.connect(storage)):
            with pytest.raises(HttpResponseError, match="Forbidden"):
                store.ping("things")
        assert len(paths) == 2


def test_certificates_are_looked_up_once() -> None:
    looked_up = transport_options({"REQUESTS_CA_BUNDLE": "/ca.pem", "CURL_CA_BUNDLE": "/no.pem"})
    assert looked_up == {"use_env_settings": False, "connection_verify": "/ca.pem"}
