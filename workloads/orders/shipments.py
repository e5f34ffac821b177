"""Shipments: a record of each parcel, and a message to whoever packs it.

A shipment that was cancelled before it was made stays cancelled: it comes too late.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

from pydantic_core import to_json

from fanout.adapters.messaging import OutgoingMessage
from fanout.adapters.tables import Tables
from workloads.orders.inventory import Inventory
from workloads.orders.ledger import Call, Change, Ledger, TakenBackError, Values
from workloads.orders.order import Order

TABLE = "fanoutshipments"
QUEUE = "shipments"
JSON = "application/json"


class Sender(Protocol):
    """What shipments ask of Service Bus."""

    def send_to_queue(self, queue: str, messages: list[OutgoingMessage]) -> int:
        """Send messages to a queue; return how many."""
        ...


def shipment_id(key: str) -> str:
    """The id of the shipment that a step makes: the same however often it is made."""
    return "s-" + hashlib.sha256(key.encode()).hexdigest()[:24]


class Shipments:
    """The parcels, and the pieces in them."""

    def __init__(self, tables: Tables, inventory: Inventory, sender: Sender) -> None:
        self._ledger = Ledger(tables, TABLE)
        self._inventory = inventory
        self._sender = sender

    def create(self, order: Order, reservation: str, key: str) -> str:
        """Record a shipment, give it the reserved pieces, and have it packed; return its id.

        Args:
            order: What is shipped.
            reservation: The idempotency key of the reservation.
            key: That of the shipment.

        Raises:
            TakenBackError: It was cancelled before.
        """
        shipment = shipment_id(key)

        def decide(_: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None:
                return Change({"shipment": shipment, "state": "created"})
            if operation["state"] == "cancelled":
                raise TakenBackError(f"the shipment '{shipment}' was cancelled")
            return None

        self._ledger.change(Call(order.id, key, "create"), [], decide, is_first=True)
        self._inventory.ship(order.warehouse, order.pieces, reservation, shipment)
        self._tell(order, shipment, "created")
        return shipment

    def cancel(self, order: Order, reservation: str, key: str) -> None:
        """Cancel a shipment, and put its pieces back; one that was never made never will be."""
        shipment = shipment_id(key)
        was_created = False

        def decide(_: Mapping[str, Values], operation: Values | None) -> Change | None:
            nonlocal was_created
            was_created = operation is not None and operation["state"] == "created"
            if operation is not None and not was_created:
                was_created = bool(operation["was_created"])
                return None
            made = {"shipment": shipment, "state": "cancelled", "was_created": was_created}
            return Change(made)

        self._ledger.change(Call(order.id, key, "cancel"), [], decide)
        self._inventory.unship(order.warehouse, order.pieces, reservation, shipment)
        if was_created:
            self._tell(order, shipment, "cancelled")

    def _tell(self, order: Order, shipment: str, what: str) -> None:
        document: dict[str, Any] = {
            "shipment": shipment,
            "event": what,
            "order": order.id,
            "address": order.address.model_dump(),
            "warehouse": order.warehouse,
            "pieces": order.pieces,
        }
        message = OutgoingMessage(
            body=to_json(document),
            message_id=f"{shipment}/{what}",
            content_type=JSON,
            correlation_id=order.id,
            subject=f"shipment.{what}",
        )
        self._sender.send_to_queue(QUEUE, [message])
