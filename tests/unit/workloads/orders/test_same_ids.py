"""Two orders of one id in a run: each step is that of one, and neither takes back the other's."""

import logging
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.errors import PermanentError
from fanout.workload import Step, StepContext
from tests.support.doubles.memory_bus import MemoryBus
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.order_books import Books
from workloads.orders.inventory import Inventory
from workloads.orders.order import Order
from workloads.orders.parameters import OrderParameters
from workloads.orders.resources import Resources
from workloads.orders.steps import OrderSteps
from workloads.orders.wallet import Wallet

STOCK, MONEY = 20, Decimal("100.00")


class Held(Resources):
    """Tables and a Service Bus in memory."""

    def __init__(self, tables: MemoryTables) -> None:
        self._held, self._bus = tables, MemoryBus()

    @property
    def tables(self) -> Any:
        return self._held

    @property
    def messaging(self) -> Any:
        return self._bus


class Saga:
    """An order on its way through the steps, undone where one fails."""

    def __init__(self, steps: tuple[Step, ...], index: int, **fields: Any) -> None:
        line = {"sku": "pen", "quantity": 2, "unit_price": "5.00"}
        order = {"id": "o-1", "customer": "ada", "currency": "EUR", "lines": [line]}
        address = {"name": "Ada", "street": "Main Street 1", "country": "UK"}
        self.order = Order.model_validate({**order, "address": address, **fields})
        self.steps, self.index = list(steps), index
        self.keys = {step.name: f"run/o-1/{step.name}" for step in steps}
        self.outputs: dict[str, Any] = {}
        self.undone: list[Step] | None = None

    @property
    def is_over(self) -> bool:
        return self.undone == [] or (self.undone is None and len(self.outputs) == len(self.steps))

    @property
    def has_succeeded(self) -> bool:
        return self.undone is None

    def go_on(self) -> None:
        if self.undone is None:
            self._do(self.steps[len(self.outputs)])
            return
        step = self.undone.pop()
        if step.undo is not None:
            step.undo(self.order, self.outputs.get(step.name), self._context(step))

    def _do(self, step: Step) -> None:
        try:
            self.outputs[step.name] = step.do(self.order, self._context(step))
        except PermanentError:
            # As one that ended in doubt, the step itself is undone as well: the harder case.
            self.undone = self.steps[: len(self.outputs) + 1]

    def _context(self, step: Step) -> StepContext[OrderParameters]:
        return StepContext(
            run_id="run",
            idempotency_key=self.keys[step.name],
            attempt=1,
            parameters=OrderParameters(),
            logger=logging.getLogger(),
            outputs=self.outputs,
            keys=self.keys,
            index=self.index,
        )


def two(tables: MemoryTables, **fields: Any) -> list[Saga]:
    Inventory(tables).receive("main", "pen", STOCK, "receipt")
    Wallet(tables).deposit("ada", "EUR", MONEY, "deposit")
    steps = OrderSteps(Held(tables)).steps
    return [Saga(steps, 0), Saga(steps, 1, **fields)]


def insist_on_truth(tables: MemoryTables, sagas: list[Saga]) -> None:
    books = Books(tables)
    books.insist_on_conservation()
    done = [saga for saga in sagas if saga.has_succeeded]
    assert len(done) <= 1
    shipped = sum(sum(saga.order.pieces.values()) for saga in done)
    assert books.stock["pen"] == {"on_hand": STOCK - shipped, "reserved": 0, "shipped": shipped}
    (balances,) = books.wallets.values()
    captured = sum((saga.order.total for saga in done), Decimal(0))
    assert Decimal(balances["captured"]) == captured
    assert Decimal(balances["held"]) == 0


OTHER_LINES = [{"sku": "pen", "quantity": 3, "unit_price": "7.00"}]


@pytest.mark.parametrize("fields", [{}, {"lines": OTHER_LINES}])
def test_the_first_succeeds_and_the_second_is_refused_and_takes_nothing_back(fields: Any):
    tables = MemoryTables()
    first, second = sagas = two(tables, **fields)
    while not first.is_over:
        first.go_on()
    while not second.is_over:
        second.go_on()
    assert (first.has_succeeded, second.has_succeeded) == (True, False)
    insist_on_truth(tables, sagas)


@given(
    turns=st.lists(st.integers(0, 1), max_size=30),
    fields=st.sampled_from([{}, {"lines": OTHER_LINES}]),
)
def test_however_they_go_side_by_side_the_ledgers_say_what_each_came_to(
    turns: list[int], fields: Any
):
    tables = MemoryTables()
    sagas = two(tables, **fields)
    for turn in [*turns, *([0] * 20), *([1] * 20)]:
        if not sagas[turn].is_over:
            sagas[turn].go_on()
    insist_on_truth(tables, sagas)
