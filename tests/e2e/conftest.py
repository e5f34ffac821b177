"""The product on the host of the session with a real Azurite, seen only over HTTP and Blob."""

from collections.abc import Iterator

import pytest

from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.product import Product
from tests.support.hosts.running_product import shared_product


@pytest.fixture(scope="session")
def product(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product that most tests share."""
    with shared_product(storage, tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FanoutBus]:
    """A broker for the tests of one module."""
    bus = FanoutBus(tmp_path_factory.mktemp("bus"))
    yield bus
    bus.close()
