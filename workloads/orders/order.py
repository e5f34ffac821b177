"""An order, as its customer placed it."""

from collections import Counter
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workloads.orders.money import Amount, Currency, require_places
from workloads.orders.numbers import WRITTEN_NUMBER

# A transaction of Table storage changes 100 rows: an article for each line, and the reservation.
MAX_LINES = 99
# These letters are safe in the keys of tables.
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class OrdersModel(BaseModel):
    """A part of an item: frozen, with no other fields than its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderLine(OrdersModel):
    """Pieces of an article, and the price of one."""

    sku: Key
    quantity: Annotated[int, Field(ge=1, le=1_000_000), WRITTEN_NUMBER]
    unit_price: Amount


class Address(OrdersModel):
    """Where the parcel goes."""

    name: str = Field(min_length=1, max_length=200)
    street: str = Field(min_length=1, max_length=200)
    city: str = Field(default="", max_length=200)
    postal_code: str = Field(default="", max_length=20)
    country: str = Field(min_length=1, max_length=100)


class Order(OrdersModel):
    """An item of the workload `orders`.

    Attributes:
        warehouse: The warehouse that has its articles.
    """

    id: Key
    customer: Key
    currency: Currency
    lines: list[OrderLine] = Field(min_length=1, max_length=MAX_LINES)
    address: Address
    warehouse: Key = "main"

    @model_validator(mode="after")
    def _check_prices(self) -> Self:
        for number, line in enumerate(self.lines):
            require_places(f"lines.{number}.unit_price", line.unit_price, self.currency)
        return self

    @property
    def total(self) -> Decimal:
        """What the order costs."""
        return sum((line.quantity * line.unit_price for line in self.lines), Decimal(0))

    @property
    def pieces(self) -> dict[str, int]:
        """How many pieces of each article, in the order of their names."""
        counts: Counter[str] = Counter()
        for line in self.lines:
            counts[line.sku] += line.quantity
        return dict(sorted(counts.items()))
