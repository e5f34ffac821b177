"""An executor that applies the faults of `--faults` to the activities of another."""

import asyncio
import heapq
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Protocol

from localhost.execution.contract import (
    FunctionInfo,
    HostedExecutor,
    Invocation,
    InvocationResult,
    OnResults,
)
from localhost.faults import Fate, Faults, draw_fates

logger = logging.getLogger(__name__)

ACTIVITY = "activityTrigger"


class Workers(Protocol):
    """The processes that may be killed."""

    @property
    def worker_pids(self) -> Sequence[int]:
        """The ids of those now running."""

    def find_worker(self, invocation_id: str) -> int | None:
        """The id of the one that a call was sent to; None if none has it now."""


@dataclass(slots=True)
class _Delivery:
    """An activity on its way.

    Attributes:
        pid: The worker that has it, once that is known.
        has_ended: Whether it has its one result.
    """

    call: Invocation
    fate: Fate
    on_results: OnResults
    pid: int | None = None
    has_ended: bool = False

    def end(self, results: Sequence[InvocationResult]) -> None:
        """Hand over the first result; which of two deliveries it is of is open."""
        if not self.has_ended:
            self.has_ended = True
            self.on_results([replace(result, id=self.call.id) for result in results])


class FaultyExecutor:
    """A `HostedExecutor` around another.

    Args:
        inner: The executor that runs user code.
        workers: Its processes; None if it has none.
    """

    def __init__(self, inner: HostedExecutor, faults: Faults, workers: Workers | None) -> None:
        self._inner = inner
        self._workers = workers
        self._fates = draw_fates(faults)
        self._held = Holdback(may_overtake=faults.activities.reorder)
        self._activities: set[str] = set()
        self._is_open = True

    @property
    def environment(self) -> dict[str, str]:
        """See `HostedExecutor`."""
        return self._inner.environment

    @property
    def functions(self) -> Sequence[FunctionInfo]:
        """See `Executor`."""
        return self._inner.functions

    async def prepare(self) -> None:
        """See `HostedExecutor`."""
        await self._inner.prepare()

    def bind(self, inputs: Mapping[str, dict[str, str]]) -> None:
        """See `HostedExecutor`."""
        self._inner.bind(inputs)

    async def start(self) -> None:
        """See `Executor`."""
        await self._inner.start()
        self._activities = {f.name for f in self.functions if f.trigger_type == ACTIVITY}

    async def stop(self) -> None:
        """See `Executor`; completions still held back are lost, as are those of a host killed."""
        self._is_open = False
        self._held.close()
        await self._inner.stop()

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        """Run these calls, activities with faults."""
        plain_calls = [call for call in invocations if call.function not in self._activities]
        if plain_calls:
            self._inner.submit(plain_calls, on_results)
        for call in invocations:
            if call.function in self._activities:
                self._disturb(call, next(self._fates), on_results)

    def _disturb(self, call: Invocation, fate: Fate, on_results: OnResults) -> None:
        delivery = _Delivery(call, fate, on_results)
        self._inner.submit([call], partial(self._end, delivery))
        if fate.is_killed_before or fate.is_killed_after:
            # What is submitted in one turn of the loop is sent at its end.
            asyncio.get_running_loop().call_soon(self._follow, delivery)
        if fate.is_delivered_twice:
            second_call = replace(call, id=f"{call.id}-again")
            self._inner.submit([second_call], partial(self._hold, delivery, fate.delays[1]))

    def _follow(self, delivery: _Delivery) -> None:
        """Note which worker has the activity, and kill that worker if this is its fate."""
        if self._workers is not None:
            delivery.pid = self._workers.find_worker(delivery.call.id)
        if delivery.fate.is_killed_before:
            self._kill(delivery, "before")

    def _end(self, delivery: _Delivery, results: Sequence[InvocationResult]) -> None:
        delay = delivery.fate.delays[0]
        if delivery.fate.is_killed_after and self._is_open and self._kill(delivery, "after"):
            # Its result died with the worker: it is delivered again, and not killed again.
            self._inner.submit([delivery.call], partial(self._hold, delivery, delay))
        else:
            self._hold(delivery, delay, results)

    def _hold(self, delivery: _Delivery, delay: float, results: Sequence[InvocationResult]) -> None:
        self._held.add(delay, partial(delivery.end, results))

    def _kill(self, delivery: _Delivery, when: str) -> bool:
        """Kill the worker that has an activity; say whether it was still there."""
        pid = delivery.pid
        if self._workers is None or pid is None or pid not in self._workers.worker_pids:
            return False
        name = delivery.call.function
        logger.warning("Fault: worker process %d is killed %s %s.", pid, when, name)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it has ended by itself, which is not known here yet
            return False
        return True


class Holdback:
    """Makes calls after a delay each.

    Args:
        may_overtake: Whether one with a short delay is made before an earlier one with a long one.
    """

    def __init__(self, *, may_overtake: bool) -> None:
        self._may_overtake = may_overtake
        self._held: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._latest = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._is_open = True

    def add(self, delay: float, call: Callable[[], None]) -> None:
        """Make a call in so many seconds, at once if there is no delay."""
        if not self._is_open:
            return
        due = asyncio.get_running_loop().time() + delay
        if not self._may_overtake:
            due = self._latest = max(due, self._latest)
        heapq.heappush(self._held, (due, next(self._order), call))
        self._release()

    def close(self) -> None:
        """Forget the calls not yet made."""
        self._is_open = False
        self._held.clear()
        if self._alarm is not None:
            self._alarm.cancel()

    def _release(self) -> None:
        loop = asyncio.get_running_loop()
        if self._alarm is not None:
            self._alarm.cancel()
        while self._held and self._held[0][0] <= loop.time():
            # Not called from here: what one raises must not keep the others back.
            loop.call_soon(heapq.heappop(self._held)[2])
        if self._held:
            self._alarm = loop.call_at(self._held[0][0], self._release)
