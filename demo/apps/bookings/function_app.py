"""The product with one workload more, whose runs show everything that a run can come to."""

import asyncio
import importlib.util
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from fanout.errors import PermanentError, TransientError  # noqa: E402 - it is found by now
from fanout.workload import Context, MapWorkload, NoParameters  # noqa: E402
from workloads import registry  # noqa: E402


class Booking(BaseModel):
    """A seat to be booked, at a desk that takes its time.

    Attributes:
        busy: How often the desk is busy before it answers.
        is_taken: Whether the seat turns out to be taken.
    """

    seat: str
    milliseconds: int = 100
    busy: int = 0
    is_taken: bool = False


class Bookings(MapWorkload[Booking, NoParameters]):
    """Books seats, and gives them back if too many of a party cannot be had."""

    name = "bookings"
    description = "Books seats, and gives them back if too many of a party cannot be had."
    item_model = Booking
    parameters_model = NoParameters

    def item_id(self, item: Booking) -> str:
        """The seat."""
        return item.seat

    async def process(self, item: Booking, context: Context[NoParameters]) -> dict[str, str]:
        """Book a seat."""
        await asyncio.sleep(item.milliseconds / 1000)
        if context.attempt <= item.busy:
            raise TransientError("the booking desk is busy")
        if item.is_taken:
            raise PermanentError("the seat is taken")
        return {"booking": context.idempotency_key}

    async def compensate(self, item: Booking, output: Any, context: Context[NoParameters]) -> None:
        """Give a seat back."""
        await asyncio.sleep(item.milliseconds / 1000)


registry.register(Bookings())
spec = importlib.util.spec_from_file_location("product_app", ROOT / "function_app.py")
if spec is None or spec.loader is None:
    raise ImportError("the product's function_app.py cannot be loaded")
product = importlib.util.module_from_spec(spec)
spec.loader.exec_module(product)
app = product.app
