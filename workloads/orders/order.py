"""An order, as its customer placed it."""

from collections import Counter
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workloads.orders.money import Amount, Currency, has_places_of

# A transaction of Table storage changes a hundred rows: these and the reservation.
MAX_LINES = 99
# Keys of tables: what these letters may be is safe there.
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderLine(_Model):
    """So many pieces of an article, at a price each."""

    sku: Key
    quantity: int = Field(ge=1, le=1_000_000)
    unit_price: Amount


class Address(_Model):
    """Where the parcel goes."""

    name: str = Field(min_length=1, max_length=200)
    street: str = Field(min_length=1, max_length=200)
    city: str = Field(default="", max_length=200)
    postal_code: str = Field(default="", max_length=20)
    country: str = Field(min_length=1, max_length=100)


class Order(_Model):
    """An item of the workload `orders`.

    Attributes:
        warehouse: Where its articles are.
    """

    id: Key
    customer: Key
    currency: Currency
    lines: list[OrderLine] = Field(min_length=1, max_length=MAX_LINES)
    address: Address
    warehouse: Key = "main"

    @model_validator(mode="after")
    def _has_prices_in_its_currency(self) -> Self:
        for number, line in enumerate(self.lines):
            if not has_places_of(line.unit_price, self.currency):
                raise ValueError(
                    f"lines.{number}.unit_price: {line.unit_price} has more decimal places than "
                    f"{self.currency}"
                )
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
