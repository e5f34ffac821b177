"""The product on the host of the session with a real Azurite, seen only over HTTP and Blob."""

from collections.abc import Iterator

import pytest

from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.hosts import chosen
from tests.support.hosts.product import Product, client_of, new_inbox
from tests.support.hosts.running_product import product_on


@pytest.fixture(scope="session")
def product(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product that most tests share."""
    if chosen().origin is None:
        with product_on(storage, tmp_path_factory.mktemp("product")) as product:
            yield product
    else:
        with client_of(storage) as blobs:
            yield Product(chosen().at_url(), new_inbox(blobs), blobs)


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FanoutBus]:
    """A broker for the tests of one module."""
    bus = FanoutBus(tmp_path_factory.mktemp("bus"))
    yield bus
    bus.close()
