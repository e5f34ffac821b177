"""Shipments: a record of each parcel, and a message to whoever packs it.

A shipment that was cancelled before it was made stays cancelled: it comes too late.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from pydantic_core import to_json

from fanout.adapters.messaging import OutgoingMessage
from fanout.adapters.tables import Tables
from workloads.orders.inventory import Inventory
from workloads.orders.keys import shipment_id, shipment_message_id
from workloads.orders.ledger import Call, Change, Ledger, TakenBackError, Values
from workloads.orders.order import Order

TABLE = "fanoutshipments"
QUEUE = "shipments"
JSON = "application/json"


class ShipmentState(StrEnum):
    """The state of a shipment, and the event that its message is about."""

    CREATED = "created"
    CANCELLED = "cancelled"


class Sender(Protocol):
    """The part of Service Bus that shipments use."""

    def send_to_queue(self, queue: str, messages: list[OutgoingMessage]) -> int:
        """Send messages to a queue; return how many."""
        ...


class Shipments:
    """The parcels, and the pieces in them."""

    def __init__(self, tables: Tables, inventory: Inventory, sender: Sender) -> None:
        self._ledger = Ledger(tables, TABLE)
        self._inventory = inventory
        self._sender = sender

    def create(self, order: Order, reservation: str, key: str) -> str:
        """Record a shipment, give it the reserved pieces, and have it packed; return its id.

        Args:
            order: The order to ship.
            reservation: The idempotency key of the reservation.
            key: The idempotency key of the shipment.

        Raises:
            TakenBackError: It was cancelled before.
        """
        shipment = shipment_id(key)

        def decide(_: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None:
                return Change({"shipment": shipment, "state": ShipmentState.CREATED})
            if operation["state"] == ShipmentState.CANCELLED:
                raise TakenBackError(f"the shipment '{shipment}' was cancelled")
            return None

        self._ledger.change(Call(order.id, key, "create"), [], decide, is_first=True)
        self._inventory.ship(order.warehouse, order.pieces, reservation, shipment)
        self._send(order, shipment, ShipmentState.CREATED)
        return shipment

    def cancel(self, order: Order, reservation: str, key: str) -> None:
        """Cancel a shipment, and put its pieces back; one that was never made never will be."""
        shipment = shipment_id(key)
        was_created = False

        def decide(_: Mapping[str, Values], operation: Values | None) -> Change | None:
            nonlocal was_created
            was_created = operation is not None and operation["state"] == ShipmentState.CREATED
            if operation is not None and not was_created:
                was_created = bool(operation["was_created"])
                return None
            state = ShipmentState.CANCELLED
            return Change({"shipment": shipment, "state": state, "was_created": was_created})

        self._ledger.change(Call(order.id, key, "cancel", is_undo=True), [], decide)
        self._inventory.unship(order.warehouse, order.pieces, reservation, shipment)
        if was_created:
            self._send(order, shipment, ShipmentState.CANCELLED)

    def _send(self, order: Order, shipment: str, event: ShipmentState) -> None:
        document: dict[str, Any] = {
            "shipment": shipment,
            "event": event,
            "order": order.id,
            "address": order.address.model_dump(),
            "warehouse": order.warehouse,
            "pieces": order.pieces,
        }
        message = OutgoingMessage(
            body=to_json(document),
            message_id=shipment_message_id(shipment, event),
            content_type=JSON,
            correlation_id=order.id,
            subject=f"shipment.{event}",
        )
        self._sender.send_to_queue(QUEUE, [message])
