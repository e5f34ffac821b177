"""A server that answers with given bytes, be they HTTP or not, and closes the connection."""

import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

_READ_BYTES = 65_536


class RawServer(socketserver.ThreadingTCPServer):
    """Gives its answers one after the other, and the last one again and again.

    Attributes:
        answers: What is still to be given.
        requests: How many have come.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answers: Sequence[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.requests = [*answers], 0
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def take_answer(self) -> bytes:
        """Count a request, and give its answer."""
        with self._lock:
            self.requests += 1
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Handler(socketserver.BaseRequestHandler):
    server: RawServer

    def handle(self) -> None:
        with suppress(OSError):  # who has asked may have heard enough
            head = b""
            while b"\r\n\r\n" not in head:
                read = self.request.recv(_READ_BYTES)
                if not read:
                    return
                head += read
            self.request.sendall(self.server.take_answer())


@contextmanager
def raw_server(*answers: bytes) -> Iterator[RawServer]:
    """Serve on a port of its own."""
    with RawServer(answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
