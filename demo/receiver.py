"""A small receiver of webhooks; the first that comes is told to come again."""

import hashlib
import hmac
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

BUSY_SECONDS = 1
POLL_SECONDS = 0.05


class Receiver(ThreadingHTTPServer):
    """Takes webhooks on a free port of this machine; a context manager.

    Args:
        secret: What webhooks are signed with; one without a right signature is refused.

    Attributes:
        taken: The webhooks that were taken: their `Idempotency-Key` and body.
        put_off: How many were told to come again.
    """

    daemon_threads = True

    def __init__(self, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[tuple[str, str]] = []
        self.put_off = 0
        self._secret = secret.encode()
        self.lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL_SECONDS,))

    @property
    def origin(self) -> str:
        """Where it is."""
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
        """Tell whether a webhook comes from who knows the secret."""
        signed = hmac.new(self._secret, timestamp.encode() + b"." + body, hashlib.sha256)
        return hmac.compare_digest(signature, f"v1={signed.hexdigest()}")

    def take(self, key: str, body: str) -> int:
        """Take a webhook, but the very first; return the status to answer with."""
        with self.lock:
            if self.put_off == 0:
                self.put_off += 1
                return 429
            self.taken.append((key, body))
            return 200


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        timestamp, signature = (self.headers[f"X-Fanout-{n}"] for n in ("Timestamp", "Signature"))
        if self.server.is_signed(timestamp, signature, body):
            status = self.server.take(self.headers["Idempotency-Key"], body.decode())
        else:
            status = 401
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", str(BUSY_SECONDS))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: the demo says what came."""
