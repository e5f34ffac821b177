"""Orders whose steps fail: before their effect, after it, or by refusing it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, ClassVar, Literal

from azure.core.exceptions import HttpResponseError

from fanout.errors import PermanentError, TransientError
from fanout.workload import Step, StepContext
from workloads.orders import Orders
from workloads.orders.order import Order
from workloads.orders.resources import Resources

# "before" and "after" its effect a call fails transiently; a refusal has none. Storage that is away
# refuses the key, before the effect or after it.
Fault = Literal["before", "after", "refuse", "away", "away after"]
Fate = Callable[[str, str, int], Fault | None]


class FaultyOrders(Orders):
    """`fate` says, by order, call (``ship``, ``undo ship``) and attempt, what goes wrong."""

    name: ClassVar[str] = "faulty-orders"

    def __init__(self, fate: Fate, resources: Resources | None = None) -> None:
        super().__init__(resources)
        self._fate = fate

    @property
    def steps(self) -> Sequence[Step]:
        return [
            replace(step, do=self._do(step), undo=self._undo(step) if step.undo else None)
            for step in super().steps
        ]

    def _do(self, step: Step) -> Callable[..., Any]:
        def do(order: Order, context: StepContext[Any]) -> Any:
            return self._met(order, step.name, context, lambda: step.do(order, context))

        return do

    def _undo(self, step: Step) -> Callable[..., Any]:
        undo = step.undo
        assert undo is not None

        def undone(order: Order, output: Any, context: StepContext[Any]) -> Any:
            act = lambda: undo(order, output, context)  # noqa: E731
            return self._met(order, f"undo {step.name}", context, act)

        return undone

    def _met(
        self, order: Order, call: str, context: StepContext[Any], act: Callable[[], Any]
    ) -> Any:
        fault = self._fate(order.id, call, context.attempt)
        if fault == "refuse":
            raise PermanentError(f"{call} is refused")
        if fault == "before":
            raise TransientError(f"{call} is busy")
        if fault == "away":
            raise refused_key()
        made = act()
        if fault == "after":
            raise TransientError(f"nobody heard of {call}")
        if fault == "away after":
            raise refused_key()
        return made


def refused_key() -> HttpResponseError:
    """What storage answers whose keys were changed a moment ago."""
    error = HttpResponseError("AuthorizationFailure")
    error.status_code = HTTPStatus.FORBIDDEN
    return error
