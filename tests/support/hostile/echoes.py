"""A workload that gives each item back, so that outcomes are as large as items."""

from typing import Any, ClassVar

from pydantic import RootModel

from fanout.errors import PermanentError
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


class Refusal(Echo):
    """Fails each item for good, so that each becomes a dead letter."""

    name: ClassVar[str] = "refusal"

    def process(self, item: Anything, context: Context[NoParameters]) -> Any:
        raise PermanentError("no")


class AsyncEcho(Echo):
    """Gives each item back, some at the same time."""

    name: ClassVar[str] = "async-echo"

    async def process(self, item: Anything, context: Context[NoParameters]) -> Any:
        return item.root


class Copies(Echo):
    """Makes much of little: a text as long as the item says."""

    name: ClassVar[str] = "copies"

    async def process(self, item: Anything, context: Context[NoParameters]) -> Any:
        return "x" * item.root


def register() -> None:
    """Have the workloads be known in this process."""
    for workload in (Echo(), Refusal(), AsyncEcho(), Copies()):
        registry.register(workload)
