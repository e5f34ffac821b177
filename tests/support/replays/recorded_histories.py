"""Orchestrations recorded from the embedded host, and replayed through the SDK without one."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from localhost.durable.protocol.actions import ERROR_LABEL
from localhost.execution.contract import Invocation

COMPOUND = (11, 12)
EXTERNAL_EVENT = 6
CANCELLED = "isCanceled"
EXECUTION_STARTED = 0
TASK_SCHEDULED, TASK_COMPLETED, TASK_FAILED = 4, 5, 6
# How many more activities are in flight after an event.
CHANGES = {TASK_SCHEDULED: 1, TASK_COMPLETED: -1, TASK_FAILED: -1}
FEWEST_EVENTS = 2


@dataclass(frozen=True)
class Recording:
    """One execution of an orchestration: what the SDK was given at each of its turns.

    Attributes:
        turns: The contexts, as the host sent them; each history is a prefix of the next one's.
    """

    orchestrator: str
    instance_id: str
    turns: tuple[dict[str, Any], ...]

    @property
    def history(self) -> list[dict[str, Any]]:
        """The history of the last turn."""
        return list(self.turns[-1]["history"])

    @property
    def input(self) -> Any:
        """What the orchestration was started with."""
        return json.loads(self.turns[0]["input"])

    def tasks(self, *activities: str) -> list[dict[str, Any]]:
        """The events of some activities: what was scheduled, and how each of it ended."""
        history = self.history
        scheduled = {
            event["EventId"]
            for event in history
            if event["EventType"] == TASK_SCHEDULED and event["Name"] in activities
        }
        return [
            event
            for event in history
            if event.get("TaskScheduledId") in scheduled
            or (event["EventType"] == TASK_SCHEDULED and event["EventId"] in scheduled)
        ]

    def prefixes(self) -> Iterator[dict[str, Any]]:
        """Give the context cut after every event, beginning with the shortest that can run."""
        history = self.history
        for length in range(FEWEST_EVENTS, len(history) + 1):
            yield {**self.turns[-1], "history": history[:length]}


def in_flight(recording: Recording) -> list[int]:
    """How many activities were scheduled and not ended, after each event."""
    open_now, counts = 0, []
    for event in recording.history:
        open_now += CHANGES.get(event["EventType"], 0)
        counts.append(open_now)
    return counts


@dataclass(frozen=True)
class Reply:
    """What a replay came to: every action since the start, flat, and whether that was the end."""

    actions: list[dict[str, Any]]
    is_done: bool
    output: Any
    error: str | None


def begins_with(longer: Reply, shorter: Reply) -> bool:
    """Tell whether one asks for all that another did, in order; a timer may be cancelled since."""
    first, later = shorter.actions, longer.actions
    return len(first) <= len(later) and all(
        _as_asked(new) == _as_asked(old) and new.get(CANCELLED, False) >= old.get(CANCELLED, False)
        for new, old in zip(later, first, strict=False)
    )


def _as_asked(action: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in action.items() if name != CANCELLED}


def recordings(calls: Iterable[Invocation], orchestrators: set[str]) -> list[Recording]:
    """Gather the turns of each execution from everything a host asked its executor."""
    turns: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for call in calls:
        if call.function in orchestrators:
            context = json.loads(call.payload)
            key = (call.function, context["instanceId"], _execution(context))
            turns.setdefault(key, []).append(context)
    return [
        Recording(name, instance_id, tuple(sorted(contexts, key=lambda c: len(c["history"]))))
        for (name, instance_id, _), contexts in turns.items()
    ]


def _execution(context: dict[str, Any]) -> str:
    started = next(e for e in context["history"] if e["EventType"] == EXECUTION_STARTED)
    return str(started["OrchestrationInstance"]["ExecutionId"])


def replay(function: Callable[[str], str], context: dict[str, Any]) -> Reply:
    """Run an orchestrator over a history, as a worker does at each turn."""
    try:
        text = function(json.dumps(context))
    except Exception as failure:
        label = str(failure).rfind(ERROR_LABEL)
        assert label >= 0, f"the replay itself failed: {failure}"
        text = str(failure)[label + len(ERROR_LABEL) :]
    body = json.loads(text)
    actions = list(_leaves(body["actions"][0]))
    return Reply(actions, body["isDone"], body.get("output"), body.get("error"))


def _leaves(actions: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for action in actions:
        if action["actionType"] in COMPOUND:
            yield from _leaves(action["compoundActions"])
        elif action["actionType"] != EXTERNAL_EVENT:
            yield action


def payload(text: str | None) -> Any:
    """What a payload of a history says, taken out of as many layers of JSON as it is wrapped in."""
    value: Any = text
    while isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            break
    return value


def activity_input(event: dict[str, Any]) -> Any:
    """What an activity was given; the host keeps it as a list of one."""
    return payload(payload(event["Input"])[0])


def payload_bytes(text: str | None) -> int:
    """How many bytes a payload takes, without those layers."""
    return len(json.dumps(payload(text)))
