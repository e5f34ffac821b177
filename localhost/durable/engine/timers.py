"""Durable timers: a heap in memory and one alarm for the earliest of them."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")

# The loop's clock stands still while a laptop sleeps, and wall clocks are set: an alarm never waits
# longer than this before the time is looked at again.
_LONGEST_WAIT_SECONDS = 60.0


class Timers(Generic[T]):
    """Calls `fire` with what is due, in order of due time, then of creation."""

    def __init__(self, clock: Callable[[], datetime], fire: Callable[[list[T]], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._heap: list[tuple[datetime, int, T]] = []
        self._order = count()
        self._alarm: asyncio.TimerHandle | None = None

    def add(self, due: datetime, target: T) -> None:
        """Remember a timer. One that is due already fires soon, not now."""
        heapq.heappush(self._heap, (due, next(self._order), target))
        if self._heap[0][2] is target:
            self._set_alarm()

    def close(self) -> None:
        """Fire no more."""
        self._heap.clear()
        if self._alarm is not None:
            self._alarm.cancel()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        wait = (self._heap[0][0] - self._clock()).total_seconds()
        delay = min(max(wait, 0.0), _LONGEST_WAIT_SECONDS)
        self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        now = self._clock()
        due: list[T] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        if self._heap:
            self._set_alarm()
        if due:
            self._fire(due)
