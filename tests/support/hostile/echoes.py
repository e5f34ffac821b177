"""A workload that gives each item back, so that outcomes are as large as items."""

from typing import Any, ClassVar

from pydantic import RootModel

from fanout.workload import Context, MapWorkload, NoParameters
from workloads import registry


class Anything(RootModel[Any]):
    """An item of any kind."""


class Echo(MapWorkload[Anything, NoParameters]):
    """Gives each item back."""

    name: ClassVar[str] = "echo"
    item_model = Anything

    def process(self, item: Anything, context: Context[NoParameters]) -> Any:
        return item.root

    def compensate(self, item: Anything, output: Any, context: Context[NoParameters]) -> None:
        assert item.root == output


def register() -> None:
    """Have the workload be known in this process."""
    registry.register(Echo())
