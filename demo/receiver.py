"""A small receiver of webhooks; it tells the first one to come again."""

import hashlib
import hmac
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

BUSY_SECONDS = 1
POLL_SECONDS = 0.05


class Receiver(ThreadingHTTPServer):
    """Receives webhooks on a free port of this machine; a context manager.

    Args:
        secret: Signs the webhooks; one with a wrong signature is refused.

    Attributes:
        accepted: The `Idempotency-Key` and body of each webhook that was accepted.
        postponed: How many were told to come again.
    """

    daemon_threads = True

    def __init__(self, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.accepted: list[tuple[str, str]] = []
        self.postponed = 0
        self._secret = secret.encode()
        self.lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL_SECONDS,))

    @property
    def origin(self) -> str:
        """The address of the receiver."""
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "Receiver":
        """Start to serve."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """Stop."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def is_signed(self, timestamp: str, signature: str, body: bytes) -> bool:
        """Whether a webhook was signed with the secret."""
        digest = hmac.new(self._secret, timestamp.encode() + b"." + body, hashlib.sha256)
        return hmac.compare_digest(signature, f"v1={digest.hexdigest()}")

    def accept(self, key: str, body: str) -> int:
        """Accept a webhook, but not the very first; return the status of the response."""
        with self.lock:
            if self.postponed == 0:
                self.postponed += 1
                return 429
            self.accepted.append((key, body))
            return 200


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        timestamp, signature = (self.headers[f"X-Fanout-{n}"] for n in ("Timestamp", "Signature"))
        if self.server.is_signed(timestamp, signature, body):
            status = self.server.accept(self.headers["Idempotency-Key"], body.decode())
        else:
            status = 401
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", str(BUSY_SECONDS))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the demo shows what came."""
