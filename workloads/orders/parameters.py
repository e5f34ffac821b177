"""The parameters of the workload `orders`."""

from pydantic import BaseModel, ConfigDict

from workloads.orders.money import Currency


class OrderParameters(BaseModel):
    """What holds for all orders of a run.

    Attributes:
        currencies: Those accepted; None accepts any in which the customer has a wallet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    currencies: list[Currency] | None = None
