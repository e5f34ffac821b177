"""A relay before a server: what comes through it can be held, as by a network that stalls."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_READ_BYTES = 65_536


class Relay(socketserver.ThreadingTCPServer):
    """Passes on what is said on each side.

    Attributes:
        has_held: Set once something waits that a client has said.
        is_left: Set while no client is connected.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, target_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target_port = target_port
        self.has_held, self.is_left = threading.Event(), threading.Event()
        self._passes = threading.Event()
        self._passes.set()
        self._lock = threading.Lock()
        self._connections = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def hold(self) -> None:
        """Pass nothing on that clients say from now on."""
        self._passes.clear()

    def release(self) -> None:
        """Pass on all that was held, and whatever follows."""
        self._passes.set()

    def wait_to_pass(self) -> None:
        """Wait until what a client has said may be passed on."""
        if not self._passes.is_set():
            self.has_held.set()
            self._passes.wait()

    def count(self, difference: int) -> None:
        """Take note of a client that comes, or leaves."""
        with self._lock:
            self._connections += difference
            if self._connections:
                self.is_left.clear()
            else:
                self.is_left.set()


class _Handler(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        self.server.count(1)
        with socket.create_connection(("127.0.0.1", self.server.target_port)) as target:
            back = threading.Thread(target=_pass_back, args=(target, self.request), daemon=True)
            back.start()
            with suppress(OSError):
                while said := self.request.recv(_READ_BYTES):
                    self.server.wait_to_pass()
                    target.sendall(said)
            self.server.count(-1)
            _shut_down(target)
            back.join()


def _pass_back(target: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while said := target.recv(_READ_BYTES):
            client.sendall(said)
    _shut_down(client)


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):  # it has gone
        sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    """Relay what is said on a port of its own to another, on this machine."""
    with Relay(port) as relay:
        thread = threading.Thread(target=relay.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield relay
        relay.release()
        relay.shutdown()
        thread.join()
