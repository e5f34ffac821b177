"""The tasks of one execution: their numbers (`docs/host-protocol.md`, 5.3), and what is open.

The SDK numbers tasks by itself while it replays; this mirrors it. The numbers follow from the order
in which completions are settled. A failed attempt of a with-retry task, and a retry timer that
leads to another attempt, take a number when they are settled and never wake user code. Any other
completion takes none, and the new actions it leads to are numbered in list order. So the engine
settles the first kind in turns of their own, without a replay ("silent"). The same calls in the
same order rebuild an execution from its history: recovery is not a second implementation.
"""

from dataclasses import dataclass, field
from typing import Any

from localhost.durable.protocol.actions import Action, ActionType, Decision, Signature, necessity

NO_NUMBER = -1


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how soon a failed task is tried again."""

    interval_ms: int
    max_attempts: int


# What the extension cannot schedule it does not try even once: whoever awaits it waits for ever.
NEVER = Retry(0, 0)


@dataclass(slots=True, eq=False)
class Task:
    """An open task.

    Attributes:
        number: Its sequence number now; with retries it changes with each attempt and retry timer.
        origin: The number it had first, by which the action list knows it.
        arrived_failed: None until a completion waits to be settled, then whether it is a failure.
        fire_at: When a timer (or the retry timer it waits for) fires, as stored.
        previous: The number before this one, where there was another.
        target: The child's instance id, or the id an entity's reply will bear.
        chosen_id: The instance id user code chose for the child, None to have one made.
    """

    number: int
    origin: int
    kind: int
    name: str
    retry: Retry | None = None
    attempt: int = 1
    previous: int = NO_NUMBER
    is_backing_off: bool = False
    arrived_failure: bool | None = None
    is_canceled: bool = False
    input: str | None = None
    version: str | None = None
    fire_at: str | None = None
    target: str | None = None
    chosen_id: str | None = None

    @property
    def is_activity(self) -> bool:
        """Whether user code (or the HTTP call) runs for it now."""
        return self.kind in _ACTIVITIES and not self.is_backing_off

    @property
    def is_child(self) -> bool:
        """Whether a sub-orchestration runs for it now."""
        return self.kind in _CHILDREN and not self.is_backing_off

    @property
    def is_timer(self) -> bool:
        """Whether it waits for the clock."""
        return self.kind == ActionType.CREATE_TIMER or self.is_backing_off

    @property
    def has_attempts_left(self) -> bool:
        """Whether a failure now would not be the last."""
        return self.retry is not None and self.attempt < self.retry.max_attempts

    def is_silent(self, *, failed: bool) -> bool:
        """Whether settling its completion stays hidden from user code."""
        if self.retry is None:
            return False
        return self.has_attempts_left if self.is_backing_off else failed

    def ends_badly(self, *, failed: bool) -> bool:
        """Whether user code sees this completion as a failure."""
        if self.retry is None:
            return failed
        return self.is_backing_off and not self.has_attempts_left


_ACTIVITIES = (ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY, ActionType.CALL_HTTP)
_CHILDREN = (ActionType.CALL_CHILD, ActionType.CALL_CHILD_WITH_RETRY)
_WITH_RETRY = (ActionType.CALL_ACTIVITY_WITH_RETRY, ActionType.CALL_CHILD_WITH_RETRY)


@dataclass(frozen=True, slots=True)
class Registration:
    """An action as it is numbered: all that recovery needs beside the events it left."""

    signature: Signature
    retry: Retry | None = None


@dataclass(slots=True)
class Needs:
    """What the orchestrator certainly needs before it can move: task origins and event counts."""

    origins: set[int] = field(default_factory=set)
    events: dict[str, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Need nothing any more."""
        self.origins.clear()
        self.events.clear()


