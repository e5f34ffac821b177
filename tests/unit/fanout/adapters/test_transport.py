"""Whether a client of storage looks at the environment."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from azure.core.exceptions import HttpResponseError

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


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What a proxy is asked for, which `HTTP_PROXY` is to name; it lets nobody through."""
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
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.server_port}")
        yield paths
    server.shutdown()
    server.server_close()
    thread.join()


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


def test_certificates_are_looked_at() -> None:
    assert transport_options({"REQUESTS_CA_BUNDLE": "/ca.pem"}) == {"use_env_settings": True}
