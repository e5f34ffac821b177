"""The ledgers of orders on tables in memory: every operation takes effect once."""

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.messaging import OutgoingMessage
from fanout.errors import PermanentError
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.order_books import Books
from workloads.orders import ledger
from workloads.orders.inventory import Inventory, OutOfStockError, UnknownSkuError
from workloads.orders.keys import shipment_id
from workloads.orders.ledger import KeyReusedError, LedgerBusyError, TakenBackError
from workloads.orders.order import Order
from workloads.orders.shipments import QUEUE, Shipments
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
        "lines": [
            {"sku": "pen", "quantity": 2, "unit_price": "1.50"},
            {"sku": "ink", "quantity": 1, "unit_price": "4.00"},
            {"sku": "pen", "quantity": 1, "unit_price": "1.50"},
        ],
        "address": {"name": "Ada", "street": "Main Street 1", "country": "UK"},
    }
)


class Sent:
    def __init__(self) -> None:
        self.messages: list[OutgoingMessage] = []

    def send_to_queue(self, queue: str, messages: list[OutgoingMessage]) -> int:
        assert queue == QUEUE
        self.messages += messages
        return len(messages)


@pytest.fixture
def tables() -> MemoryTables:
    return MemoryTables()


@pytest.fixture
def inventory(tables: MemoryTables) -> Inventory:
    stocked = Inventory(tables)
    stocked.receive("main", "pen", 10, "r1")
    stocked.receive("main", "ink", 1, "r2")
    return stocked


@pytest.fixture
def wallet(tables: MemoryTables) -> Wallet:
    filled = Wallet(tables)
    filled.deposit("ada", "EUR", Decimal("20.00"), "d1", Decimal("15.00"))
    return filled


def stock(tables: MemoryTables, sku: str) -> tuple[int, int, int]:
    counts = Books(tables).stock[sku]
    return counts["on_hand"], counts["reserved"], counts["shipped"]


def balances(tables: MemoryTables) -> tuple[str, str, str]:
    found = Books(tables).wallets["ada:EUR"]
    return found["available"], found["held"], found["captured"]


def test_an_order_adds_up_its_lines() -> None:
    assert ORDER.pieces == {"ink": 1, "pen": 3}
    assert ORDER.total == Decimal("8.50")


def test_pieces_are_reserved_all_or_none(tables: MemoryTables, inventory: Inventory) -> None:
    inventory.reserve("main", {"ink": 1, "pen": 3}, "k")
    assert (stock(tables, "pen"), stock(tables, "ink")) == ((7, 3, 0), (0, 1, 0))
    with pytest.raises(OutOfStockError, match="1 pieces of 'ink' are wanted, 0 are on hand"):
        inventory.reserve("main", {"ink": 1, "pen": 3}, "other")
    with pytest.raises(UnknownSkuError, match="no article 'cup'"):
        inventory.reserve("main", {"cup": 1, "pen": 1}, "third")
    assert stock(tables, "pen") == (7, 3, 0)


def test_a_repeat_changes_nothing(
    tables: MemoryTables, inventory: Inventory, wallet: Wallet
) -> None:
    for _ in range(2):
        inventory.receive("main", "pen", 10, "r1")
        inventory.reserve("main", {"pen": 3}, "k")
        wallet.deposit("ada", "EUR", Decimal("20.00"), "d1")
        wallet.authorise("ada", "EUR", Decimal("8.50"), "a")
    for _ in range(2):
        inventory.ship("main", {"pen": 3}, "k", "s")
        wallet.capture("ada", "EUR", "a", "c")
    assert stock(tables, "pen") == (7, 0, 3)
    assert balances(tables) == ("11.50", "0.00", "8.50")
    for _ in range(2):
        inventory.unship("main", {"pen": 3}, "k", "s")
        wallet.reverse("ada", "EUR", "a", "c")
    for _ in range(2):
        inventory.release("main", {"pen": 3}, "k")
        wallet.void("ada", "EUR", "a")
    assert stock(tables, "pen") == (10, 0, 0)
    assert balances(tables) == ("20.00", "0.00", "0.00")


