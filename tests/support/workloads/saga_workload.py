"""A saga whose items say which of its steps fail, over a ledger that remembers every effect."""

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from fanout.errors import PermanentError, TransientError
from fanout.workload import NoParameters, SagaWorkload, Step, StepContext
from workloads import registry

Fate = Literal["refuse", "busy", "refuse-first-take"] | int


class Booking(BaseModel):
    """An item; `fates` has what becomes of ``pay`` or ``undo pay``, a number failing so often."""

    model_config = ConfigDict(extra="forbid")

    id: str
    fates: dict[str, Fate] = {}


class Effects:
    """What was done and undone, by idempotency key: each once, whatever is repeated.

    Attributes:
        on_call: Called whenever a step, or the undoing of one, begins.
    """

    def __init__(self) -> None:
        self.on_call: Callable[[], object] = lambda: None
        self.log: list[tuple[str, str]] = []
        self.undone: set[str] = set()
        self.done: set[str] = set()
        self.calls: Counter[tuple[str, str]] = Counter()

    def do(self, key: str) -> None:
        if key in self.undone:
            raise PermanentError(f"{key} was taken back")
        if key not in self.done:
            self.done.add(key)
            self.log.append(("do", key))

    def undo(self, key: str) -> None:
        if key not in self.undone:
            self.undone.add(key)
            self.log.append(("undo", key))

    @property
    def standing(self) -> set[str]:
        """The keys whose effect stands."""
        return self.done - self.undone


class Voyage(SagaWorkload[Booking, NoParameters]):
    """Check; flight and hotel side by side; pay; tell."""

    name: ClassVar[str] = "voyage"
    item_model = Booking

    def __init__(self) -> None:
        self.effects = Effects()

    def item_id(self, item: Booking) -> str:
        return item.id

    @property
    def steps(self) -> tuple[Step, ...]:
        return (
            Step("check", self._check),
            Step("flight", self._do("flight"), self._undo("flight"), after=("check",)),
            Step("hotel", self._do("hotel"), self._undo("hotel"), after=("check",)),
            Step("pay", self._do("pay"), self._undo("pay"), after=("flight", "hotel")),
            Step("tell", self._do("tell"), after=("pay",)),
        )

    def _check(self, item: Booking, context: StepContext[NoParameters]) -> None:
        self._meet(item, "check", context)

    def _do(self, name: str) -> Any:
        def do(item: Booking, context: StepContext[NoParameters]) -> str:
            self._meet(item, name, context)
            self.effects.do(context.idempotency_key)
            return f"{name} of {item.id}"

        return do

    def _undo(self, name: str) -> Any:
        def undo(item: Booking, output: Any, context: StepContext[NoParameters]) -> None:
            assert output == (None if context.is_doubtful else f"{name} of {item.id}")
            self._meet(item, f"undo {name}", context)
            self.effects.undo(context.idempotency_key)

        return undo

    def _meet(self, item: Booking, call: str, context: StepContext[NoParameters]) -> None:
        self.effects.calls[item.id, call] += 1
        self.effects.on_call()
        fate = item.fates.get(call)
        is_first = "take-" not in context.idempotency_key
        if fate == "refuse" or (fate == "refuse-first-take" and is_first):
            raise PermanentError(f"no {call}")
        if fate == "busy" or (isinstance(fate, int) and context.attempt <= fate):
            raise TransientError(f"{call} is busy")


registry.register(Voyage())