class Execution:
    """Open tasks, event waits and the next number of one execution.

    Attributes:
        signatures: Kind and name of every action so far, in number order.
        numbers: The first number of each, `NO_NUMBER` for event waits.
        tasks: Open tasks by the number they have now.
        open: The same by the number they had first.
        timer_places: Where user code's open timers stand in `signatures`, by number.
        replies: Numbers of open entity calls by the id their reply will bear.
        waits: Open event waits by name, the newest last, as places in `signatures`.
        early: Names of events that came while nobody waited; the SDK keeps the newest of each and
            gives it to every wait there ever is for the name.
        awaited: What the orchestrator cannot move without.
        is_certain: Whether `needs` was known after the last replay; once met, replay at once.
        has_failures: Whether user code was ever handed a failure.
    """

    def __init__(self) -> None:
        self.next_number = 0
        self.signatures: list[Signature] = []
        self.numbers: list[int] = []
        self.tasks: dict[int, Task] = {}
        self.open: dict[int, Task] = {}
        self.timer_places: dict[int, int] = {}
        self.replies: dict[str, int] = {}
        self.waits: dict[str, list[int]] = {}
        self.early_event_names: set[str] = set()
        self.needs = Needs()
        self.is_certain = False
        self.has_failures = False

    def take_number(self) -> int:
        """Use up the next sequence number."""
        number = self.next_number
        self.next_number += 1
        return number

    def register(self, registration: Registration) -> Task | None:
        """Number a new action; event waits and signals open no task."""
        kind, name = registration.signature
        if kind == ActionType.WAIT_FOR_EVENT:
            if name not in self.early_event_names:
                self.waits.setdefault(name, []).append(len(self.numbers))
            self._note(registration.signature, NO_NUMBER)
            return None
        if registration.retry == NEVER:
            self._note(registration.signature, NO_NUMBER)
            return None
        number = self.take_number()
        self._note(registration.signature, number)
        task = Task(number, number, kind, name, registration.retry)
        if kind == ActionType.CREATE_TIMER:
            self.timer_places[number] = len(self.numbers) - 1
        if kind != ActionType.SIGNAL_ENTITY:
            self.tasks[number] = self.open[number] = task
        return task

    def _note(self, signature: Signature, number: int) -> None:
        self.signatures.append(signature)
        self.numbers.append(number)

    def may_arrive(self, number: int) -> bool:
        """Whether a completion would be taken, now or (of a torn turn) once it is asked for."""
        task = self.tasks.get(number)
        if task is None:
            return number >= self.next_number
        return task.arrived_failure is None and not task.is_canceled

    def arrive(self, number: int, *, failed: bool) -> Task | None:
        """Take note of a completion not yet settled; None if it is not wanted (any more)."""
        task = self.tasks.get(number)
        if task is None or task.arrived_failure is not None or task.is_canceled:
            return None
        task.arrived_failure = failed
        if task.ends_badly(failed=failed):
            self.needs.clear()
        elif not task.is_silent(failed=failed):
            self.needs.origins.discard(task.origin)
        return task

    def settle(self, task: Task) -> None:
        """Deliver a task's completion: close it, or give its retry the next number."""
        failed = bool(task.arrived_failure)
        del self.tasks[task.number]
        if not task.is_silent(failed=failed):
            del self.open[task.origin]
            self.timer_places.pop(task.origin, None)
            self.has_failures |= task.ends_badly(failed=failed)
            return
        if task.is_backing_off:
            task.attempt += 1
        task.is_backing_off = not task.is_backing_off
        task.arrived_failure = None
        task.previous = task.number
        task.number = self.take_number()
        self.tasks[task.number] = task

    def raise_event(self, name: str) -> None:
        """Deliver an external event to the newest wait for its name, as the SDK does."""
        places = self.waits.get(name)
        if places is None:
            self.early_event_names.add(name)
            return
        places.pop()
        if not places:
            del self.waits[name]

    def expect(self, decision: Decision) -> None:
        """Work out from the newest action what the orchestrator cannot move without.

        Nothing is certain of a WhenAll once any task has failed: a WhenAll over a failed task has
        failed itself, while its other children are listed all the same.
        """
        self.needs = Needs()
        self.is_certain = False
        last = decision.last
        is_compound = last is not None and "compoundActions" in last
        if last is None or (is_compound and self.has_failures):
            return
        necessities = list(necessity(last))
        start = len(self.numbers) - len(necessities)
        for offset, is_needed in enumerate(necessities):
            if is_needed:
                self._add_need(start + offset)
        self.is_certain = bool(self.needs.origins or self.needs.events)
        if any(self._has_ended_badly(index) for index in range(start, len(self.numbers))):
            self.needs.clear()

    def _has_ended_badly(self, index: int) -> bool:
        task = self.open.get(self.numbers[index])
        if task is None or task.arrived_failure is None:
            return False
        return task.ends_badly(failed=task.arrived_failure)

    def _add_need(self, index: int) -> None:
        number = self.numbers[index]
        if number == NO_NUMBER:
            name = self.signatures[index][1]
            if index in self.waits.get(name, ()):
                self.needs.events[name] = self.needs.events.get(name, 0) + 1
            return
        task = self.open.get(number)
        if task is None:
            return
        arrived = task.arrived_failure
        if arrived is None or task.is_silent(failed=arrived):
            self.needs.origins.add(number)

    @property
    def has_blocking_tasks(self) -> bool:
        """Whether tasks are open that an ended orchestrator still waits for."""
        return any(
            not task.is_canceled and task.kind != ActionType.CALL_ENTITY
            for task in self.tasks.values()
        )


def read_registration(action: Action, signature: Signature) -> Registration:
    """Read the retry options of an action."""
    if signature[0] not in _WITH_RETRY:
        return Registration(signature)
    options: dict[str, Any] = action["retryOptions"]
    return Registration(
        signature,
        Retry(options["firstRetryIntervalInMilliseconds"], options["maxNumberOfAttempts"]),
    )
