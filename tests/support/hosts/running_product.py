"""The product on the host of the session, with the app of the end-to-end tests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rig.processes import REPOSITORY
from tests.support.hosts.hosts import chosen, key_at_hand
from tests.support.hosts.product import Product, client_of, new_inbox
from tests.support.live.secret_text import SecretText

APP = REPOSITORY / "tests" / "e2e" / "apps" / "probe"
MAX_REQUEST_BYTES = 100_000
SCAN_RANGE_BYTES = 200_000
# Without it the threads follow from the cores, and activities keep orchestrators waiting.
THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
_EXAMPLE = REPOSITORY / "local.settings.json.example"


@contextmanager
def product_on(
    storage: str, folder: Path, *, options: tuple[str, ...] = (), app: Path = APP, **settings: str
) -> Iterator[Product]:
    """Run the product with an inbox of its own, further settings and options of the host."""
    environment = {
        "FANOUT_STORAGE": storage,
        "FANOUT_SOURCE_CONTAINERS": "*",
        "FANOUT_MAX_REQUEST_BYTES": str(MAX_REQUEST_BYTES),
        "FANOUT_LOG_LEVEL": "WARNING",
        "FANOUT_SCAN_RANGE_BYTES": str(SCAN_RANGE_BYTES),
        THREADS: json.loads(_EXAMPLE.read_text())["Values"][THREADS],
    }
    with client_of(storage) as blobs:
        inbox = new_inbox(blobs)
        given = environment | settings
        with chosen().running(app, folder, "--no-stack", *options, environment=given) as host:
            yield Product(host, inbox, blobs, given.get("FANOUT_RUNS_CONTAINER", "runs"))


@contextmanager
def shared_product(storage: str, folder: Path, **settings: str) -> Iterator[Product]:
    """The product that runs already, whatever its settings are; else one with these settings."""
    if chosen().origin is None:
        with product_on(storage, folder, **settings) as product:
            yield product
    else:
        with client_of(storage) as blobs:
            yield Product(chosen().at_url(), new_inbox(blobs), blobs)


@contextmanager
def keyed_product_on(storage: str, folder: Path, **settings: str) -> Iterator[tuple[Product, str]]:
    """The product on a host that asks for keys, and a key; on one without keys, no key will do."""
    if chosen().origin is not None:
        with shared_product(storage, folder) as product:
            yield product, key_at_hand() or SecretText("no-key-is-asked-for")
    elif chosen().why_not("needs_keys"):
        with product_on(storage, folder, **settings) as product:
            yield product, "no-key-is-asked-for"
    else:
        with product_on(storage, folder, options=("--auth",), **settings) as product:
            keys = json.loads((folder / "data" / "keys.json").read_text())
            yield product, keys["host"]["default"]
