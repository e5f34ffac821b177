"""The workload `receipts`: goods and money that come in, so that orders find some."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from fanout.workload import Context, MapWorkload, NoParameters
from workloads.orders.inventory import Inventory
from workloads.orders.money import Amount, Currency, has_places_of
from workloads.orders.order import Key
from workloads.orders.resources import Resources
from workloads.orders.wallet import Wallet


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Goods(_Model):
    """Pieces of an article."""

    kind: Literal["goods"]
    id: Key
    sku: Key
    warehouse: Key = "main"
    quantity: int = Field(ge=1, le=1_000_000_000)


class Deposit(_Model):
    """Money of a customer.

    Attributes:
        limit: From now on, what one order may cost; None leaves it as it is.
    """

    kind: Literal["deposit"]
    id: Key
    customer: Key
    currency: Currency
    amount: Amount
    limit: Amount | None = None

    @model_validator(mode="after")
    def _has_an_amount_in_its_currency(self) -> Self:
        if not has_places_of(self.amount, self.currency):
            raise ValueError(f"amount: {self.amount} has more decimal places than {self.currency}")
        return self


class Receipt(RootModel[Annotated[Goods | Deposit, Field(discriminator="kind")]]):
    """An item of the workload `receipts`."""


class Receipts(MapWorkload[Receipt, NoParameters]):
    """Books what comes in, each receipt once in all runs, for its id is its key."""

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
        key = f"receipt/{receipt.id}"
        if isinstance(receipt, Goods):
            Inventory(tables).receive(receipt.warehouse, receipt.sku, receipt.quantity, key)
            return
        amount = Decimal(receipt.amount)
        Wallet(tables).deposit(receipt.customer, receipt.currency, amount, key, receipt.limit)