def test_what_was_taken_back_does_not_take_effect_later(
    tables: MemoryTables, inventory: Inventory, wallet: Wallet
) -> None:
    inventory.release("main", {"pen": 3}, "k")
    wallet.void("ada", "EUR", "a")
    with pytest.raises(TakenBackError):
        inventory.reserve("main", {"pen": 3}, "k")
    with pytest.raises(TakenBackError):
        wallet.authorise("ada", "EUR", Decimal(1), "a")
    inventory.reserve("main", {"pen": 3}, "k2")
    inventory.unship("main", {"pen": 3}, "k2", "s")
    wallet.authorise("ada", "EUR", Decimal(1), "a2")
    wallet.reverse("ada", "EUR", "a2", "c")
    with pytest.raises(TakenBackError):
        inventory.ship("main", {"pen": 3}, "k2", "s")
    with pytest.raises(TakenBackError):
        wallet.capture("ada", "EUR", "a2", "c")
    with pytest.raises(TakenBackError):
        wallet.capture("ada", "EUR", "none", "c")
    with pytest.raises(TakenBackError):
        inventory.ship("main", {"pen": 3}, "none", "s")
    Books(tables).insist_on_conservation()


def test_what_a_later_step_has_taken_is_not_taken_back(
    inventory: Inventory, wallet: Wallet
) -> None:
    inventory.reserve("main", {"pen": 3}, "k")
    inventory.ship("main", {"pen": 3}, "k", "s")
    wallet.authorise("ada", "EUR", Decimal(1), "a")
    wallet.capture("ada", "EUR", "a", "c")
    with pytest.raises(PermanentError, match="shipped"):
        inventory.release("main", {"pen": 3}, "k")
    with pytest.raises(PermanentError, match="captured"):
        wallet.void("ada", "EUR", "a")


def test_a_payment_is_refused_by_funds_limit_and_customer(
    tables: MemoryTables, wallet: Wallet
) -> None:
    with pytest.raises(LimitExceededError, match=r"15\.01 EUR is over the limit"):
        wallet.authorise("ada", "EUR", Decimal("15.01"), "a")
    wallet.authorise("ada", "EUR", Decimal("15.00"), "b")
    with pytest.raises(InsufficientFundsError, match=r"less than 5\.01 EUR is available"):
        wallet.authorise("ada", "EUR", Decimal("5.01"), "c")
    with pytest.raises(UnknownCustomerError, match="'ada' has no wallet in USD"):
        wallet.authorise("ada", "USD", Decimal(1), "d")
    assert balances(tables) == ("5.00", "15.00", "0")


def test_a_key_belongs_to_one_operation(inventory: Inventory, wallet: Wallet) -> None:
    inventory.reserve("main", {"pen": 3}, "k")
    wallet.authorise("ada", "EUR", Decimal(1), "a")
    with pytest.raises(KeyReusedError):
        inventory.reserve("main", {"pen": 4}, "k")
    with pytest.raises(KeyReusedError):
        wallet.authorise("ada", "EUR", Decimal(2), "a")
    with pytest.raises(KeyReusedError):
        inventory.receive("main", "pen", 11, "r1")


def test_a_lost_race_is_run_again(tables: MemoryTables, inventory: Inventory) -> None:
    others = iter(range(3))

    def race() -> None:
        if next(others, None) is not None:
            hook, tables.before_write = tables.before_write, lambda: None
            Inventory(tables).receive("main", "pen", 1, f"race-{id(object())}-{next(others, 9)}")
            tables.before_write = hook

    tables.before_write = race
    inventory.reserve("main", {"pen": 3}, "k")
    on_hand, reserved, _ = stock(tables, "pen")
    assert reserved == 3 and on_hand > 7
    Books(tables).insist_on_conservation()


