"""The parameters of the workload `orders`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from workloads.orders.money import Currency

# ISO 4217 has fewer.
MAX_CURRENCIES = 1_000


class OrderParameters(BaseModel):
    """The parameters of a run, for all its orders.

    Attributes:
        currencies: The accepted ones; None accepts any in which the customer has a wallet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    currencies: Annotated[list[Currency], Field(max_length=MAX_CURRENCIES)] | None = None
