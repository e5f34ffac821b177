"""The workload `orders`: a saga over stock, wallets and shipments."""

from collections.abc import Sequence
from typing import ClassVar

from fanout.adapters.settings import SERVICE_BUS, settings
from fanout.errors import FieldProblem
from fanout.records import SourceInfo
from fanout.workload import SagaWorkload, Step
from workloads.orders.order import Order
from workloads.orders.parameters import OrderParameters
from workloads.orders.resources import Resources
from workloads.orders.steps import OrderSteps


class Orders(SagaWorkload[Order, OrderParameters]):
    """Validates, reserves and authorises, captures, ships and notifies, or undoes it all."""

    name: ClassVar[str] = "orders"
    description: ClassVar[str] = "Orders: stock, payment and shipment, undone if a step fails."
    item_model = Order
    parameters_model = OrderParameters

    def __init__(self, resources: Resources | None = None) -> None:
        self._steps = OrderSteps(resources or Resources()).steps

    @property
    def steps(self) -> Sequence[Step]:
        """Validate; reserve and authorise; capture; ship; notify."""
        return self._steps

    def item_id(self, item: Order) -> str:
        """The order's id."""
        return item.id

    def check(self, parameters: OrderParameters, source: SourceInfo) -> list[FieldProblem]:
        """Refuse a run without a Service Bus: nobody would hear what to pack."""
        if settings().service_bus is not None:
            return []
        message = f"orders need a Service Bus for their shipments; set {SERVICE_BUS}"
        return [FieldProblem("workload", message)]
