"""The product as it stands, plus workloads that do nothing or wait, and the textbook fan-out."""

import importlib.util
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))

import textbook
from pydantic import BaseModel

from fanout.workload import Context, MapWorkload, NoParameters
from workloads import registry


class Item(BaseModel):
    """A small record."""

    id: int
    text: str


class Nothing(MapWorkload[Item, NoParameters]):
    """Returns the item's number: what is left is what Fanout itself costs."""

    name: ClassVar[str] = "nothing"
    item_model = Item

    def process(self, item: Item, context: Context[NoParameters]) -> Any:
        """Return the id."""
        return item.id


class Pause(BaseModel):
    """An item that takes its time."""

    id: int
    seconds: float


class Waiting(MapWorkload[Pause, NoParameters]):
    """Waits as long as each item says."""

    name: ClassVar[str] = "waiting"
    item_model = Pause

    def process(self, item: Pause, context: Context[NoParameters]) -> Any:
        """Wait and return the id."""
        time.sleep(item.seconds)
        return item.id


for workload in (Nothing(), Waiting()):
    registry.register(workload)

# Both are called function_app, so the product's is loaded under another name.
spec = importlib.util.spec_from_file_location("product_app", ROOT / "function_app.py")
assert spec is not None and spec.loader is not None
product = importlib.util.module_from_spec(spec)
spec.loader.exec_module(product)
app = product.app
app.register_functions(textbook.bp)
