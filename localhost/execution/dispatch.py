"""Decides which process runs which invocation.

Each goes to the process with the least to do; a dead process's durable work goes to another. What
takes longer than `functionTimeout` has failed, and its late result is dropped.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import takewhile
from typing import Any, Protocol

from localhost.execution.contract import FunctionInfo, Invocation, InvocationResult, OnResults
from localhost.texts import describe_error
from localhost.time_spans import format_time_span

logger = logging.getLogger(__name__)

# How long running calls may take to end when the host stops.
GRACE_SECONDS = 2.0
# How long a call that has timed out may still run before its lane counts as stuck.
STUCK_SECONDS = 5.0
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
    on_results: OnResults
    sent_at: float = 0.0


class Dispatcher:
    """Accounts for every call from `submit` until its one result.

    Args:
        timeout: How long a call may take from when it is sent to a lane; None means for ever.
        on_stuck: Called with a lane in which a call goes on long after it has timed out.
    """

    def __init__(
        self, timeout: timedelta | None = None, on_stuck: Callable[[Any], None] = lambda lane: None
    ) -> None:
        self._timeout = timeout
        self._on_stuck = on_stuck
        self._alarm: asyncio.TimerHandle | None = None
        self._late: dict[Lane, set[str]] = {}
        self._retired: dict[Lane, asyncio.Event] = {}
        self._trigger_types: dict[str, str] = {}
        self._inputs: Mapping[str, dict[str, str]] = {}
        self._waiting: deque[_Call] = deque()
        self._lanes: dict[Lane, dict[str, _Call]] = {}
        self._is_deferred = False
        self._idle = asyncio.Event()

    def serve(self, functions: Sequence[FunctionInfo]) -> None:
        """Set the functions that may be called."""
        self._trigger_types = {info.name: info.trigger_type for info in functions}

    def bind(self, inputs: Mapping[str, dict[str, str]]) -> None:
        """Set what calls get besides the trigger's value: by function, then by binding name."""
        self._inputs = inputs

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        """Queue calls, each with an id that no unfinished call has."""
        for invocation in invocations:
            trigger_type = self._trigger_types[invocation.function]
            if (inputs := self._inputs.get(invocation.function)) is not None:
                invocation = replace(invocation, inputs={**inputs, **invocation.inputs})
            self._waiting.append(_Call(invocation, trigger_type, on_results))
        self._dispatch_soon()

    def running_calls(self, lane: Lane) -> list[Invocation]:
        """What a lane is running."""
        return [call.invocation for call in self._lanes.get(lane, {}).values()]

    def is_running(self, lane: Lane, invocation_id: str) -> bool:
        """Whether a lane is running this call."""
        return invocation_id in self._lanes.get(lane, {})

    def add(self, lane: Lane) -> None:
        """Begin to use a lane."""
        self._lanes[lane] = {}
        self._dispatch_soon()

    def remove(self, lane: Lane, reason: str) -> None:
        """Give up a lane: its durable work is queued again, first; other calls fail."""
        calls = list(self._lanes.pop(lane, {}).values())
        self._late.pop(lane, None)
        if (retired := self._retired.pop(lane, None)) is not None:
            retired.set()
        durable_calls = [call for call in calls if call.trigger_type in REDELIVERED]
        self._waiting.extendleft(reversed(durable_calls))
        self._fail(calls, reason)
        self._dispatch_soon()

    async def retire(self, lane: Lane) -> None:
        """Send a lane nothing more, and wait until what it runs has ended or timed out."""
        is_idle = self._retired.setdefault(lane, asyncio.Event())
        self._note_idleness()
        await is_idle.wait()

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
        by_receiver: dict[OnResults, list[InvocationResult]] = {}
        for result in results:
            call = calls.pop(result.id, None)
            if call is None:  # it has timed out
                self._late[lane].discard(result.id)
                continue
            by_receiver.setdefault(call.on_results, []).append(result)
        for on_results, group in by_receiver.items():
            _hand_over(on_results, group)
        self._note_idleness()

    def _note_idleness(self) -> None:
        if any(self._lanes.values()):
            self._idle.clear()
        else:
            self._idle.set()
        for lane, is_idle in self._retired.items():
            if not self._lanes.get(lane):
                is_idle.set()

    def _dispatch_soon(self) -> None:
        if not self._is_deferred:
            self._is_deferred = True
            # What is submitted in one turn of the loop travels together.
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._is_deferred = False
        usable = [lane for lane in self._lanes if lane not in self._retired]
        if not usable:
            return
        now = asyncio.get_running_loop().time()
        batches: dict[Lane, list[Invocation]] = {}
        while self._waiting:
            call = self._waiting.popleft()
            call.sent_at = now
            lane = usable[0] if len(usable) == 1 else min(usable, key=self._load)
            self._lanes[lane][call.invocation.id] = call
            batches.setdefault(lane, []).append(call.invocation)
        for lane, batch in batches.items():
            self._send(lane, batch)
        self._set_alarm()

    def _send(self, lane: Lane, batch: Sequence[Invocation]) -> None:
        try:
            lane.send(batch)
        except Exception as error:
            # What cannot be sent, such as four gigabytes, costs no other its call.
            if len(batch) > 1:
                for invocation in batch:
                    self._send(lane, [invocation])
                return
            logger.exception("a call of %s cannot be sent", batch[0].function)
            problem = f"the call cannot be sent to a worker: {describe_error(error)}"
            result = InvocationResult(batch[0].id, error=problem)
            asyncio.get_running_loop().call_soon(self.finish, lane, [result])

    def _load(self, lane: Lane) -> int:
        return len(self._lanes[lane]) + len(self._late.get(lane, ()))

    def _set_alarm(self) -> None:
        # One timer for the oldest call of all: calls are too many for one each.
        if self._timeout is None or self._alarm is not None:
            return
        oldest = [next(iter(calls.values())).sent_at for calls in self._lanes.values() if calls]
        if oldest:
            due = min(oldest) + self._timeout.total_seconds()
            self._alarm = asyncio.get_running_loop().call_at(due, self._end_overdue, self._timeout)

    def _end_overdue(self, timeout: timedelta) -> None:
        self._alarm = None
        loop = asyncio.get_running_loop()
        latest = loop.time() - timeout.total_seconds()
        for lane, calls in self._lanes.items():
            # Calls are in the order in which they were sent.
            overdue = list(takewhile(lambda call: call.sent_at <= latest, calls.values()))
            for call in overdue:
                self._time_out(calls.pop(call.invocation.id), timeout)
            if overdue:
                late = {call.invocation.id for call in overdue}
                self._late.setdefault(lane, set()).update(late)
                loop.call_later(STUCK_SECONDS, self._look_for_stuck, lane, late)
        self._note_idleness()
        self._set_alarm()

    def _time_out(self, call: _Call, timeout: timedelta) -> None:
        name, invocation_id = call.invocation.function, call.invocation.id
        limit = format_time_span(timeout)
        logger.error(
            "Timeout value of %s exceeded by function 'Functions.%s' (Id: '%s').",
            limit,
            name,
            invocation_id,
        )
        error = (
            f"FunctionTimeoutException: Timeout value of {limit} was exceeded by function: "
            f"Functions.{name}"
        )
        result = InvocationResult(invocation_id, error=error, is_given_up=True)
        _hand_over(call.on_results, [result])

    def _look_for_stuck(self, lane: Lane, late: set[str]) -> None:
        if late & self._late.get(lane, set()):
            self._on_stuck(lane)

    def _fail(self, calls: Iterable[_Call], reason: str) -> None:
        for call in calls:
            if call.trigger_type not in REDELIVERED:
                result = InvocationResult(call.invocation.id, error=reason, is_given_up=True)
                _hand_over(call.on_results, [result])


def _hand_over(on_results: OnResults, results: Sequence[InvocationResult]) -> None:
    try:
        on_results(results)
    except Exception:  # one receiver's fault must not cost the others their results
        logger.exception("Results of %d calls could not be delivered", len(results))
