"""Orders of a chaos test: what fails is drawn from the order's id, the call and the attempt."""

import hashlib
from typing import ClassVar

from tests.support.workloads.faulty_orders import Fault, FaultyOrders
from workloads import registry
from workloads.orders.steps import CAPTURE, NOTIFY, RESERVE, SHIP

ORDERS = 150
PIECES = 400
SKUS = ("pen", "ink", "cup")
CUSTOMERS = tuple(f"c{n}" for n in range(8))
TRANSIENT_SHARE = 0.15
# Steps and undos that are refused for good, by the order's number.
REFUSED = {3: CAPTURE, 5: SHIP, 7: NOTIFY}
UNDO_REFUSED = {5: f"undo {RESERVE}"}
EVERY = 20


def fate(order: str, call: str, attempt: int) -> Fault | None:
    """Say what goes wrong with a call; the last of the attempts always goes well."""
    number = int(order.removeprefix("o")) % EVERY
    if call == REFUSED.get(number) or call == UNDO_REFUSED.get(number):
        return "refuse"
    draw = hashlib.blake2b(f"{order}/{call}/{attempt}".encode(), digest_size=8).digest()
    share = int.from_bytes(draw, "big") / 2**64
    if attempt > 2 or share > TRANSIENT_SHARE:
        return None
    return "after" if share < TRANSIENT_SHARE / 2 else "before"


class ChaoticOrders(FaultyOrders):
    """Orders whose failures are drawn, over real ledgers."""

    name: ClassVar[str] = "chaotic-orders"


registry.register(ChaoticOrders(fate))
