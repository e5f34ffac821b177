"""Operations that are carried out more than once, side by side: one effect, and one answer."""

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.messaging import OutgoingMessage
from fanout.adapters.tables import Row, Write
from fanout.errors import PermanentError
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.order_books import Books
from workloads.orders import ledger
from workloads.orders.inventory import Inventory, OutOfStockError, UnknownSkuError
from workloads.orders.ledger import TakenBackError
from workloads.orders.order import Order
from workloads.orders.shipments import Shipments
from workloads.orders.wallet import (
    InsufficientFundsError,
    LimitExceededError,
    UnknownCustomerError,
    Wallet,
)

ORDER = Order.model_validate(
    {
        "id": "o-1",
        "customer": "ada",
        "currency": "EUR",
        "lines": [{"sku": "pen", "quantity": 3, "unit_price": "5.00"}],
        "address": {"name": "Ada", "street": "Main Street 1", "country": "UK"},
    }
)
TOTAL = Decimal("15.00")
RESERVED = {"ink": 1, "pen": 3}


Made = TypeVar("Made")


class Unheard:
    def send_to_queue(self, queue: str, messages: list[OutgoingMessage]) -> int:
        return len(messages)


class Steps:
    """Every operation of an order, by name, over tables."""

    def __init__(self, tables: Any) -> None:
        stock, purse = Inventory(tables), Wallet(tables)
        parcels = Shipments(tables, stock, Unheard())
        pieces = ORDER.pieces
        self.calls: dict[str, Callable[[], Any]] = {
            "reserve": lambda: stock.reserve("main", pieces, "r"),
            "authorise": lambda: purse.authorise("ada", "EUR", TOTAL, "a"),
            "capture": lambda: purse.capture("ada", "EUR", "a", "c"),
            "ship": lambda: parcels.create(ORDER, "r", "s"),
            "unship": lambda: parcels.cancel(ORDER, "r", "s"),
            "reverse": lambda: purse.reverse("ada", "EUR", "a", "c"),
            "void": lambda: purse.void("ada", "EUR", "a"),
            "release": lambda: stock.release("main", pieces, "r"),
            "restock": lambda: restock(tables),
        }

    def answer(self, name: str) -> tuple[str, str]:
        try:
            return "done", str(self.calls[name]())
        except PermanentError as refusal:
            return type(refusal).__name__, str(refusal)


def stocked(pens: int, money: int) -> MemoryTables:
    tables = MemoryTables()
    if pens:
        Inventory(tables).receive("main", "pen", pens, "receipt")
    if money:
        Wallet(tables).deposit("ada", "EUR", Decimal(money), "deposit")
    return tables


def restock(tables: Any) -> None:
    """Whatever was missing is there now."""
    Inventory(tables).receive("main", "pen", 100, "later receipt")
    Inventory(tables).receive("main", "ink", 100, "later ink")
    Wallet(tables).deposit("ada", "EUR", Decimal(1000), "later deposit", Decimal(1000))


@pytest.mark.parametrize(
    ("pieces", "refusal"),
    [({"ink": 1}, UnknownSkuError), ({"pen": 11}, OutOfStockError)],
)
def test_a_refused_reservation_stays_refused(
    pieces: dict[str, int], refusal: type[PermanentError]
) -> None:
    tables = stocked(10, 0)
    inventory = Inventory(tables)
    with pytest.raises(refusal) as first:
        inventory.reserve("main", pieces, "k")
    restock(tables)
    with pytest.raises(refusal) as second:
        inventory.reserve("main", pieces, "k")
    assert str(first.value) == str(second.value)
    inventory.reserve("main", pieces, "k/take-2")
    inventory.release("main", pieces, "k")
    with pytest.raises(refusal):
        inventory.reserve("main", pieces, "k")
    Books(tables).insist_on_conservation()


@pytest.mark.parametrize(
    ("customer", "amount", "refusal"),
    [
        ("bob", Decimal(1), UnknownCustomerError),
        ("ada", Decimal(16), LimitExceededError),
        ("ada", Decimal(12), InsufficientFundsError),
    ],
)
def test_a_refused_payment_stays_refused(
    customer: str, amount: Decimal, refusal: type[PermanentError]
) -> None:
    tables = MemoryTables()
    wallet = Wallet(tables)
    wallet.deposit("ada", "EUR", Decimal(10), "d", Decimal(15))
    with pytest.raises(refusal) as first:
        wallet.authorise(customer, "EUR", amount, "k")
    restock(tables)
    wallet.deposit("bob", "EUR", Decimal(100), "d2")
    with pytest.raises(refusal) as second:
        wallet.authorise(customer, "EUR", amount, "k")
    assert str(first.value) == str(second.value)
    with pytest.raises(TakenBackError):
        wallet.capture(customer, "EUR", "k", "c")
    Books(tables).insist_on_conservation()


