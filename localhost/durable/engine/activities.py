"""Runs activities and `call_http`, and brings their results to the instances that wait for them."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from localhost.durable.engine.core import Core
from localhost.durable.engine.http_call import HttpCaller
from localhost.durable.engine.window import Window
from localhost.durable.errors import RefusedWriteError, UnstorableError
from localhost.durable.protocol import events, failures, round_trip, tracing
from localhost.durable.protocol.actions import HTTP_ACTIVITY, ActionType
from localhost.durable.protocol.events import EventType
from localhost.durable.state.instance import Instance
from localhost.durable.state.tasks import Execution, Task
from localhost.durable.storage.transaction import Transaction
from localhost.execution.contract import Executor, Invocation, InvocationResult
from localhost.texts import describe_error


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of one activity."""

    instance: Instance
    execution: Execution
    task: Task
    number: int

    @property
    def is_current(self) -> bool:
        """Whether the execution that asked for it goes on."""
        return self.instance.execution is self.execution

    @property
    def is_wanted(self) -> bool:
        """Whether its result would still be taken."""
        return self.is_current and self.execution.may_arrive(self.number)


class Activities:
    """Runs activities; a call starts only after the turn that asked for it is on disk.

    Args:
        touch: Called with each instance that got results.
        lose: Called with one whose results cannot be kept, and why.
    """

    def __init__(
        self,
        core: Core,
        executor: Executor,
        touch: Callable[[Instance], None],
        lose: Callable[[Instance, str], None],
    ) -> None:
        self._core = core
        self._touch = touch
        self._lose = lose
        self._http = HttpCaller(core.settings.http_poll_seconds)
        self._http_tasks: set[asyncio.Task[None]] = set()
        self._window: Window[Call] = Window(
            executor, core.settings.max_concurrent_activities, self._invocation, self._deliver
        )

    def start(self, instance: Instance, execution: Execution, tasks: Iterable[Task]) -> None:
        """Queue the calls; those that cannot be made fail."""
        calls: list[Call] = []
        unknown: list[tuple[Call, InvocationResult]] = []
        for task in tasks:
            call = Call(instance, execution, task, task.number)
            if task.kind == ActionType.CALL_HTTP:
                self._call_http(call)
            elif self._core.functions.activity(task.name) is None:
                reason = self._core.functions.unknown_activity(task.name)
                unknown.append((call, InvocationResult("", error=reason)))
            else:
                calls.append(call)
        if calls:
            self._window.add(calls)
        if unknown:
            self._deliver(unknown)

    async def close(self, grace_seconds: float) -> None:
        """Start no more calls; those that do not end, and HTTP calls, are made again later."""
        await self._window.close(grace_seconds)
        for task in self._http_tasks:
            task.cancel()
        await asyncio.gather(*self._http_tasks, return_exceptions=True)
        await self._http.close()

    def _invocation(self, call: Call) -> Invocation | None:
        function = self._core.functions.activity(call.task.name)
        # With torn turns it runs in any case: its first result may have ended the instance, and in
        # Azure nobody takes back what was sent.
        if function is None or not (call.is_current or self._core.tearing.is_on):
            return None
        return Invocation(
            id=self._core.new_invocation_id(),
            function=function.name,
            payload=call.task.input,
            trace_parent=tracing.child_trace_parent(call.instance.identity.trace_parent),
        )

    def _call_http(self, call: Call) -> None:
        task = asyncio.get_running_loop().create_task(self._run_http(call))
        self._http_tasks.add(task)
        task.add_done_callback(self._http_tasks.discard)

    async def _run_http(self, call: Call) -> None:
        request = json.loads(call.task.input or "{}")
        self._deliver([(call, await self._http.run(request))])

    def _deliver(self, results: list[tuple[Call, InvocationResult]]) -> None:
        """Store a batch of results, one inbox row for each instance, and wake the instances."""
        at = self._core.stamp()
        batches: dict[str, tuple[Instance, list[tuple[Call, InvocationResult]]]] = {}
        for call, result in results:
            if call.is_wanted:
                entry = batches.setdefault(call.instance.id, (call.instance, []))
                entry[1].append((call, result))
        if not batches:
            return
        tx = Transaction()
        for instance, batch in batches.values():
            try:
                tx.extend(self._receive(instance, batch, at))
            except UnstorableError as error:
                self._lose(instance, str(error))
        instances = [instance for instance, _ in batches.values()]
        self._core.store.submit(tx, on_refusal=partial(self._lose_all, instances))
        for instance in instances:
            self._touch(instance)

    def _lose_all(self, instances: Iterable[Instance], refusal: RefusedWriteError) -> None:
        for instance in instances:
            self._lose(instance, str(refusal))

    def _receive(
        self,
        instance: Instance,
        batch: list[tuple[Call, InvocationResult]],
        at: str,
    ) -> Transaction:
        tx = Transaction()
        seq = self._core.next_sequence()
        texts: list[str] = []
        for call, result in batch:
            try:
                text = _end_event(at, call, result, tx)
            except (ValueError, RecursionError) as error:  # what user code can read, JSON cannot
                result = replace(result, value=None, error=describe_error(error))
                text = _end_event(at, call, result, tx)
            if instance.arrive(seq, call.number, text, failed=result.error is not None):
                texts.append(text)
        if texts:
            instance.inbox_mark = seq
            tx.keep_payloads(instance.id)
            tx.receive(seq, instance.id, instance.execution_id, None, "\n".join(texts))
        return tx


def _end_event(at: str, call: Call, result: InvocationResult, tx: Transaction) -> str:
    if result.error is None:
        value = "null" if result.value is None else round_trip.result(str(result.value))
        return events.completion(EventType.TASK_COMPLETED, at, call.number, tx.literal(value))
    if call.task.name == HTTP_ACTIVITY:
        reason, details = result.error, result.stack or ""
    else:
        error = round_trip.failure(result.error)
        reason = failures.activity_reason(call.task.name, error)
        details = failures.activity_details(error, result.stack)
    return events.failure(
        EventType.TASK_FAILED, at, call.number, tx.literal(reason), tx.literal(details)
    )
