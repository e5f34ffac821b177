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
_A_TURN = Events({EventType.ORCHESTRATOR_STARTED: 1, EventType.ORCHESTRATOR_COMPLETED: 1})
_AN_EXECUTION = Events({EventType.EXECUTION_STARTED: 1, EventType.EXECUTION_COMPLETED: 1})


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
class Execution:
    """Steps of one history, from the start or `continue_as_new` on.

    Attributes:
        times: How many such executions come one after the other.
    """

    steps: tuple[Step, ...] = ()
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
    once = _add(
        _multiply(_events_of_execution(execution), execution.times)
        for execution in orchestration.executions
    )
    return _multiply(once, orchestration.copies)


def _events_of_execution(execution: Execution) -> Events:
    steps = (_multiply(_events_of_step(step), step.times) for step in execution.steps)
    return _add([_AN_EXECUTION, _A_TURN, *steps])


def _events_of_step(step: Step) -> Events:
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
    return _add([own, _multiply(_A_TURN, step.turns), *map(count_events, step.children)])


def _add(counts: Iterable[Events]) -> Events:
    total = Events()
    for count in counts:
        total.update({kind: number for kind, number in count.items() if number})
    return total


def _multiply(counts: Events, times: int) -> Events:
    return Events({kind: number * times for kind, number in counts.items()})


def count_messages(events: Events) -> int:
    """The messages of queues: an order and an answer of each call, timers, starts.

    The Durable Task Scheduler's actions are the same: it counts what it hands to the app
    (https://learn.microsoft.com/azure/azure-functions/durable/durable-task-scheduler/durable-task-scheduler-dedicated-sku).
    """
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
            alone = _events_of_step(replace(step, children=()))
            own += (alone.total() + children) * step.times
            longest = max([longest, *map(longest_history, step.children)])
        longest = max(longest, own)
    return longest
