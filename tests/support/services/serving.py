"""A server of `socketserver` in a thread, which ends with the test that needs it."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_POLL_SECONDS = 0.02


@contextmanager
def serve(server: socketserver.TCPServer) -> Iterator[int]:
    """Serve, and give the port, until it is over for whatever reason."""
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    with server:
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
