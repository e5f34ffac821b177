"""The steps of an order: what each does to the ledgers, and what undoes it."""

from decimal import Decimal

from pydantic_core import to_json

from fanout.adapters.messaging import EVENTS_TOPIC, OutgoingMessage
from fanout.errors import PermanentError
from fanout.workload import Step, StepContext
from workloads.orders.inventory import Inventory
from workloads.orders.keys import own_key, shipment_message_id
from workloads.orders.money import format_amount
from workloads.orders.order import Order
from workloads.orders.parameters import OrderParameters
from workloads.orders.resources import Resources
from workloads.orders.shipments import Shipments
from workloads.orders.wallet import Wallet

VALIDATE = "validate"
RESERVE = "reserve_inventory"
AUTHORISE = "authorise_payment"
CAPTURE = "capture_payment"
SHIP = "create_shipment"
NOTIFY = "notify"
SHIPPED = "fanout.order.shipped"
CLOUD_EVENT = "application/cloudevents+json"
Context = StepContext[OrderParameters]


class OrderSteps:
    """The steps, over the ledgers of this process."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps as they are listed, and after which others each comes."""
        return (
            Step(VALIDATE, self.validate),
            Step(RESERVE, self.reserve, self.release, after=(VALIDATE,)),
            Step(AUTHORISE, self.authorise, self.void, after=(VALIDATE,)),
            Step(CAPTURE, self.capture, self.reverse, after=(RESERVE, AUTHORISE)),
            Step(SHIP, self.ship, self.unship, after=(CAPTURE,)),
            Step(NOTIFY, self.notify, after=(SHIP,)),
        )

    def validate(self, order: Order, context: Context) -> dict[str, str]:
        """Refuse an order without cost or in a currency not accepted; returns its total."""
        parameters = context.parameters
        if order.total <= 0:
            raise PermanentError("the order costs nothing")
        if parameters.currencies is not None and order.currency not in parameters.currencies:
            raise PermanentError(f"{order.currency} is not accepted")
        return {"total": format_amount(order.total, order.currency), "currency": order.currency}

    def reserve(self, order: Order, context: Context) -> None:
        """Reserve the pieces of every line, all or none."""
        self._inventory.reserve(order.warehouse, order.pieces, _own_key(context))

    def release(self, order: Order, output: None, context: Context) -> None:
        """Put the pieces back."""
        self._inventory.release(order.warehouse, order.pieces, _own_key(context))

    def authorise(self, order: Order, context: Context) -> None:
        """Hold what the order costs."""
        key = _own_key(context)
        self._wallet.authorise(order.customer, order.currency, _total(order), key)

    def void(self, order: Order, output: None, context: Context) -> None:
        """Let go of the money."""
        self._wallet.void(order.customer, order.currency, _own_key(context))

    def capture(self, order: Order, context: Context) -> dict[str, str]:
        """Take the money; returns how much."""
        authorisation, key = _own_key_of(AUTHORISE, context), context.idempotency_key
        self._wallet.capture(order.customer, order.currency, authorisation, key)
        return {"amount": format_amount(order.total, order.currency), "currency": order.currency}

    def reverse(self, order: Order, output: dict[str, str] | None, context: Context) -> None:
        """Give the money back."""
        authorisation, key = _own_key_of(AUTHORISE, context), context.idempotency_key
        self._wallet.reverse(order.customer, order.currency, authorisation, key)

    def ship(self, order: Order, context: Context) -> str:
        """Have the parcel packed; returns the id of the shipment."""
        reservation, key = _own_key_of(RESERVE, context), _own_key(context)
        return self._shipments.create(order, reservation, key)

    def unship(self, order: Order, output: str | None, context: Context) -> None:
        """Stop the parcel."""
        self._shipments.cancel(order, _own_key_of(RESERVE, context), _own_key(context))

    def notify(self, order: Order, context: Context) -> None:
        """Publish an event: the order is on its way."""
        message = _shipped_message(order, context.outputs[SHIP], context.idempotency_key)
        self._resources.messaging.send_to_topic(EVENTS_TOPIC, [message])

    @property
    def _inventory(self) -> Inventory:
        return Inventory(self._resources.tables)

    @property
    def _wallet(self) -> Wallet:
        return Wallet(self._resources.tables)

    @property
    def _shipments(self) -> Shipments:
        return Shipments(self._resources.tables, self._inventory, self._resources.messaging)


def _own_key(context: Context) -> str:
    return own_key(context.idempotency_key, context.index)


def _own_key_of(step: str, context: Context) -> str:
    return own_key(context.key_of(step), context.index)


def _total(order: Order) -> Decimal:
    return Decimal(format_amount(order.total, order.currency))


def _shipped_message(order: Order, shipment: str, key: str) -> OutgoingMessage:
    """A CloudEvent (https://cloudevents.io) of a shipped order."""
    event = {
        "specversion": "1.0",
        "id": key,
        "source": "/workloads/orders",
        "type": SHIPPED,
        "subject": order.id,
        "datacontenttype": "application/json",
        "data": {"order": order.id, "customer": order.customer, "shipment": shipment},
    }
    return OutgoingMessage(
        body=to_json(event),
        message_id=shipment_message_id(shipment, "notified"),
        content_type=CLOUD_EVENT,
        correlation_id=order.id,
        subject=SHIPPED,
        properties={"type": SHIPPED},
    )
