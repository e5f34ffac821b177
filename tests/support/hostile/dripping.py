"""Servers that are never late for a socket's timeout, and never done."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.services.serving import serve

PAUSE_SECONDS = 0.05
# The names of the rest of an exchange are of no interest to the server: it reads whatever comes.
_READ_BYTES = 65_536


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    beginning: bytes
    drop: bytes
    is_ended: threading.Event


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            self.request.sendall(self.server.beginning)
            while not self.server.is_ended.wait(PAUSE_SECONDS):
                self.request.sendall(self.server.drop)
        except OSError:
            return


@contextmanager
def dripping(
    beginning: bytes, drop: bytes, certificate: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Serve on a port of its own: say something at once, and then a drop again and again."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.beginning, server.drop, server.is_ended = beginning, drop, threading.Event()
    if certificate is not None:
        server.socket = certificate.wrap_socket(server.socket, server_side=True)
    with serve(server) as port:
        try:
            yield port
        finally:
            server.is_ended.set()
