"""The parameters of the workload `orders`."""

from pydantic import BaseModel, ConfigDict

from workloads.orders.money import Currency


class OrderParameters(BaseModel):
    """The parameters of a run, for all its orders.

    Attributes:
        currencies: The accepted ones; None accepts any in which the customer has a wallet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    currencies: list[Currency] | None = None