def test_what_could_not_be_shipped_or_captured_is_not_later() -> None:
    tables = stocked(10, 100)
    steps = Steps(tables)
    refused = {name: steps.answer(name) for name in ("capture", "ship")}
    assert {kind for kind, _ in refused.values()} == {"TakenBackError"}
    assert steps.answer("reserve")[0] == steps.answer("authorise")[0] == "done"
    assert {name: steps.answer(name) for name in refused} == refused
    Books(tables).insist_on_conservation()


def test_what_stood_in_the_way_of_taking_back_does_so_no_longer_than_it_stands() -> None:
    steps = Steps(stocked(10, 100))
    for name in ("reserve", "authorise", "capture", "ship"):
        assert steps.answer(name)[0] == "done"
    refused = {name: steps.answer(name) for name in ("void", "release")}
    assert {kind for kind, _ in refused.values()} == {"PermanentError"}
    assert steps.answer("unship") == steps.answer("reverse") == ("done", "None")
    assert {name: steps.answer(name)[0] for name in refused} == {"void": "done", "release": "done"}


FORWARD = ("reserve", "authorise", "capture", "ship")
BACKWARD = ("unship", "reverse", "void", "release")


@given(
    st.integers(0, 5),
    st.integers(0, 30),
    st.integers(0, 4),
    st.lists(st.sampled_from([*FORWARD, "restock"]), max_size=30),
)
def test_repeats_of_steps_in_any_order_have_one_answer_each(
    pens: int, money: int, undone: int, calls: list[str]
) -> None:
    tables = stocked(pens, money)
    steps, heard = Steps(tables), dict[str, tuple[str, str]]()
    for name in calls:
        if name == "restock":
            restock(tables)
        else:
            answer = steps.answer(name)
            assert heard.setdefault(name, answer) == answer
        Books(tables).insist_on_conservation()
    for name in BACKWARD[:undone]:
        steps.answer(name)
    for name in calls if undone == len(BACKWARD) else []:
        if name != "restock":
            assert steps.answer(name)[0] != "done", "it was taken back"
    Books(tables).insist_on_conservation()


class Together:
    """Calls in threads of their own, of which one at a time goes on to its next read or write."""

    def __init__(self, tables: MemoryTables, order: Iterable[int]) -> None:
        self._tables, self._order = tables, iter(order)
        self._waiting: dict[int, asyncio.Event] = {}

    def answers(self, names: list[str]) -> list[tuple[str, str]]:
        return asyncio.run(self._answers(names))

    async def _answers(self, names: list[str]) -> list[tuple[str, str]]:
        loop = asyncio.get_running_loop()
        turns = [Turn(self._tables, loop) for _ in names]
        going = [
            asyncio.create_task(asyncio.to_thread(Steps(turn).answer, name))
            for turn, name in zip(turns, names, strict=True)
        ]
        while not all(task.done() for task in going):
            open_turns = [n for n, task in enumerate(going) if not task.done()]
            chosen = open_turns[next(self._order, 0) % len(open_turns)]
            await turns[chosen].go_on(going[chosen])
        return [task.result() for task in going]


class Turn:
    """Tables that wait for their turn before each call."""

    def __init__(self, tables: MemoryTables, loop: asyncio.AbstractEventLoop) -> None:
        self._tables, self._loop = tables, loop
        self._asks = asyncio.Queue[asyncio.Future[None]]()

    async def go_on(self, call: "asyncio.Task[Any]") -> None:
        """Let one call of the tables through, or see the end of whoever would make it."""
        asked = asyncio.create_task(self._asks.get())
        await asyncio.wait([asked, call], return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            asked.result().set_result(None)
        asked.cancel()

    def _in_turn(self, act: Callable[[], Made]) -> Made:
        async def ask() -> Made:
            leave = self._loop.create_future()
            await self._asks.put(leave)
            await leave
            return act()

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result()

    def read(self, table: str, partition: str, row_keys: Iterable[str]) -> dict[str, Row]:
        return self._in_turn(lambda: self._tables.read(table, partition, row_keys))

    def write(self, table: str, partition: str, writes: list[Write]) -> dict[str, str]:
        return self._in_turn(lambda: self._tables.write(table, partition, writes))


@given(
    st.integers(0, 5),
    st.integers(0, 30),
    st.sampled_from(FORWARD),
    st.lists(st.integers(0, 3), max_size=60),
)
def test_any_interleaving_of_repeats_of_a_step_has_one_effect_and_one_answer(
    pens: int, money: int, step: str, order: list[int]
) -> None:
    tables = stocked(pens, money)
    before = Steps(tables)
    for name in FORWARD[: FORWARD.index(step)]:
        before.answer(name)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger, "FIRST_PAUSE_SECONDS", 0)
        found = Together(tables, order).answers([step, "restock", step, step])
    assert len({found[0], *found[2:]}) == 1
    Books(tables).insist_on_conservation()
