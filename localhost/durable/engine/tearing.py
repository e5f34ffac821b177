"""Torn turns (`--faults`): the messages of a turn are sent, its state is lost, it is taken again.

Azure's backend sends what a turn decided first and stores its history or state afterwards. Where
the second fails, or the process dies in between, the turn's input becomes visible again after a
while and the turn is taken anew, behind whatever came meanwhile. This engine does both in one
transaction, so that it has to lose the state on purpose. The input stays in the store all the time:
a host that is killed meanwhile finds it there.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Hashable

DELAY_SECONDS = (0.2, 3.0)


class Tearing:
    """Decides which turns are torn, and brings back their input.

    Args:
        share: The share of turns that are torn.
        delay_seconds: The input of a torn turn is back after a time between these two.
        seed: What every decision is drawn from.
    """

    def __init__(
        self,
        share: float = 0.0,
        delay_seconds: tuple[float, float] = DELAY_SECONDS,
        seed: int | None = None,
    ) -> None:
        self._share = share
        self._delay_seconds = delay_seconds
        self._chance = random.Random(seed)  # noqa: S311 - no secret is drawn from it
        self._spared: set[Hashable] = set()
        self._alarms: set[asyncio.TimerHandle] = set()
        self._is_open = True

    @property
    def is_on(self) -> bool:
        """Whether any turn may be torn."""
        return self._share > 0

    def should_tear(self, inputs: Collection[Hashable]) -> bool:
        """Decide about a turn; what has been in a torn one is spared the next time."""
        if not self.is_on:
            return False
        if not self._spared.isdisjoint(inputs):
            self._spared.difference_update(inputs)
            return False
        is_torn = self._chance.random() < self._share
        if is_torn:
            self._spared.update(inputs)
        return is_torn

    def schedule(self, bring_back: Callable[[], None]) -> None:
        """Make a call when the input of a torn turn is due."""
        if not self._is_open:
            return

        def ring() -> None:
            self._alarms.discard(alarm)
            bring_back()

        seconds = self._chance.uniform(*self._delay_seconds)
        alarm = asyncio.get_running_loop().call_later(seconds, ring)
        self._alarms.add(alarm)

    def close(self) -> None:
        """Bring nothing back any more; the next start finds it in the store."""
        self._is_open = False
        for alarm in self._alarms:
            alarm.cancel()
