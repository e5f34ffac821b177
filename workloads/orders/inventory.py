"""The inventory: of each article, what is on hand, reserved and shipped.

Only receipts change the sum of the three. The articles of a warehouse and its reservations share a
partition, so an order's pieces are reserved all or none. A reservation has a state: ``reserved``,
then ``shipped`` or ``released``. One that was released before it was made stays released: it comes
too late.
"""

import json
from collections.abc import Mapping
from typing import Any

from fanout.adapters.tables import Tables
from fanout.errors import PermanentError
from workloads.orders.ledger import Call, Change, KeyReusedError, Ledger, TakenBackError, Values

TABLE = "fanoutinventory"
_SKU = "sku-"
Pieces = Mapping[str, int]


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
                _insist_on(operation, "receipt", pieces)
                return None
            have = _counts(stock.get(_SKU + sku))
            added = {**have, "on_hand": have["on_hand"] + quantity}
            return Change(_operation("receipt", pieces, "done"), {_SKU + sku: added})

        self._ledger.change(Call(warehouse, key, "receive"), _rows(pieces), decide)

    def reserve(self, warehouse: str, pieces: Pieces, key: str) -> None:
        """Set pieces aside, all or none.

        Raises:
            UnknownSkuError: There is no such article.
            OutOfStockError: There are too few.
            TakenBackError: The reservation was released before.
        """

        def decide(stock: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is not None:
                _insist_on_unreleased(operation)
                _insist_on(operation, "reservation", pieces)
                return None
            _insist_on_stock(stock, pieces)
            moved = _moved(stock, pieces, "on_hand", "reserved")
            return Change(_operation("reservation", pieces, "reserved"), moved)

        self._ledger.change(Call(warehouse, key, "reserve"), _rows(pieces), decide, is_first=True)

    def release(self, warehouse: str, pieces: Pieces, key: str) -> None:
        """Take a reservation back; one that was never made never will be.

        Raises:
            PermanentError: The pieces have been shipped.
        """

        def decide(stock: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None:
                return Change(_operation("reservation", pieces, "released"))
            if operation["state"] == "released":
                return None
            if operation["state"] == "shipped":
                raise PermanentError("the reserved pieces have been shipped")
            moved = _moved(stock, pieces, "reserved", "on_hand")
            return Change({**operation, "state": "released"}, moved)

        self._ledger.change(Call(warehouse, key, "release"), _rows(pieces), decide)

    def ship(self, warehouse: str, pieces: Pieces, key: str, shipment: str) -> None:
        """Give reserved pieces to a shipment.

        Args:
            warehouse: Where they are.
            pieces: Those reserved.
            key: Of the reservation.
            shipment: What they go with.

        Raises:
            TakenBackError: They were taken out of this shipment before, or are reserved no longer.
        """

        def decide(stock: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None:
                raise TakenBackError("nothing is reserved")
            _insist_on_unreleased(operation)
            if operation["unshipped"] == shipment:
                raise TakenBackError(f"the pieces were taken out of '{shipment}'")
            if operation["state"] == "shipped":
                return None
            moved = _moved(stock, pieces, "reserved", "shipped")
            return Change({**operation, "state": "shipped"}, moved)

        self._ledger.change(Call(warehouse, key, f"ship {shipment}"), _rows(pieces), decide)

    def unship(self, warehouse: str, pieces: Pieces, key: str, shipment: str) -> None:
        """Take pieces out of a shipment, back to what is reserved; it gets none later."""

        def decide(stock: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None or operation["unshipped"] == shipment:
                return None
            undone = {**operation, "unshipped": shipment}
            if operation["state"] != "shipped":
                return Change(undone)
            moved = _moved(stock, pieces, "shipped", "reserved")
            return Change({**undone, "state": "reserved"}, moved)

        self._ledger.change(Call(warehouse, key, f"unship {shipment}"), _rows(pieces), decide)


def _rows(pieces: Pieces) -> list[str]:
    return [_SKU + sku for sku in pieces]


def _counts(stock: Values | None) -> dict[str, int]:
    names = ("on_hand", "reserved", "shipped")
    return {name: 0 if stock is None else int(stock[name]) for name in names}


def _moved(
    stock: Mapping[str, Values], pieces: Pieces, source: str, target: str
) -> dict[str, dict[str, int]]:
    moved = {}
    for sku, quantity in pieces.items():
        counts = _counts(stock[_SKU + sku])
        counts[source] -= quantity
        counts[target] += quantity
        moved[_SKU + sku] = counts
    return moved


def _insist_on_stock(stock: Mapping[str, Values], pieces: Pieces) -> None:
    for sku, quantity in pieces.items():
        found = stock.get(_SKU + sku)
        if found is None:
            raise UnknownSkuError(f"there is no article '{sku}'")
        if found["on_hand"] < quantity:
            raise OutOfStockError(
                f"{quantity} pieces of '{sku}' are wanted, {found['on_hand']} are on hand"
            )


def _operation(kind: str, pieces: Pieces, state: str) -> dict[str, Any]:
    told = json.dumps(pieces, sort_keys=True)
    return {"kind": kind, "pieces": told, "state": state, "unshipped": ""}


def _insist_on_unreleased(operation: Values) -> None:
    if operation["state"] == "released":
        raise TakenBackError("the reservation was released")


def _insist_on(operation: Values, kind: str, pieces: Pieces) -> None:
    if (operation["kind"], json.loads(operation["pieces"])) != (kind, dict(pieces)):
        raise KeyReusedError(f"the key is that of a {operation['kind']} of other pieces")
