"""Turns an orchestrator's actions into history events, and into what has to happen afterwards."""

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from localhost.durable.protocol import events, times
from localhost.durable.protocol.actions import Action, ActionType
from localhost.durable.protocol.events import EventType
from localhost.durable.state.instance import HeldInput, Instance
from localhost.durable.state.notes import Notes
from localhost.durable.state.operations import EntityMessage
from localhost.durable.state.tasks import Registration, Task
from localhost.durable.storage.transaction import Transaction

_LONGEST_RETRY_WAIT = timedelta(days=6)
# As .NET writes a time: without the zeros at the end of its fraction.
_FRACTION = re.compile(r"(\.\d*[1-9])0+(?=Z|[+-]|$)|\.0+(?=Z|[+-]|$)")


@dataclass(slots=True)
class Effects:
    """What follows from a turn once its events are written down."""

    activities: list[Task] = field(default_factory=list)
    children: list[Task] = field(default_factory=list)
    timers: list[Task] = field(default_factory=list)
    messages: list[EntityMessage] = field(default_factory=list)


class Turn:
    """One turn of an instance in the making.

    Args:
        instance: What it works on: a shadow of the instance, if the turn is torn.
        at: The time of the turn, which user code sees as the current time.
        held_input: What has to be handed over again, if the turn is torn.
    """

    def __init__(
        self, instance: Instance, at: str, incoming: list[str], held_input: HeldInput | None = None
    ) -> None:
        self.instance = instance
        self.held_input = held_input
        self.at = at
        self.opening = [events.orchestrator_started(at), *incoming]
        self.created: list[str] = []
        self.notes = Notes()
        self.effects = Effects()
        self._handlers: dict[int, Callable[[Task, Action, Transaction], None]] = {
            ActionType.CALL_ACTIVITY: self._call_activity,
            ActionType.CALL_ACTIVITY_WITH_RETRY: self._call_activity,
            ActionType.CALL_HTTP: self._call_http,
            ActionType.CALL_CHILD: self._call_child,
            ActionType.CALL_CHILD_WITH_RETRY: self._call_child,
            ActionType.CREATE_TIMER: self._create_timer,
            ActionType.CALL_ENTITY: self._call_entity,
            ActionType.SIGNAL_ENTITY: self._signal_entity,
        }

    @property
    def text(self) -> str:
        """The events of the turn, as they are stored."""
        return events.SEPARATOR.join(
            [*self.opening, *self.created, events.orchestrator_completed(self.at)]
        )

    def perform(self, action: Action, registration: Registration, tx: Transaction) -> None:
        """Number a new action and write down that it was asked for."""
        self.notes.registrations.append(registration)
        task = self.instance.execution.register(registration)
        if task is not None:
            self._handlers[task.kind](task, action, tx)

    def settle(self, task: Task, tx: Transaction) -> None:
        """Deliver a completion; a retry gets its timer, or its next attempt."""
        execution = self.instance.execution
        execution.settle(task)
        if task.number not in execution.tasks:
            return
        if task.is_backing_off:
            self._back_off(task)
        elif task.is_child:
            self._schedule_child(task, tx)
        else:
            self._schedule_activity(task, tx)

    def contradict(self, action: Action, number: int, tx: Transaction) -> None:
        """Write down what user code scheduled in place of what the history has under a number."""
        kind = action["actionType"]
        if kind in (ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY):
            input_json = tx.literal(json.dumps([action["input"]]))
            name = action["functionName"]
            self.created.append(events.task_scheduled(self.at, number, name, input_json))
        elif kind == ActionType.CREATE_TIMER:
            self.created.append(events.timer_created(self.at, number, action["fireAt"]))

    def cancel(self, task: Task) -> None:
        """Stop waiting for a timer."""
        task.is_canceled = True
        self.instance.drop(task)
        self.notes.canceled.append(task.number)

    def _back_off(self, task: Task) -> None:
        # The last failure is followed by a timer too, due at once: the SDK counts on it.
        due = times.instant(self.at)
        if task.retry is not None and task.has_attempts_left:
            due += min(timedelta(milliseconds=task.retry.interval_ms), _LONGEST_RETRY_WAIT)
        self._schedule_timer(task, times.stamp(due))

    def _call_activity(self, task: Task, action: Action, tx: Transaction) -> None:
        task.input = action["input"]
        self._schedule_activity(task, tx)

    def _call_http(self, task: Task, action: Action, tx: Transaction) -> None:
        task.input = json.dumps(action["httpRequest"])
        self._schedule_activity(task, tx)

    def _schedule_activity(self, task: Task, tx: Transaction) -> None:
        input_json = tx.literal(json.dumps([task.input]))
        self.created.append(events.task_scheduled(self.at, task.number, task.name, input_json))
        self.effects.activities.append(task)

    def _call_child(self, task: Task, action: Action, tx: Transaction) -> None:
        task.input = json.dumps(action["input"])
        task.version = action.get("version")
        task.chosen_id = action.get("instanceId") or None
        self._schedule_child(task, tx)

    def _schedule_child(self, task: Task, tx: Transaction) -> None:
        task.target = task.chosen_id or f"{self.instance.execution_id}:{task.number}"
        text = tx.literal(task.input)
        self.created.append(
            events.child_created(self.at, task.number, task.name, task.version, task.target, text)
        )
        self.effects.children.append(task)

    def _create_timer(self, task: Task, action: Action, tx: Transaction) -> None:
        self._schedule_timer(task, _FRACTION.sub(r"\1", action["fireAt"]))
        if action.get("isCanceled"):
            self.cancel(task)

    def _schedule_timer(self, task: Task, fire_at: str) -> None:
        task.fire_at = fire_at
        self.created.append(events.timer_created(self.at, task.number, fire_at))
        self.effects.timers.append(task)

    def _call_entity(self, task: Task, action: Action, tx: Transaction) -> None:
        task.target = str(uuid.uuid4())
        self.instance.execution.replies[task.target] = task.number
        self._send(task.number, action, task.target, tx, is_signal=False)

    def _signal_entity(self, task: Task, action: Action, tx: Transaction) -> None:
        self._send(task.number, action, str(uuid.uuid4()), tx, is_signal=True)

    def _send(
        self, number: int, action: Action, message_id: str, tx: Transaction, *, is_signal: bool
    ) -> None:
        entity_id = action["instanceId"]
        message = {
            "$type": events.dotnet_type("RequestMessage"),
            "op": action["operation"],
            **({"signal": True} if is_signal else {}),
            # A JSON string of JSON text: entities decode their input twice.
            "input": json.dumps(action["input"]),
            "id": message_id,
            "parent": self.instance.id,
            "parentExecution": self.instance.execution_id,
            "Timestamp": self.at,
            "Predecessor": self.instance.sent.get(entity_id, events.NO_TIME),
            "requestTime": self.at,
        }
        self.instance.sent[entity_id] = self.at
        text = json.dumps(message, separators=(",", ":"))
        self.created.append(events.event_sent(self.at, number, entity_id, "op", tx.literal(text)))
        self.effects.messages.append(EntityMessage(entity_id, text))


def child_end_event(
    at: str, number: int, outcome: tuple[str, str | None, str | None], tx: Transaction
) -> str:
    """What a parent is told about a child: the status, the output or reason, and details."""
    status, text, details = outcome
    if status == "Completed":
        result = tx.literal(text if text is not None else "null")
        return events.completion(EventType.CHILD_COMPLETED, at, number, result)
    return events.failure(EventType.CHILD_FAILED, at, number, tx.literal(text), tx.literal(details))
