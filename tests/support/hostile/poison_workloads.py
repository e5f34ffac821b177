"""Workloads that raise while a request is checked: each another thing that should not come."""

import asyncio
from typing import Any, NoReturn

from pydantic import BaseModel

from fanout.workload import Context, MapWorkload, NoParameters
from workloads import registry

# What is raised, by the ending of the name of its workload.
RAISED: dict[str, BaseException] = {
    "recursion": RecursionError("maximum recursion depth exceeded"),
    "memory": MemoryError(),
    "syntax": SyntaxError("too many statically nested blocks"),
    "unicode": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    "stop": StopIteration(),
    "exit": SystemExit(3),
    "interrupt": KeyboardInterrupt(),
    "cancelled": asyncio.CancelledError(),
    "surrogate": ValueError("caf\udce9"),
    "group": BaseExceptionGroup("many", [SystemExit(1)]),
}


class Item(BaseModel):
    """An item with an id."""

    id: int


def _raise(error: BaseException) -> NoReturn:
    raise error


def workload_name(kind: str) -> str:
    """The name of the workload that raises what is so called."""
    return f"raises-{kind}"


def _make(kind: str, error: BaseException) -> MapWorkload[Any, NoParameters]:
    class Raising(MapWorkload[Item, NoParameters]):
        name = workload_name(kind)
        description = "Raises when it is asked whether it can compensate."
        item_model = Item
        parameters_model = NoParameters
        can_compensate = property(lambda self: _raise(error))  # type: ignore[assignment]

        def process(self, item: Item, context: Context[NoParameters]) -> Any:
            return item.id

    return Raising()


for _kind, _error in RAISED.items():
    registry.register(_make(_kind, _error))
