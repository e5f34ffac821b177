"""The model's events are those of the host's store, type by type, for runs of many shapes.

What a run ordered is known from its worker; what that makes as events, the model reckons. The
other side are the turns that the host has stored, those of histories that were left behind as well.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.azure_model.shape import Orchestration, count_events
from bench.histories import TurnLog
from bench.histories import count_events as count_stored
from localhost.durable.protocol.events import EventType
from tests.support.hosts.hosts import chosen
from tests.support.hosts.product import Product, client_of, new_inbox
from tests.support.hosts.product_calls import AT_ONCE, ONCE, probe, redrive_to_end
from tests.support.services.azurite import running_azurite
from tests.support.watched_runs import watched_shapes

pytestmark = pytest.mark.needs_embedded
APP = Path(__file__).parent / "apps" / "watched"
FINISH_SECONDS = 30
Events = Counter[EventType]
Errand = Callable[[Product], object]


@dataclass(frozen=True)
class Watch:
    """A product whose worker and store are watched."""

    product: Product
    data: Path
    turns: Path

    def carry_out(self, errand: Errand) -> tuple[list[Orchestration], dict[EventType, int]]:
        """What the worker was seen to order meanwhile, and the events of the store."""
        before = len(self.turns.read_text().splitlines())
        with TurnLog(self.data) as log:
            errand(self.product)
            log.wait_until_finished(FINISH_SECONDS)
            lines = self.turns.read_text().splitlines()[before:]
            return watched_shapes(lines), count_stored(log.turns())


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    folder = tmp_path_factory.mktemp("watched")
    turns = folder / "turns.jsonl"
    turns.touch()
    environment = {"FANOUT_SOURCE_CONTAINERS": "*"}
    environment |= {"WATCHED_TURNS": str(turns), "FANOUT_LOG_LEVEL": "WARNING"}
    # In a storage that others use, the watchdog takes up the runs that they left behind.
    with running_azurite(folder / "storage") as storage, client_of(storage) as blobs:
        inbox = new_inbox(blobs)
        environment |= {"FANOUT_STORAGE": storage}
        with chosen().running(APP, folder, "--no-stack", environment=environment) as host:
            yield Watch(Product(host, inbox, blobs), folder / "data", turns)


def _add_up(shapes: list[Orchestration]) -> dict[EventType, int]:
    total = sum(map(count_events, shapes), Events())
    return dict(sorted(total.items()))


SMALL = probe([{}])
WAVES = probe([{}] * 60, batch={"max_items": 1}, concurrency={"batches": 8})
SHARDS = probe([{}] * 200, batch={"max_items": 2}, concurrency={"batches": 64})
LONG = probe([{}] * 320, batch={"max_items": 1}, concurrency={"batches": 16})
ROUNDS = probe(
    [{}, {"good": 2}, {"good": 3}] * 4, batch={"max_items": 3}, retry=AT_ONCE | {"max_attempts": 3}
)


@pytest.mark.parametrize(
    ("request_body", "least"),
    [
        pytest.param(SMALL, {}, id="a single item"),
        pytest.param(WAVES, {EventType.TASK_COMPLETED: 60}, id="several waves"),
        pytest.param(SHARDS, {EventType.CHILD_COMPLETED: 2}, id="several shards"),
        pytest.param(LONG, {EventType.EXECUTION_STARTED: 3}, id="more than a history holds"),
        pytest.param(ROUNDS, {EventType.TIMER_FIRED: 1}, id="rounds after a back-off"),
    ],
)
def test_events_of_a_run_are_those_of_the_store(
    watch: Watch, request_body: dict[str, Any], least: dict[EventType, int]
):
    shapes, stored = watch.carry_out(lambda product: product.run(request_body))
    assert len(shapes) == 1
    assert _add_up(shapes) == stored
    assert {kind: count for kind, count in least.items() if stored[kind] < count} == {}


def test_events_of_a_redrive_are_those_of_the_store(watch: Watch):
    items = [{}, {"good": 2}, {"ending": "permanent"}, {"good": 3}] * 3

    def run_twice(product: Product) -> None:
        run_id = product.run(probe(items, batch={"max_items": 5}, **ONCE))["run_id"]
        redrive_to_end(product, run_id, {"retry": AT_ONCE | {"max_attempts": 2}})

    shapes, stored = watch.carry_out(run_twice)
    assert len(shapes) == 2
    assert _add_up(shapes) == stored
