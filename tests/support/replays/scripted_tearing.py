"""Which turns are torn, as a test says."""

from collections.abc import Collection, Hashable

from localhost.durable.engine.tearing import Tearing


class ScriptedTearing(Tearing):
    """Tears the turns of these places, counted from 0 over the life of the engine."""

    def __init__(self, *places: int, delay_seconds: float = 0.05) -> None:
        super().__init__(1.0, (delay_seconds, delay_seconds))
        self._places = places
        self._taken = 0

    def should_tear(self, inputs: Collection[Hashable]) -> bool:
        self._taken += 1
        return self._taken - 1 in self._places
