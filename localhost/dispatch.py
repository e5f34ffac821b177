"""Decides which process runs which invocation, and when.

Keeps the concurrency limits of host.json, gives each invocation to the process with the least to
do, and gives a dead process's durable work to the next.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from localhost.contract import Done, FunctionInfo, Invocation, InvocationResult

logger = logging.getLogger(__name__)

# How long running calls may take to end when the host stops.
GRACE_SECONDS = 5.0
REDELIVERED = frozenset({"activityTrigger", "orchestrationTrigger", "entityTrigger"})


class Lane(Protocol):
    """Something that runs invocations and hands their results to `Dispatcher.finish`."""

    def send(self, invocations: Sequence[Invocation]) -> None:
        """Run these; never blocks."""


@dataclass(slots=True)
class _Call:
    invocation: Invocation
    trigger_type: str
    done: Done


@dataclass(slots=True)
class _Kind:
    """The calls of one trigger type: how many may run, how many do, and who waits."""

    limit: float
    running: int = 0
    waiting: deque[_Call] = field(default_factory=deque)


class Dispatcher:
    """Accounts for every call from `submit` until its one result.

    Args:
        limits: How many calls may run at once, by trigger type; those not named have no limit.
        defer: Calls a function soon, on the event loop (`loop.call_soon`), so that what is
            submitted in one turn of the loop travels together.
    """

    def __init__(
        self, limits: Mapping[str, int], defer: Callable[[Callable[[], None]], object]
    ) -> None:
        self._limits = limits
        self._defer = defer
        self._trigger_types: dict[str, str] = {}
        self._kinds: dict[str, _Kind] = {}
        self._lanes: dict[Lane, dict[str, _Call]] = {}
        self._is_deferred = False
        self._idle = asyncio.Event()

    def serve(self, functions: Sequence[FunctionInfo]) -> None:
        """Say which functions there are."""
        self._trigger_types = {info.name: info.trigger_type for info in functions}

    def submit(self, invocations: Sequence[Invocation], done: Done) -> None:
        """Queue calls, each with an id that no unfinished call has."""
        for invocation in invocations:
            trigger_type = self._trigger_types[invocation.function]
            self._kind(trigger_type).waiting.append(_Call(invocation, trigger_type, done))
        self._dispatch_soon()

    def running(self, lane: Lane) -> list[Invocation]:
        """What a lane is running."""
        return [call.invocation for call in self._lanes.get(lane, {}).values()]

    def add(self, lane: Lane) -> None:
        """Begin to use a lane."""
        self._lanes[lane] = {}
        self._dispatch_soon()

    def remove(self, lane: Lane, reason: str) -> None:
        """Give up a lane: its durable work is queued again, first; other calls fail."""
        calls = self._lanes.pop(lane, {})
        again = [call for call in calls.values() if call.trigger_type in REDELIVERED]
        for call in calls.values():
            self._kinds[call.trigger_type].running -= 1
        for call in reversed(again):
            self._kinds[call.trigger_type].waiting.appendleft(call)
        self._fail([c for c in calls.values() if c.trigger_type not in REDELIVERED], reason)
        self._dispatch_soon()

    async def drain(self, grace_seconds: float) -> None:
        """Wait until no call runs, but no longer than this."""
        self._note_idleness()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), grace_seconds)

    def abandon(self, reason: str) -> None:
        """Fail whatever is still waiting for a lane; the host is stopping."""
        for kind in self._kinds.values():
            waiting, kind.waiting = kind.waiting, deque()
            self._fail([c for c in waiting if c.trigger_type not in REDELIVERED], reason)

    def finish(self, lane: Lane, results: Sequence[InvocationResult]) -> None:
        """Take the results of a lane and hand each to whoever asked for it."""
        calls = self._lanes.get(lane)
        if calls is None:
            return
        by_receiver: dict[Done, list[InvocationResult]] = {}
        for result in results:
            call = calls.pop(result.id)
            self._kinds[call.trigger_type].running -= 1
            by_receiver.setdefault(call.done, []).append(result)
        for done, group in by_receiver.items():
            _hand_over(done, group)
        self._dispatch()
        self._note_idleness()

    def _note_idleness(self) -> None:
        if any(self._lanes.values()):
            self._idle.clear()
        else:
            self._idle.set()

    def _kind(self, trigger_type: str) -> _Kind:
        kind = self._kinds.get(trigger_type)
        if kind is None:
            kind = _Kind(self._limits.get(trigger_type, float("inf")))
            self._kinds[trigger_type] = kind
        return kind

    def _dispatch_soon(self) -> None:
        if not self._is_deferred:
            self._is_deferred = True
            self._defer(self._dispatch)

    def _dispatch(self) -> None:
        self._is_deferred = False
        if not self._lanes:
            return
        batches: dict[Lane, list[Invocation]] = {}
        for kind in self._kinds.values():
            while kind.waiting and kind.running < kind.limit:
                call = kind.waiting.popleft()
                kind.running += 1
                lane = min(self._lanes, key=self._load) if len(self._lanes) > 1 else self._only()
                self._lanes[lane][call.invocation.id] = call
                batches.setdefault(lane, []).append(call.invocation)
        for lane, batch in batches.items():
            lane.send(batch)

    def _load(self, lane: Lane) -> int:
        return len(self._lanes[lane])

    def _only(self) -> Lane:
        return next(iter(self._lanes))

    def _fail(self, calls: Sequence[_Call], reason: str) -> None:
        for call in calls:
            _hand_over(call.done, [InvocationResult(call.invocation.id, error=reason)])


def _hand_over(done: Done, results: Sequence[InvocationResult]) -> None:
    try:
        done(results)
    except Exception:  # one receiver's fault must not cost the others their results
        logger.exception("Results of %d calls could not be delivered", len(results))
