"""What orchestrations order and wait for, and what that makes: events, messages, actions.

A pure function of steps, so that it holds for whatever a run's scheme is: who knows the steps, from
a run that was watched or from a plan, knows the histories.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from localhost.durable.protocol.events import EventType

Events = Counter[EventType]
# What brings a turn about is one message, or several that came together.
_A_TURN_BEGUN = Events({EventType.ORCHESTRATOR_STARTED: 1})
_A_TURN = _A_TURN_BEGUN + Events({EventType.ORCHESTRATOR_COMPLETED: 1})
_AN_END = Events({EventType.EXECUTION_COMPLETED: 1})
_AN_EXECUTION = Events({EventType.EXECUTION_STARTED: 1}) + _AN_END


@dataclass(frozen=True)
class Step:
    """What an orchestration orders in one turn and waits for.

    Attributes:
        activities: That complete.
        failures: Activities that fail.
        children: Orchestrations that are started and complete.
        timers: That are set.
        cancelled: Timers among them that do not fire, since what was waited for came first.
        raised: Events that come from outside.
        turns: How many turns the answers take: 1 if they come together, at most one each.
        times: How many such steps come one after the other.
    """

    activities: int = 0
    failures: int = 0
    children: tuple["Orchestration", ...] = ()
    timers: int = 0
    cancelled: int = 0
    raised: int = 0
    turns: int = 1
    times: int = 1


@dataclass(frozen=True)
class Answers:
    """What came in one turn."""

    activities: int = 0
    failures: int = 0
    children: int = 0
    timers: int = 0
    raised: int = 0

    @property
    def events(self) -> Events:
        """By type."""
        return Events(
            {
                EventType.TASK_COMPLETED: self.activities,
                EventType.TASK_FAILED: self.failures,
                EventType.CHILD_COMPLETED: self.children,
                EventType.TIMER_FIRED: self.timers,
                EventType.EVENT_RAISED: self.raised,
            }
        )


@dataclass(frozen=True)
class Execution:
    """Steps of one history, from the start or `continue_as_new` on.

    Attributes:
        last: What came in its last turn, if that continued as new: no history has that, since the
            next one takes the place of this; all that is kept of the turn is its end, in the next.
        times: How many such executions come one after the other.
    """

    steps: tuple[Step, ...] = ()
    last: Answers | None = None
    times: int = 1


@dataclass(frozen=True)
class Orchestration:
    """An orchestration: its executions.

    Attributes:
        copies: How many there are like it.
    """

    executions: tuple[Execution, ...]
    copies: int = 1

    @property
    def histories(self) -> int:
        """How many histories it has, one after the other."""
        return sum(execution.times for execution in self.executions)


def of_steps(*steps: Step, copies: int = 1) -> Orchestration:
    """An orchestration with a single history."""
    return Orchestration((Execution(steps),), copies)


def count_events(orchestration: Orchestration) -> Events:
    """The events of its histories and those of its children, by type.

    Types are DurableTask.Core's: https://github.com/Azure/durabletask, `History/EventType.cs`.
    """
    return _count(orchestration, is_stored=True)


def _count(orchestration: Orchestration, *, is_stored: bool) -> Events:
    """All that happened, or only what histories have of it."""
    once = _add(
        _multiply(_events_of_execution(execution, is_stored=is_stored), execution.times)
        for execution in orchestration.executions
    )
    return _multiply(once, orchestration.copies)


def _events_of_execution(execution: Execution, *, is_stored: bool) -> Events:
    steps = (
        _multiply(_events_of_step(step, is_stored=is_stored), step.times)
        for step in execution.steps
    )
    total = _add([_AN_EXECUTION, _A_TURN, *steps])
    if is_stored and execution.last is not None:
        total.subtract(_add([_A_TURN_BEGUN, _AN_END, execution.last.events]))
    return total


def _events_of_step(step: Step, *, is_stored: bool) -> Events:
    children = sum(child.copies for child in step.children)
    own = Events(
        {
            EventType.TASK_SCHEDULED: step.activities + step.failures,
            EventType.TASK_COMPLETED: step.activities,
            EventType.TASK_FAILED: step.failures,
            EventType.CHILD_CREATED: children,
            EventType.CHILD_COMPLETED: children,
            EventType.TIMER_CREATED: step.timers,
            EventType.TIMER_FIRED: step.timers - step.cancelled,
            EventType.EVENT_RAISED: step.raised,
        }
    )
    below = (_count(child, is_stored=is_stored) for child in step.children)
    return _add([own, _multiply(_A_TURN, step.turns), *below])


def _add(counts: Iterable[Events]) -> Events:
    total = Events()
    for count in counts:
        total.update({kind: number for kind, number in count.items() if number})
    return total


def _multiply(counts: Events, times: int) -> Events:
    return Events({kind: number * times for kind, number in counts.items()})


def count_messages(orchestration: Orchestration) -> int:
    """The messages of queues: an order and an answer of each call, timers, starts.

    The Durable Task Scheduler's actions are the same: it counts what it hands to the app
    (https://learn.microsoft.com/azure/azure-functions/durable/durable-task-scheduler/durable-task-scheduler-dedicated-sku).
    """
    events = _count(orchestration, is_stored=False)
    answers = (EventType.TASK_COMPLETED, EventType.TASK_FAILED, EventType.CHILD_COMPLETED)
    orders = (EventType.TASK_SCHEDULED, EventType.EXECUTION_STARTED)
    others = (EventType.TIMER_FIRED, EventType.EVENT_RAISED)
    return sum(events[kind] for kind in (*answers, *orders, *others))


def longest_history(orchestration: Orchestration) -> int:
    """The events of the longest history among all: each turn reads its own whole."""
    longest = 0
    for execution in orchestration.executions:
        own = _AN_EXECUTION.total() + _A_TURN.total()
        for step in execution.steps:
            children = 2 * sum(child.copies for child in step.children)
            alone = _events_of_step(replace(step, children=()), is_stored=True)
            own += (alone.total() + children) * step.times
            longest = max([longest, *map(longest_history, step.children)])
        longest = max(longest, own)
    return longest
