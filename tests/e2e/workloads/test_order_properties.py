"""Random orders, stocks, balances and faults through the real orchestrators: nothing is lost."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fanout.adapters.messaging import EVENTS_TOPIC, OutgoingMessage
from fanout.adapters.tables import RowConflictError
from fanout.models.outcome import STATUSES
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from localhost.durable.engine.tearing import Tearing
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.replays.local_hub import LocalHub, local_hub
from tests.support.workloads.faulty_orders import Fault, FaultyOrders
from tests.support.workloads.order_books import Books
from workloads import registry
from workloads.orders.inventory import Inventory
from workloads.orders.resources import Resources
from workloads.orders.shipments import QUEUE
from workloads.orders.steps import AUTHORISE, CAPTURE, NOTIFY, RESERVE, SHIP, VALIDATE
from workloads.orders.wallet import Wallet

# The embedded engine within this process: no host is asked.
pytestmark = pytest.mark.needs_embedded
DOES = [VALIDATE, RESERVE, AUTHORISE, CAPTURE, SHIP, NOTIFY]
UNDOES = [f"undo {step}" for step in (RESERVE, AUTHORISE, CAPTURE, SHIP)]
SKUS, CUSTOMERS = ["pen", "ink", "cup"], ["ada", "bob"]
AGAIN_SECONDS = (0.0, 0.02)
AT_ONCE = {"max_attempts": 3, "base_seconds": 0, "max_seconds": 0, "jitter_seconds": 0}


@dataclass
class World(Resources):
    """Ledgers and a Service Bus in memory, and what goes wrong."""

    memory: MemoryTables = field(default_factory=MemoryTables)
    sent: list[tuple[str, OutgoingMessage]] = field(default_factory=list)
    faults: dict[tuple[str, str], list[Fault | None]] = field(default_factory=dict)

    @property
    def tables(self) -> MemoryTables:
        return self.memory

    @property
    def messaging(self) -> Any:
        return self

    def send_to_queue(self, queue: str, messages: list[OutgoingMessage]) -> int:
        self.sent += [(queue, message) for message in messages]
        return len(messages)

    send_to_topic = send_to_queue

    def fate(self, order: str, call: str, attempt: int) -> Fault | None:
        planned = self.faults.get((order, call), [])
        return planned[attempt - 1] if attempt <= len(planned) else None

    def reset(self, faults: dict[tuple[str, str], list[Fault | None]], seed: int) -> None:
        self.memory, self.sent, self.faults = MemoryTables(), [], faults
        chance = random.Random(seed)

        def race() -> None:
            if chance.random() < 0.1:
                raise RowConflictError("somebody was faster")

        self.memory.before_write = race


WORLD = World()
registry.register(FaultyOrders(lambda *call: WORLD.fate(*call), WORLD))


@dataclass
class Studio:
    """An engine that goes on from one example to the next."""

    runner: asyncio.Runner
    hub: LocalHub
    runs: int = 0

    def run(self, orders: list[dict[str, Any]], *, redrives: int) -> dict[str, dict[str, Any]]:
        """Run, redrive as often, and give the outcomes by order."""
        self.runs += 1
        run_id = f"o{self.runs}"
        request = RunRequest.model_validate(
            {
                "workload": "faulty-orders",
                "source": {"kind": "inline", "items": orders},
                "tolerance": {"percentage": 100},
                "retry": AT_ONCE,
            }
        )
        end = self.runner.run(self.hub.run(run_id, request))
        for attempt in range(2, 2 + redrives):
            if end.items.failed + end.items.compensated:
                end = self.runner.run(self.hub.redrive(run_id, attempt))
        listed = self.hub.manifest(run_id).files
        found = [
            json.loads(line)
            for file in listed
            if file.name.endswith(".jsonl") and not file.name.startswith("DEAD-LETTERS")
            for line in self.hub.files.read(blob_paths.result_path(run_id, file.name)).splitlines()
        ]
        counts = Counter(line["status"] for line in found)
        assert {s: counts[s] for s in STATUSES} == end.items.model_dump(exclude={"total"})
        assert end.items.total == len(orders) and end.items.pending == 0
        return {line["item_id"]: line for line in found}

    @property
    def run_id(self) -> str:
        return f"o{self.runs}"


@pytest.fixture(scope="module", params=[0.0, 0.3], ids=["whole turns", "torn turns"])
def studio(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    path = tmp_path_factory.mktemp("orders") / "hub.db"
    tearing = Tearing(request.param, AGAIN_SECONDS, 1)
    with asyncio.Runner() as runner:
        engine = local_hub(path, tearing=tearing)
        yield Studio(runner, runner.run(engine.__aenter__()))
        runner.run(engine.__aexit__(None, None, None))


LINES = st.lists(
    st.fixed_dictionaries(
        {
            "sku": st.sampled_from([*SKUS, "unknown"]),
            "quantity": st.integers(1, 4),
            "unit_price": st.sampled_from(["0.00", "1.25", "19.99"]),
        }
    ),
    min_size=1,
    max_size=3,
)
FAULTS = st.lists(st.sampled_from([None, "before", "after", "refuse"]), min_size=1, max_size=3)


@settings(
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    orders=st.lists(
        st.fixed_dictionaries({"customer": st.sampled_from([*CUSTOMERS, "eve"]), "lines": LINES}),
        min_size=1,
        max_size=10,
    ),
    stock=st.fixed_dictionaries({sku: st.integers(1, 12) for sku in SKUS}),
    balances=st.fixed_dictionaries({name: st.integers(0, 100) for name in CUSTOMERS}),
    faults=st.dictionaries(
        st.tuples(st.integers(0, 9), st.sampled_from(DOES + UNDOES)), FAULTS, max_size=6
    ),
    redrives=st.integers(0, 2),
    seed=st.integers(0, 2**32),
)
def test_pieces_and_money_are_conserved_and_every_order_ends_in_one_way(
    studio: Studio,
    orders: list[dict[str, Any]],
    stock: dict[str, int],
    balances: dict[str, int],
    faults: dict[tuple[int, str], list[Fault | None]],
    redrives: int,
    seed: int,
):
    WORLD.reset({(f"n{n}", call): plan for (n, call), plan in faults.items()}, seed)
    for sku, quantity in stock.items():
        Inventory(WORLD.tables).receive("main", sku, quantity, f"receipt/{sku}")
    for name, amount in balances.items():
        Wallet(WORLD.tables).deposit(name, "EUR", Decimal(amount), f"receipt/{name}")
    address = {"name": "A", "street": "B", "country": "C"}
    items = [
        {"id": f"n{n}", "currency": "EUR", "address": address} | order
        for n, order in enumerate(orders)
    ]

    lines = studio.run(items, redrives=redrives)

    books = Books(WORLD.tables)
    books.insist_on_conservation()
    assert lines.keys() == {item["id"] for item in items}
    for line in lines.values():
        books.insist_on(line, studio.run_id)
    charged = sum((Decimal(w["captured"]) for w in books.wallets.values()), Decimal(0))
    prices = {
        item["id"]: sum(
            (Decimal(line["unit_price"]) * line["quantity"] for line in item["lines"]), Decimal(0)
        )
        for item in items
    }
    shipped = [name for name, line in lines.items() if line["status"] == "succeeded"]
    stuck = [name for name, line in lines.items() if line["status"] == "compensation_failed"]
    assert charged >= sum(prices[name] for name in shipped)
    assert charged <= sum(prices[name] for name in [*shipped, *stuck])
    told = [message.message_id for queue, message in WORLD.sent if queue == QUEUE]
    cancelled = {one.split("/")[0] for one in told if one.endswith("/cancelled")}
    standing = {one.split("/")[0] for one in told if one.endswith("/created")} - cancelled
    assert {lines[name]["output"][SHIP] for name in shipped} <= standing
    assert len(standing) <= len(shipped) + len(stuck)
    notified = {message.correlation_id for topic, message in WORLD.sent if topic == EVENTS_TOPIC}
    assert set(shipped) <= notified
