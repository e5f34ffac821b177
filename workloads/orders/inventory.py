"""The inventory: how many pieces of each article are on hand, reserved and shipped.

Only receipts change the sum of the three. The articles of a warehouse and its reservations share a
partition, so an order's pieces are reserved all or none. A reservation that was released before it
was made stays released: it comes too late.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from fanout.adapters.tables import Tables
from fanout.errors import PermanentError
from workloads.orders.keys import NO_SHIPMENT, article_row_key
from workloads.orders.ledger import Call, Change, KeyReusedError, Ledger, TakenBackError, Values

TABLE = "fanoutinventory"
Pieces = Mapping[str, int]


class StockStatus(StrEnum):
    """Where the pieces of an article are: the counts of its row."""

    ON_HAND = "on_hand"
    RESERVED = "reserved"
    SHIPPED = "shipped"


class InventoryOperation(StrEnum):
    """What an operation of the inventory is."""

    RECEIPT = "receipt"
    RESERVATION = "reservation"


class ReservationState(StrEnum):
    """The state of a reservation; a receipt is done at once."""

    DONE = "done"
    RESERVED = "reserved"
    SHIPPED = "shipped"
    RELEASED = "released"


class UnknownSkuError(PermanentError):
    """There is no such article."""


class OutOfStockError(PermanentError):
    """There is too little on hand."""


class Inventory:
    """The articles of all warehouses."""

    def __init__(self, tables: Tables) -> None:
        self._ledger = Ledger(tables, TABLE, (UnknownSkuError, OutOfStockError))

    def receive(self, warehouse: str, sku: str, quantity: int, key: str) -> None:
        """Add pieces to what is on hand."""
        pieces = {sku: quantity}

        def decide(stock: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is not None:
                _require_same(operation, InventoryOperation.RECEIPT, pieces)
                return None
            counts = _counts(stock.get(article_row_key(sku)))
            counts[StockStatus.ON_HAND] += quantity
            receipt = _operation(InventoryOperation.RECEIPT, pieces, ReservationState.DONE)
            return Change(receipt, {article_row_key(sku): counts})

        self._ledger.change(Call(warehouse, key, "receive"), _row_keys(pieces), decide)

    def reserve(self, warehouse: str, pieces: Pieces, key: str) -> None:
        """Set pieces aside, all or none.

        Raises:
            UnknownSkuError: There is no such article.
            OutOfStockError: There are too few.
            TakenBackError: The reservation was released before.
        """

        def decide(stock: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is not None:
                _refuse_released(operation)
                _require_same(operation, InventoryOperation.RESERVATION, pieces)
                return None
            _require_stock(stock, pieces)
            return Change(
                _reservation(pieces, ReservationState.RESERVED),
                _move(stock, pieces, StockStatus.ON_HAND, StockStatus.RESERVED),
            )

        call = Call(warehouse, key, "reserve")
        self._ledger.change(call, _row_keys(pieces), decide, is_first=True)

    def release(self, warehouse: str, pieces: Pieces, key: str) -> None:
        """Take a reservation back; one that was never made never will be.

        Raises:
            PermanentError: The pieces have been shipped.
        """

        def decide(stock: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None:
                return Change(_reservation(pieces, ReservationState.RELEASED))
            if operation["state"] == ReservationState.RELEASED:
                return None
            if operation["state"] == ReservationState.SHIPPED:
                raise PermanentError("the reserved pieces have been shipped")
            return Change(
                {**operation, "state": ReservationState.RELEASED},
                _move(stock, pieces, StockStatus.RESERVED, StockStatus.ON_HAND),
            )

        self._ledger.change(
            Call(warehouse, key, "release", is_undo=True), _row_keys(pieces), decide
        )

    def ship(self, warehouse: str, pieces: Pieces, key: str, shipment: str) -> None:
        """Give reserved pieces to a shipment.

        Args:
            warehouse: Where they are.
            pieces: The reserved pieces.
            key: The key of the reservation.
            shipment: The id of the shipment that gets them.

        Raises:
            TakenBackError: They were taken out of this shipment before, or are reserved no longer.
        """

        def decide(stock: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None:
                raise TakenBackError("nothing is reserved")
            _refuse_released(operation)
            if operation["unshipped"] == shipment:
                raise TakenBackError(f"the pieces were taken out of '{shipment}'")
            if operation["state"] == ReservationState.SHIPPED:
                return None
            return Change(
                {**operation, "state": ReservationState.SHIPPED},
                _move(stock, pieces, StockStatus.RESERVED, StockStatus.SHIPPED),
            )

        self._ledger.change(Call(warehouse, key, f"ship {shipment}"), _row_keys(pieces), decide)

    def unship(self, warehouse: str, pieces: Pieces, key: str, shipment: str) -> None:
        """Take pieces out of a shipment and reserve them again; it gets none later."""

        def decide(stock: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None or operation["unshipped"] == shipment:
                return None
            reservation = {**operation, "unshipped": shipment}
            if operation["state"] != ReservationState.SHIPPED:
                return Change(reservation)
            return Change(
                {**reservation, "state": ReservationState.RESERVED},
                _move(stock, pieces, StockStatus.SHIPPED, StockStatus.RESERVED),
            )

        self._ledger.change(
            Call(warehouse, key, f"unship {shipment}", is_undo=True), _row_keys(pieces), decide
        )


def _row_keys(pieces: Pieces) -> list[str]:
    return [article_row_key(sku) for sku in pieces]


def _counts(article: Values | None) -> dict[str, int]:
    return {status: 0 if article is None else int(article[status]) for status in StockStatus}


def _move(
    stock: Mapping[str, Values], pieces: Pieces, source: StockStatus, target: StockStatus
) -> dict[str, dict[str, int]]:
    """The rows of articles after their pieces went from one status to another."""
    rows = {}
    for sku, quantity in pieces.items():
        counts = _counts(stock[article_row_key(sku)])
        counts[source] -= quantity
        counts[target] += quantity
        rows[article_row_key(sku)] = counts
    return rows


def _require_stock(stock: Mapping[str, Values], pieces: Pieces) -> None:
    for sku, quantity in pieces.items():
        article = stock.get(article_row_key(sku))
        if article is None:
            raise UnknownSkuError(f"there is no article '{sku}'")
        on_hand = article[StockStatus.ON_HAND]
        if on_hand < quantity:
            raise OutOfStockError(f"{quantity} pieces of '{sku}' are wanted, {on_hand} are on hand")


def _reservation(pieces: Pieces, state: ReservationState) -> dict[str, Any]:
    return _operation(InventoryOperation.RESERVATION, pieces, state)


def _operation(kind: InventoryOperation, pieces: Pieces, state: ReservationState) -> dict[str, Any]:
    pieces_json = json.dumps(pieces, sort_keys=True)
    return {"kind": kind, "pieces": pieces_json, "state": state, "unshipped": NO_SHIPMENT}


def _refuse_released(operation: Values) -> None:
    if operation["state"] == ReservationState.RELEASED:
        raise TakenBackError("the reservation was released")


def _require_same(operation: Values, kind: InventoryOperation, pieces: Pieces) -> None:
    if (operation["kind"], json.loads(operation["pieces"])) != (kind, dict(pieces)):
        raise KeyReusedError(f"the key is that of a {operation['kind']} of other pieces")
