"""Stands before a storage account and, for some time, gives bad answers at places that are drawn.

A request that gets one may have been carried out, or not: the answer does not tell.
"""

import contextlib
import http.client
import random
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
HALF = 0
# Of the connection between two, and not of the answer.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass
class Trouble:
    """Bad answers, while there are some.

    Attributes:
        share: Of requests that get one.
        given: How many of each there were; `HALF` is a body that ends in the middle.
    """

    chance: random.Random
    share: float = 0.0
    given: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self) -> int | None:
        """The bad answer that a request gets; None passes it on."""
        with self.lock:
            if self.chance.random() >= self.share:
                return None
            answer = self.chance.choice([HALF, *CODES])
            self.given[answer] += 1
            return answer

    def draws_effect(self) -> bool:
        """Whether a request that gets a bad answer is carried out all the same."""
        with self.lock:
            return self.chance.random() < 0.5


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target: tuple[str, int], trouble: Trouble) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.trouble = target, trouble

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Proxy

    def _pass_on(self) -> None:
        body = self._read_body()
        trouble = self.server.trouble
        bad = trouble.draw()
        if bad not in (None, HALF) and not trouble.draws_effect():
            self._refuse(bad or 500)
            return
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
            data = answer.read()
            if bad is None or bad == HALF:
                self._answer(answer, data, is_half=bad == HALF)
            else:
                self._refuse(bad)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_MERGE = do_OPTIONS = _pass_on

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _answer(self, answer: http.client.HTTPResponse, data: bytes, *, is_half: bool) -> None:
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
        self.wfile.write(data[: len(data) // 2] if is_half else data)
        self.close_connection = self.close_connection or is_half

    def _refuse(self, status: int) -> None:
        code = CODES[status]
        body = f'{{"odata.error":{{"code":"{code}","message":{{"value":"no"}}}}}}'.encode()
        self.send_response_only(status)
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
        for name in ("BlobEndpoint", "TableEndpoint"):
            url = urlsplit(words[name])
            proxy = _Proxy((url.hostname or "127.0.0.1", url.port or 80), trouble)
            stack.callback(proxy.server_close)
            stack.callback(proxy.shutdown)
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            words[name] = f"http://127.0.0.1:{proxy.server_address[1]}{url.path}"
        yield "".join(f"{name}={value};" for name, value in words.items())
