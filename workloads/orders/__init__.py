"""Orders: reserve, authorise, capture, ship, notify; each undone if a later step fails."""

from workloads.orders.receipts import Receipts
from workloads.orders.workload import Orders

__all__ = ["Orders", "Receipts"]
