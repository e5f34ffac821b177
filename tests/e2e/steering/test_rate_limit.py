"""The rate of a downstream holds over all runs that call it."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.hosts.product import Product
from tests.support.hosts.running_product import product_on

pytestmark = pytest.mark.needs_settings
RATE = 40
ITEMS = 120
BATCH = 10


class Shop:
    """A server that notes when it was called."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.calls.append(time.monotonic())
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep the test's output to itself."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture
def limited(storage: str, tmp_path: Path) -> Iterator[Product]:
    settings = {"FANOUT_DOWNSTREAM_RATES": f"shop={RATE}", "FANOUT_RUNS_CONTAINER": "limited"}
    with product_on(storage, tmp_path, **settings) as product:
        yield product


def test_two_runs_together_call_their_downstream_no_faster_than_it_allows(
    limited: Product, shop: Shop
):
    request = {
        "workload": "caller",
        "source": {"kind": "inline", "items": [{"id": n} for n in range(ITEMS)]},
        "parameters": {"url": shop.url},
        "batch": {"max_items": BATCH},
        "concurrency": {"batches": 2},
    }
    runs = [limited.post(request).json["run_id"] for _ in range(2)]
    assert [limited.done(run_id)["outcome"] for run_id in runs] == ["succeeded"] * 2
    assert len(shop.calls) == 2 * ITEMS
    # All but the last wave had to wait for those before it, however fast the machine is.
    took = shop.calls[-1] - shop.calls[0]
    assert took >= (2 * ITEMS - 2 * 2 * BATCH) / RATE
    circuit = limited.host.get("/api/health").json["circuits"]["shop"]
    assert (circuit["state"], circuit["items_per_second"]) == ("closed", RATE)
    assert circuit["booked_until"] is not None
