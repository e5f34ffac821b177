"""What is no head of an answer is a fault of the connection, and the request is sent again."""

from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.adapters import connections, transport
from fanout.adapters.blob import ONE_QUICK_TRY, BlobStore
from fanout.adapters.connections import watched_session
from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from tests.support.services.raw_answers import RawServer, raw_server

pytestmark = pytest.mark.timeout(120)
WHOLE = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Length: 0\r\n"
    b'ETag: "0x8D1"\r\n'
    b"Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    b"x-ms-blob-type: BlockBlob\r\n"
    b"\r\n"
)
OK = b"HTTP/1.1 200 OK\r\n"
REDIRECT = b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n"
STATUS_LINES = {
    "nothing": b"",
    "cut in HTTP": b"HT",
    "cut behind HTTP": b"HTTP/1.1",
    "cut in the status": b"HTTP/1.1 20",
    "cut behind the status": b"HTTP/1.1 200",
    "empty": b"\r\n\r\n",
    "blank": b" \t \r\n\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "bytes": bytes(range(256)),
    "a page": b"<html><body>502 Bad Gateway</body></html>\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a later version": b"HTTP/2 200 OK\r\n\r\n",
    "no version": b"HTTP 200 OK\r\n\r\n",
    "lower case": b"http/1.1 200 OK\r\n\r\n",
    "no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "too low": b"HTTP/1.1 99 Low\r\n\r\n",
    "too high": b"HTTP/1.1 1000 High\r\n\r\n",
    "many digits": b"HTTP/1.1 " + b"2" * 5_000 + b" OK\r\n\r\n",
    "endless": b"HTTP/1.1 200 " + b"O" * 70_000 + b"\r\n\r\n",
}
INFORMATION = {
    "nothing behind": CONTINUE + b"\r\n",
    "cut off": CONTINUE + b"X: y",
    "junk behind": CONTINUE + b"\r\njunk\r\n\r\n",
    "flood": CONTINUE + b"X: y\r\n" * 300 + b"\r\n" + WHOLE,
}
BOUNDARY = b"Content-Type: multipart/mixed; boundary"
HEADERS = {
    "many": OK + b"X: y\r\n" * 300 + b"\r\n",
    "long": OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
    "a parameter of many digits": OK + BOUNDARY + b"*" + b"1" * 5_000 + b"=x\r\n\r\n",
    "parts with and without number": OK + BOUNDARY + b"*=a; boundary*0=b\r\n\r\n",
    "a place that is none": REDIRECT + b"Location: http://[x/\r\n\r\n",
    "a place of no text": REDIRECT + b"Location: http://x/\xe9\r\n\r\n",
}
BAD = {
    f"{kind}: {name}": head
    for kind, heads in (("line", STATUS_LINES), ("100", INFORMATION), ("headers", HEADERS))
    for name, head in heads.items()
}
PAUSES = ["soon", "1e999", "nan", "-5", "9" * 400, "Fri, 99 Dec 2026 23:59:59 GMT", "5 s", "\xb2"]
# Whatever comes, with parts of heads in it.
PIECES = st.sampled_from([*BAD.values(), WHOLE, OK, CONTINUE, b"\r\n", b": ", b"Location: "])
ANSWERS = st.lists(PIECES | st.binary(max_size=30), max_size=5).map(b"".join)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport.time, "sleep", lambda _: None)


def storage_at(server: RawServer) -> StorageSettings:
    url = f"http://127.0.0.1:{server.port}/account"
    return StorageSettings(
        f"AccountName=account;AccountKey=a2V5;BlobEndpoint={url};TableEndpoint={url}"
    )


def client(server: RawServer) -> Any:
    return BlobStore.connect(storage_at(server))._blob("things", "one")


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_head_is_an_error_of_infrastructure(kind: str):
    with raw_server(BAD[kind]) as server:
        with pytest.raises(Exception) as raised:
            client(server).get_blob_properties(**ONE_QUICK_TRY)
        assert is_infrastructure(raised.value), repr(raised.value)
    assert not connections._watch()._exchanges


@pytest.mark.parametrize("kind", BAD)
def test_behind_a_bad_head_a_client_of_storage_tries_again(kind: str):
    with raw_server(BAD[kind], WHOLE) as server:
        assert client(server).get_blob_properties().etag == '"0x8D1"'
        assert server.requests == 2


@pytest.mark.parametrize("name", ["Retry-After", "retry-after-ms", "x-ms-retry-after-ms"])
@pytest.mark.parametrize("value", PAUSES)
def test_a_pause_that_is_none_keeps_nobody_from_trying_again(name: str, value: str):
    busy = f"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n{name}: {value}\r\n\r\n".encode("latin-1")
    with raw_server(busy, busy, BAD["line: nothing"]) as server:
        with pytest.raises(Exception) as raised:
            TableStore.connect(storage_at(server)).read("things", "p", ["r"])
        assert is_infrastructure(raised.value), repr(raised.value)
        assert server.requests > 2


@pytest.mark.parametrize("kind", BAD)
def test_a_session_says_so_as_well(kind: str):
    with raw_server(BAD[kind]) as server, watched_session() as session:
        with pytest.raises(requests.RequestException) as raised:
            session.get(f"http://127.0.0.1:{server.port}/", timeout=50)
        assert is_infrastructure(raised.value), repr(raised.value)


@settings(max_examples=200, deadline=None)
@given(ANSWERS)
def test_whatever_comes_is_an_answer_or_an_error_of_infrastructure(answer: bytes):
    with raw_server(answer) as server, watched_session() as session:
        try:
            session.get(f"http://127.0.0.1:{server.port}/", timeout=50, allow_redirects=False)
        except Exception as error:
            assert is_infrastructure(error), repr(error)
