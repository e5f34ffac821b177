"""Stands before a storage account and, for some time, gives bad answers at places that are drawn.

A request that gets one may have been carried out, or not: the answer does not tell.
"""

import contextlib
import http.client
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

# By status: the words of the service for it, of blobs and of tables alike.
CODES = {
    403: "AuthorizationFailure",
    409: "ContainerBeingDeleted",
    412: "LeaseIdMissing",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServerBusy",
}
STATUSES = tuple(str(status) for status in CODES)
# A body that ends in the middle; a connection that ends before a request is carried out, or after.
HALF, LOST_BEFORE, LOST_AFTER = "half", "lost-before", "lost-after"
# A connection on which nothing comes, one on which bytes come one by one, and a 503 that has the
# client wait for long.
SILENT, DRIP, BUSY_FOR_LONG = "silent", "drip", "busy-for-long"
BRIEF = (*STATUSES, HALF, LOST_BEFORE, LOST_AFTER)
SLOW = (SILENT, DRIP, BUSY_FOR_LONG)
BLOBS, TABLES = "BlobEndpoint", "TableEndpoint"
WAIT_SECONDS = 30
DROP_SECONDS = 0.2
# Of the connection between two, and not of the answer.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass
class Trouble:
    """Bad answers, while there are some.

    Attributes:
        share: Of requests that get one.
        answers: What is given.
        places: Whose requests get one.
        given: How many of each there were.
        is_over: Set when nothing is held up any more.
    """

    chance: random.Random
    share: float = 0.0
    answers: Sequence[str] = BRIEF
    places: Sequence[str] = (BLOBS, TABLES)
    given: Counter[str] = field(default_factory=Counter)
    is_over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self, place: str) -> str | None:
        """The bad answer that a request gets; None passes it on."""
        with self.lock:
            if place not in self.places or self.chance.random() >= self.share:
                return None
            answer = self.chance.choice(self.answers)
            self.given[answer] += 1
            return answer

    def draws_effect(self, answer: str) -> bool:
        """Whether a request that gets a bad answer is carried out all the same."""
        if answer in (LOST_BEFORE, SILENT):
            return False
        with self.lock:
            return answer in (HALF, LOST_AFTER, DRIP) or self.chance.random() < 0.5


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, place: str, target: tuple[str, int], trouble: Trouble) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.place, self.target, self.trouble = place, target, trouble

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Drops:
    """A file that is written byte by byte."""

    def __init__(self, file: Any, is_over: threading.Event) -> None:
        self._file, self._is_over = file, is_over

    def write(self, data: bytes) -> None:
        for byte in data:
            self._is_over.wait(DROP_SECONDS)
            self._file.write(bytes([byte]))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Proxy

    def _pass_on(self) -> None:
        body = self._read_body()
        trouble = self.server.trouble
        bad = trouble.draw(self.server.place)
        if bad is not None and not trouble.draws_effect(bad):
            self._give(bad)
            return
        with self._carry_out(body) as (answer, data):
            if bad is None or bad in (HALF, DRIP):
                self._answer(answer, data, bad)
            else:
                self._give(bad)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_MERGE = do_OPTIONS = _pass_on

    @contextlib.contextmanager
    def _carry_out(self, body: bytes) -> Iterator[tuple[http.client.HTTPResponse, bytes]]:
        connection = http.client.HTTPConnection(*self.server.target, timeout=60)
        with contextlib.closing(connection):
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in ("transfer-encoding", "content-length"):
                    connection.putheader(name, value)
            if body or self.command in ("PUT", "POST", "PATCH", "MERGE"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            yield answer, answer.read()

    def _give(self, bad: str) -> None:
        """Give an answer that says nothing of what was asked, or none."""
        if bad == SILENT:
            self.server.trouble.is_over.wait()
        if bad in (SILENT, LOST_BEFORE, LOST_AFTER):
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        elif bad == BUSY_FOR_LONG:
            self._refuse(503, WAIT_SECONDS)
        else:
            self._refuse(int(bad))

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _answer(self, answer: http.client.HTTPResponse, data: bytes, bad: str | None) -> None:
        if bad == DRIP:
            self.wfile: Any = _Drops(self.wfile, self.server.trouble.is_over)
            self.close_connection = True
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        if length is not None and answer.status not in (204, 304):
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(data[: len(data) // 2] if bad == HALF else data)
        self.close_connection = self.close_connection or bad == HALF

    def _refuse(self, status: int, wait_seconds: int | None = None) -> None:
        code = CODES[status]
        body = f'{{"odata.error":{{"code":"{code}","message":{{"value":"no"}}}}}}'.encode()
        self.send_response_only(status)
        if wait_seconds is not None:
            self.send_header("Retry-After", str(wait_seconds))
        self.send_header("x-ms-error-code", code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A test says what it wants to know."""


@contextlib.contextmanager
def bad_storage(connection: str, trouble: Trouble) -> Iterator[str]:
    """Put a proxy before the blobs and tables of an account; gives the string to connect by."""
    words = dict(word.split("=", 1) for word in connection.split(";") if word)
    with contextlib.ExitStack() as stack:
        stack.callback(trouble.is_over.set)
        for name in (BLOBS, TABLES):
            url = urlsplit(words[name])
            proxy = _Proxy(name, (url.hostname or "127.0.0.1", url.port or 80), trouble)
            stack.callback(proxy.server_close)
            stack.callback(proxy.shutdown)
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            words[name] = f"http://127.0.0.1:{proxy.server_address[1]}{url.path}"
        yield "".join(f"{name}={value};" for name, value in words.items())
