"""Orders over ledgers in memory whose storage goes away, each attempt in this thread."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

from fanout.adapters.messaging import OutgoingMessage
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.part_reader import read_batches
from fanout.governor import control_rules
from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd, RunInput, RunRef
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.models.status import ResultManifest
from fanout.naming import blob_paths
from tests.support.doubles.crashes import DyingStore, DyingTables
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.hostile.worlds.force import end_by_force
from tests.support.hostile.worlds.weather import Weather
from tests.support.replays.inline_runs import Inline
from tests.support.workloads.faulty_orders import Fault, FaultyOrders
from tests.support.workloads.order_books import Books
from workloads import registry
from workloads.orders.inventory import Inventory
from workloads.orders.resources import Resources
from workloads.orders.wallet import Wallet

WORKLOAD = "orders-in-outages"
PIECES, FUNDS, PRICE = 100, 1000, "1.25"
_NUMBERS = count()


@dataclass
class OrderWorld(Resources):
    """Ledgers and a Service Bus in memory.

    Attributes:
        faults: What goes wrong, by order and call (``undo ship``), one try after the other; the
            last of them goes on for ever where `is_endless`.
    """

    memory: MemoryTables = field(default_factory=MemoryTables)
    sent: list[OutgoingMessage] = field(default_factory=list)
    faults: dict[tuple[str, str], list[Fault | None]] = field(default_factory=dict)
    is_endless: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)
    on_call: Callable[[], object] = lambda: None

    @property
    def tables(self) -> MemoryTables:
        return self.memory

    @property
    def messaging(self) -> Any:
        return self

    def send_to_queue(self, queue: str, messages: list[OutgoingMessage]) -> int:
        self.sent += messages
        return len(messages)

    send_to_topic = send_to_queue

    def fate(self, order: str, call: str, attempt: int) -> Fault | None:
        self.calls.append((order, call))
        self.on_call()
        planned = self.faults.get((order, call), [])
        if self.is_endless and planned:
            return planned[min(attempt, len(planned)) - 1]
        return planned[attempt - 1] if attempt <= len(planned) else None


class OutageOrders(FaultyOrders):
    """Orders over the world of the test that is under way."""

    name = WORKLOAD


WORLD = OrderWorld()
registry.register(OutageOrders(lambda *call: WORLD.fate(*call), WORLD))


@dataclass
class OrderRun:
    """A run of some orders of one article each, over ledgers that have enough of everything.

    Attributes:
        end_first: Whether the next attempt is cancelled before it begins.
    """

    orders: int
    retry: dict[str, Any]
    run_id: str = field(default_factory=lambda: f"orders{next(_NUMBERS)}")
    attempts: int = 0
    end_first: bool = False

    def __post_init__(self) -> None:
        WORLD.memory, WORLD.sent, WORLD.calls = MemoryTables(), [], []
        WORLD.faults, WORLD.is_endless, WORLD.on_call = {}, False, lambda: None
        Inventory(WORLD.tables).receive("main", "pen", PIECES, "receipt/pen")
        Wallet(WORLD.tables).deposit("ada", "EUR", Decimal(FUNDS), "receipt/ada")
        self.weather = Weather()
        store = DyingStore(self.weather)
        self.files = RunFiles(store, "runs")  # type: ignore[arg-type]  # the double of it
        self.rows = Rows(DyingTables(self.weather), "fanoutruns")
        self.inline = Inline(self.files, self.rows)
        request = RunRequest.model_validate(
            {
                "workload": WORKLOAD,
                "source": {"kind": "inline", "items": [_order(n) for n in range(self.orders)]},
                "tolerance": {"percentage": 100},
                "retry": self.retry,
            }
        )
        assert self.files.claim(self.run_id, request)

    def carry_out(self) -> RunEnd:
        """Carry out the next attempt, the first or a redrive; it is taken up until it has ended."""
        squalls, self.weather.squalls = self.weather.squalls, []
        self.attempts += 1
        if self.attempts > 1:
            assert self.files.claim_attempt(self.run_id, self.attempts, RedriveRequest())
        claim = self.files.claim_of(self.run_id)
        ref = RunInput(run_id=self.run_id, attempt=self.attempts, claim=claim)
        self.weather.squalls = squalls
        if self.end_first:
            self.end_first = False
            change_attempt(self.rows, self.run_id, self.attempts, _cancel)
        end = self.inline.run(ref)
        self.weather.squalls = []
        while not self.state.is_over:
            end = self.inline.run(ref.model_copy(update={"is_resumed": True}))
        return end

    @property
    def state(self) -> GovernorState:
        """The rows of the newest attempt."""
        return read_attempt(self.rows, self.run_id, self.attempts).state

    def end_by_force(self) -> None:
        """End the newest attempt as the watchdog does once Durable has terminated it."""
        end_by_force(self.rows, self.run_id, self.attempts)

    def lines(self) -> dict[str, dict[str, Any]]:
        """The outcomes by order, as the result files have them."""
        data = self.files.read(blob_paths.results_manifest_path(self.run_id))
        found = [
            json.loads(line)
            for file in ResultManifest.model_validate_json(data).files
            if not file.name.startswith("DEAD-LETTERS")
            for line in self.files.read(blob_paths.result_path(self.run_id, file.name)).splitlines()
        ]
        return {line["item_id"]: line for line in found}

    @property
    def has_plan(self) -> bool:
        """Whether storage let the run be planned; if not, nothing of it ever begins."""
        return self.files.exists(blob_paths.plan_path(self.run_id))

    def latest_lines(self) -> dict[int, dict[str, Any]]:
        """The outcomes by index, as the parts have them; items of one line are told apart."""
        ref = RunRef(run_id=self.run_id, attempt=self.attempts)
        batches = read_batches(self.files, ref, self.files.manifest(self.run_id))
        lines = [json.loads(line) for batch in batches for line in batch.lines.splitlines()]
        return {
            line["index"] + number: line for line in lines for number in range(line.get("count", 1))
        }

    def insist_on_ledgers(self) -> None:
        """The same at any time: nobody knows what became of items that are pending."""
        books, found = Books(WORLD.tables), self.latest_lines()
        assert sorted(found) == [*range(self.orders)]
        books.insist_on_conservation()
        for line in found.values():
            if line["status"] != "pending":
                books.insist_on(line, self.run_id)

    def insist_on_conservation(self) -> None:
        """Pieces and money are where they were put, and the ledgers say what the outcomes say."""
        books = Books(WORLD.tables)
        books.insist_on_conservation()
        for line in self.lines().values():
            books.insist_on(line, self.run_id)


def _cancel(state: GovernorState) -> tuple[GovernorState, None]:
    return state.model_copy(update={"control": control_rules.cancel(state.control)}), None


def _order(number: int) -> dict[str, Any]:
    address = {"name": "A", "street": "B", "country": "C"}
    lines = [{"sku": "pen", "quantity": 2, "unit_price": PRICE}]
    base = {"id": f"n{number}", "customer": "ada", "currency": "EUR"}
    return base | {"lines": lines, "address": address}
