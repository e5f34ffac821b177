"""Decides which process runs which invocation.

Each goes to the process with the least to do; a dead process's durable work goes to another.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from localhost.contract import Done, FunctionInfo, Invocation, InvocationResult

logger = logging.getLogger(__name__)

# How long running calls may take to end when the host stops.
GRACE_SECONDS = 2.0
Examine = Callable[[Sequence[FunctionInfo]], Sequence[FunctionInfo]]
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


class Dispatcher:
    """Accounts for every call from `submit` until its one result."""

    def __init__(self) -> None:
        self._trigger_types: dict[str, str] = {}
        self._inputs: Mapping[str, dict[str, str]] = {}
        self._waiting: deque[_Call] = deque()
        self._lanes: dict[Lane, dict[str, _Call]] = {}
        self._is_deferred = False
        self._idle = asyncio.Event()

    def serve(self, functions: Sequence[FunctionInfo]) -> None:
        """Say which functions there are."""
        self._trigger_types = {info.name: info.trigger_type for info in functions}

    def bind(self, inputs: Mapping[str, dict[str, str]]) -> None:
        """Say what calls of a function are given besides what triggers them, by binding name."""
        self._inputs = inputs

    def submit(self, invocations: Sequence[Invocation], done: Done) -> None:
        """Queue calls, each with an id that no unfinished call has."""
        for invocation in invocations:
            trigger_type = self._trigger_types[invocation.function]
            if (inputs := self._inputs.get(invocation.function)) is not None:
                invocation = replace(invocation, inputs={**inputs, **invocation.inputs})
            self._waiting.append(_Call(invocation, trigger_type, done))
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
        calls = list(self._lanes.pop(lane, {}).values())
        again = [call for call in calls if call.trigger_type in REDELIVERED]
        self._waiting.extendleft(reversed(again))
        self._fail(calls, reason)
        self._dispatch_soon()

    async def drain(self, grace_seconds: float) -> None:
        """Wait until no call runs, but no longer than this."""
        self._note_idleness()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), grace_seconds)

    def abandon(self, reason: str) -> None:
        """Fail what still waits for a lane, but for durable work, which the next host does."""
        calls, self._waiting = self._waiting, deque()
        self._fail(calls, reason)

    def finish(self, lane: Lane, results: Sequence[InvocationResult]) -> None:
        """Take the results of a lane and hand each to whoever asked for it."""
        calls = self._lanes.get(lane)
        if calls is None:
            return
        by_receiver: dict[Done, list[InvocationResult]] = {}
        for result in results:
            call = calls.pop(result.id)
            by_receiver.setdefault(call.done, []).append(result)
        for done, group in by_receiver.items():
            _hand_over(done, group)
        self._note_idleness()

    def _note_idleness(self) -> None:
        if any(self._lanes.values()):
            self._idle.clear()
        else:
            self._idle.set()

    def _dispatch_soon(self) -> None:
        if not self._is_deferred:
            self._is_deferred = True
            # What is submitted in one turn of the loop travels together.
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._is_deferred = False
        if not self._lanes:
            return
        batches: dict[Lane, list[Invocation]] = {}
        while self._waiting:
            call = self._waiting.popleft()
            lane = min(self._lanes, key=self._load)
            self._lanes[lane][call.invocation.id] = call
            batches.setdefault(lane, []).append(call.invocation)
        for lane, batch in batches.items():
            lane.send(batch)

    def _load(self, lane: Lane) -> int:
        return len(self._lanes[lane])

    def _fail(self, calls: Iterable[_Call], reason: str) -> None:
        for call in calls:
            if call.trigger_type not in REDELIVERED:
                _hand_over(call.done, [InvocationResult(call.invocation.id, error=reason)])


def _hand_over(done: Done, results: Sequence[InvocationResult]) -> None:
    try:
        done(results)
    except Exception:  # one receiver's fault must not cost the others their results
        logger.exception("Results of %d calls could not be delivered", len(results))
