"""The shape of a run, from what its orchestrators ordered turn by turn, as the worker saw it."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.azure_model.shape import Answers, Execution, Orchestration, Step
from localhost.durable.protocol.actions import ActionType
from localhost.durable.protocol.events import EventType

ACTIVITIES = (ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY)
CHILDREN = (ActionType.CALL_CHILD, ActionType.CALL_CHILD_WITH_RETRY)


@dataclass(frozen=True)
class WatchedTurn:
    """A turn: all that its execution has ordered until then, and what had come to it."""

    instance: str
    actions: list[dict[str, Any]]
    arrivals: dict[EventType, int]

    @property
    def is_last(self) -> bool:
        """Whether another execution follows."""
        return any(a["actionType"] == ActionType.CONTINUE_AS_NEW for a in self.actions)


def watched_shapes(lines: Iterable[str]) -> list[Orchestration]:
    """The orchestrations that no other has started, with their children in them."""
    turns: dict[str, list[WatchedTurn]] = defaultdict(list)
    for line in lines:
        turn = _read(json.loads(line))
        turns[turn.instance].append(turn)
    started = {
        action["instanceId"]
        for own in turns.values()
        for turn in own
        for action in turn.actions
        if action["actionType"] in CHILDREN
    }
    return [_shape(turns, instance) for instance in turns if instance not in started]


def _read(turn: dict[str, Any]) -> WatchedTurn:
    actions = [action for group in turn["actions"] for action in _flatten(group)]
    arrivals = {EventType(int(kind)): count for kind, count in turn["arrivals"].items()}
    return WatchedTurn(turn["instance"], actions, arrivals)


def _flatten(action: dict[str, Any] | list[Any]) -> Iterator[dict[str, Any]]:
    parts = action if isinstance(action, list) else action.get("compoundActions")
    if parts is None:
        yield action
        return
    for part in parts:
        yield from _flatten(part)


def _shape(turns: dict[str, list[WatchedTurn]], instance: str) -> Orchestration:
    executions: list[list[WatchedTurn]] = [[]]
    for turn in turns[instance]:
        executions[-1].append(turn)
        if turn.is_last:
            executions.append([])
    return Orchestration(tuple(_execution(turns, own) for own in executions if own))


def _execution(turns: dict[str, list[WatchedTurn]], own: Sequence[WatchedTurn]) -> Execution:
    """The steps of an execution: each begins with the turn that ordered more than the last."""
    steps: list[Step] = []
    orders = 0
    for number, turn in enumerate(own):
        if number:
            before = steps.pop() if steps else Step(turns=0)
            steps.append(replace(before, turns=before.turns + 1))
        new = [a for a in turn.actions[orders:] if a["actionType"] != ActionType.CONTINUE_AS_NEW]
        orders = len(turn.actions)
        if new:
            steps.append(_step(turns, new))
    last = _last_answers(own) if own[-1].is_last else None
    return Execution(_add_arrivals(steps, own[-1].arrivals), last)


def _last_answers(own: Sequence[WatchedTurn]) -> Answers:
    """What came in the last turn only."""
    before = own[-2].arrivals if len(own) > 1 else {}
    new = Counter(own[-1].arrivals)
    new.subtract(before)
    return Answers(
        activities=new[EventType.TASK_COMPLETED],
        failures=new[EventType.TASK_FAILED],
        children=new[EventType.CHILD_COMPLETED],
        timers=new[EventType.TIMER_FIRED],
        raised=new[EventType.EVENT_RAISED],
    )


def _step(turns: dict[str, list[WatchedTurn]], actions: Sequence[dict[str, Any]]) -> Step:
    kinds = Counter(action["actionType"] for action in actions)
    children = [a["instanceId"] for a in actions if a["actionType"] in CHILDREN]
    return Step(
        activities=sum(kinds[kind] for kind in ACTIVITIES),
        children=tuple(_shape(turns, child) for child in children),
        timers=kinds[ActionType.CREATE_TIMER],
        turns=0,
    )


def _add_arrivals(steps: list[Step], arrivals: dict[EventType, int]) -> tuple[Step, ...]:
    """Say what came that nobody ordered, and what did not come that was: with the last step."""
    if not steps:
        return ()
    timers = sum(step.timers for step in steps)
    last = replace(
        steps[-1],
        cancelled=timers - arrivals.get(EventType.TIMER_FIRED, 0),
        raised=arrivals.get(EventType.EVENT_RAISED, 0),
    )
    return (*steps[:-1], last)