def test_too_many_lost_races_are_transient(
    tables: MemoryTables, inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "FIRST_PAUSE_SECONDS", 0)
    number = iter(range(100))

    def race() -> None:
        hook, tables.before_write = tables.before_write, lambda: None
        Inventory(tables).receive("main", "pen", 1, f"race-{next(number)}")
        tables.before_write = hook

    tables.before_write = race
    with pytest.raises(LedgerBusyError, match="'main' is being changed"):
        inventory.reserve("main", {"pen": 3}, "k")


def test_a_shipment_is_a_record_and_a_message(tables: MemoryTables, inventory: Inventory) -> None:
    sent = Sent()
    shipments = Shipments(tables, inventory, sent)
    inventory.reserve("main", ORDER.pieces, "k")
    assert shipments.create(ORDER, "k", "s") == shipments.create(ORDER, "k", "s")
    assert stock(tables, "pen") == (7, 0, 3)
    assert {m.message_id for m in sent.messages} == {f"{shipment_id('s')}/created"}
    assert b'"pieces":{"ink":1,"pen":3}' in sent.messages[0].body
    shipments.cancel(ORDER, "k", "s")
    shipments.cancel(ORDER, "k", "s")
    assert stock(tables, "pen") == (7, 3, 0)
    assert sent.messages[-1].message_id == f"{shipment_id('s')}/cancelled"
    with pytest.raises(TakenBackError):
        shipments.create(ORDER, "k", "s")


def test_a_shipment_that_was_never_made_is_cancelled_in_silence(
    tables: MemoryTables, inventory: Inventory
) -> None:
    sent = Sent()
    shipments = Shipments(tables, inventory, sent)
    inventory.reserve("main", ORDER.pieces, "k")
    shipments.cancel(ORDER, "k", "s")
    with pytest.raises(TakenBackError):
        shipments.create(ORDER, "k", "s")
    assert sent.messages == []
    assert stock(tables, "pen") == (7, 3, 0)


def act(inventory: Inventory, wallet: Wallet, call: str, n: int) -> None:
    pieces, amount = {"pen": n}, Decimal(n * 10)
    acts: dict[str, Any] = {
        "reserve": lambda: inventory.reserve("main", pieces, f"k{n}"),
        "release": lambda: inventory.release("main", pieces, f"k{n}"),
        "ship": lambda: inventory.ship("main", pieces, f"k{n}", "s"),
        "unship": lambda: inventory.unship("main", pieces, f"k{n}", "s"),
        "authorise": lambda: wallet.authorise("ada", "EUR", amount, f"a{n}"),
        "void": lambda: wallet.void("ada", "EUR", f"a{n}"),
        "capture": lambda: wallet.capture("ada", "EUR", f"a{n}", "c"),
        "reverse": lambda: wallet.reverse("ada", "EUR", f"a{n}", "c"),
    }
    acts[call]()


CALLS = ["reserve", "release", "ship", "unship", "authorise", "void", "capture", "reverse"]


@given(st.lists(st.tuples(st.sampled_from(CALLS), st.integers(1, 3)), max_size=40))
def test_in_whatever_order_operations_come_nothing_is_lost_or_made(
    calls: list[tuple[str, int]],
) -> None:
    tables = MemoryTables()
    inventory, wallet = Inventory(tables), Wallet(tables)
    inventory.receive("main", "pen", 5, "r")
    wallet.deposit("ada", "EUR", Decimal(50), "d")
    for call, n in calls:
        with contextlib.suppress(PermanentError):
            act(inventory, wallet, call, n)
        Books(tables).insist_on_conservation()


def test_a_repeat_is_not_refused_for_what_it_did_itself(
    tables: MemoryTables, inventory: Inventory, wallet: Wallet
) -> None:
    for _ in range(2):
        inventory.reserve("main", {"ink": 1}, "k")
        wallet.authorise("ada", "EUR", Decimal("15.00"), "a")
    assert stock(tables, "ink") == (0, 1, 0)
    assert balances(tables) == ("5.00", "15.00", "0")
