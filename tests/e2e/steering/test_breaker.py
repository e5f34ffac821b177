"""A downstream that is down slows a run; it costs no item its attempts."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.hosts.product import Product

pytestmark = pytest.mark.needs_same_machine
ITEMS = 2_000
OUTAGE_SECONDS = 20.0
MAX_ATTEMPTS = 4


@dataclass
class Shop:
    """A server that is down for a while from the first call on.

    Attributes:
        refused: How many calls it has refused, and `served` how many it has served, by item.
    """

    url: str = ""
    up_at: float | None = None
    refused: int = 0
    served: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def status(self, path: str) -> int:
        with self.lock:
            now = time.monotonic()
            if self.up_at is None:
                self.up_at = now + OUTAGE_SECONDS
            if now < self.up_at:
                self.refused += 1
                return 503
            self.served.append(path)
            return 200


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(shop.status(self.path))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output to itself."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_run_outlasts_an_outage_and_the_downstream_is_spared(product: Product, shop: Shop):
    policy = {"max_attempts": MAX_ATTEMPTS, "base_seconds": 0.1, "jitter_seconds": 0.1}
    request = {
        "workload": "caller",
        "source": {"kind": "inline", "items": [{"id": n} for n in range(ITEMS)]},
        "parameters": {"url": shop.url},
        "batch": {"max_items": 20},
        "retry": policy,
    }
    run_id = product.post(request).json["run_id"]
    circuit = product.host.get("/api/health").json["circuits"]["shop"]
    while circuit["state"] == "closed":
        circuit = product.host.get("/api/health").json["circuits"]["shop"]
    assert circuit["since"] is not None
    status = product.until(run_id, lambda one: one["phase"] == "done")
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", ITEMS)
    assert sorted(shop.served) == sorted({f"/{n}" for n in range(ITEMS)})
    # Without the breaker each item would have spent all its attempts while the shop was down.
    assert shop.refused <= 0.05 * ITEMS * MAX_ATTEMPTS
    assert product.host.get("/api/health").json["circuits"]["shop"]["state"] == "closed"
