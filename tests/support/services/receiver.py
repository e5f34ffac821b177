"""An HTTP server that takes webhooks, keeps them, and answers each path as a test says."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.services.serving import serve


@dataclass(frozen=True)
class Received:
    """A request as it came; header names are lower-case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Receiver(ThreadingHTTPServer):
    """Answers each path with its answers in turn, the last one again and again; else with 200."""

    daemon_threads = True

    def __init__(self, answers: Mapping[str, Sequence[Said]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {path: list(said) for path, said in answers.items()}
        self.received: list[Received] = []
        self.lock = threading.Lock()

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def at(self, path: str) -> list[Received]:
        """What came to a path."""
        return [request for request in self.received if request.path == path]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.lock:
            self.server.received.append(Received(self.path, headers, body))
            queued = self.server.answers.get(self.path, [Said()])
            said = queued.pop(0) if len(queued) > 1 else queued[0]
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: what came is in `received`."""


@contextmanager
def receiving(answers: Mapping[str, Sequence[Said]] | None = None) -> Iterator[Receiver]:
    """Serve on a free port."""
    receiver = Receiver(answers or {})
    with serve(receiver):
        yield receiver
