"""Poison among good messages: each is settled by itself, seen with azure-servicebus alone."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from rig.processes import REPOSITORY
from tests.support.hostile.poison_messages import POISON, poison_bodies
from tests.support.hosts.fanout_bus import FanoutBus, reason_of
from tests.support.hosts.hosts import chosen
from tests.support.hosts.product import Product, client_of, new_inbox

APP = REPOSITORY / "tests" / "hostile" / "apps" / "poison"
GOOD = 12
SEED = 17
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.needs_service_bus,
    pytest.mark.needs_settings,
]


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FanoutBus]:
    bus = FanoutBus(tmp_path_factory.mktemp("bus"))
    yield bus
    bus.close()


@pytest.fixture(scope="module")
def product(
    storage: str, bus: FanoutBus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    environment = {
        "FANOUT_STORAGE": storage,
        "FANOUT_SOURCE_CONTAINERS": "*",
        "FANOUT_SERVICE_BUS": bus.connection_string,
        "FANOUT_MAX_RUNS": "100",
        "FANOUT_LOG_LEVEL": "WARNING",
        "FANOUT_WEBHOOK_SECRET": "0123456789abcdef0123456789abcdef",
    }
    with client_of(storage) as blobs:
        inbox = new_inbox(blobs)
        folder = tmp_path_factory.mktemp("product")
        with chosen().running(APP, folder, "--no-stack", environment=environment) as host:
            yield Product(host, inbox, blobs)


def good(number: int) -> bytes:
    source = {"kind": "inline", "items": [{"id": number}]}
    return json.dumps({"workload": "probe", "source": source}).encode()


def test_poison_is_a_dead_letter_with_its_reason_and_no_neighbour_suffers(
    bus: FanoutBus, product: Product
):
    poison = poison_bodies(product.inbox.container_name, product.upload, random.Random(SEED))
    messages = [(f"good-{number}", good(number)) for number in range(GOOD)]
    messages += [(f"bad-{name}", body) for name, body in poison.items()]
    random.Random(SEED).shuffle(messages)
    for message in messages:  # together they are larger than a batch may be
        bus.ask([message])
    letters = {str(m.correlation_id): m for m in bus.dead_letters(len(poison))}
    assert letters.keys() == {f"bad-{name}" for name in poison}
    for name, body in poison.items():
        letter = letters[f"bad-{name}"]
        assert b"".join(letter.body) == body
        assert reason_of(letter)[0] == "InvalidRequest"
        assert reason_of(letter)[1]
    for number in range(GOOD):
        assert product.done(f"good-{number}")["outcome"] == "succeeded"
    assert bus.requests_left() == []


@pytest.mark.parametrize("name", POISON)
def test_the_same_by_http_is_refused_with_its_fields(product: Product, name: str):
    bodies: dict[str, Any] = poison_bodies(
        product.inbox.container_name, product.upload, random.Random(SEED)
    )
    answer = product.post(bodies[name])
    assert answer.status == 400, answer.body
    assert answer.json["errors"][0]["message"]
