"""The product on the host of the session with a real Azurite, seen only over HTTP and Blob."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.hosts import chosen
from tests.support.hosts.product import Product, client_of, new_inbox
from tests.support.hosts.running_product import product_on

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests of a file together where `--dist loadgroup` spreads others: they share hosts."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(HERE))))


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
