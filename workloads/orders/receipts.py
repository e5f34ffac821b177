"""The workload `receipts`: books incoming goods and money, which orders then use."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, RootModel, model_validator

from fanout.workload import Context, MapWorkload, NoParameters
from workloads.orders.inventory import Inventory
from workloads.orders.keys import receipt_key
from workloads.orders.money import Amount, Currency, require_places
from workloads.orders.numbers import WRITTEN_NUMBER
from workloads.orders.order import Key, OrdersModel
from workloads.orders.resources import Resources
from workloads.orders.wallet import Wallet


class Goods(OrdersModel):
    """Pieces of an article."""

    kind: Literal["goods"]
    id: Key
    sku: Key
    warehouse: Key = "main"
    quantity: Annotated[int, Field(ge=1, le=1_000_000_000), WRITTEN_NUMBER]


class Deposit(OrdersModel):
    """Money of a customer.

    Attributes:
        limit: The most that one order may cost from now on; None leaves it as it is.
    """

    kind: Literal["deposit"]
    id: Key
    customer: Key
    currency: Currency
    amount: Amount
    limit: Amount | None = None

    @model_validator(mode="after")
    def _check_amount(self) -> Self:
        require_places("amount", self.amount, self.currency)
        return self


class Receipt(RootModel[Annotated[Goods | Deposit, Field(discriminator="kind")]]):
    """An item of the workload `receipts`."""


class Receipts(MapWorkload[Receipt, NoParameters]):
    """Books receipts, each once in all runs: its id is its idempotency key."""

    name: ClassVar[str] = "receipts"
    description: ClassVar[str] = "Goods and deposits for the ledgers of orders."
    item_model = Receipt

    def __init__(self, resources: Resources | None = None) -> None:
        self._resources = resources or Resources()

    def item_id(self, item: Receipt) -> str:
        """The receipt's id."""
        return item.root.id

    def process(self, item: Receipt, context: Context[NoParameters]) -> None:
        """Book a receipt."""
        receipt, tables = item.root, self._resources.tables
        key = receipt_key(receipt.id)
        if isinstance(receipt, Goods):
            Inventory(tables).receive(receipt.warehouse, receipt.sku, receipt.quantity, key)
            return
        amount = Decimal(receipt.amount)
        Wallet(tables).deposit(receipt.customer, receipt.currency, amount, key, receipt.limit)
