"""Rebuilds every unfinished instance from the store, by the calls that a first run makes."""

import json
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from localhost.durable.protocol.events import EventType
from localhost.durable.state.instance import ExternalEvent, Identity, Instance, Parent
from localhost.durable.state.notes import Notes
from localhost.durable.state.operations import Operation
from localhost.durable.state.tasks import Execution, Task
from localhost.durable.storage import payloads
from localhost.durable.storage.store import Store
from localhost.texts import describe_error

logger = logging.getLogger(__name__)

Event = dict[str, Any]
StoredTurn = tuple[str, str | None]
InboxRow = tuple[int, str | None, str | None, str]

_FAILED_BY_END = {
    EventType.TASK_COMPLETED: False,
    EventType.TASK_FAILED: True,
    EventType.CHILD_COMPLETED: False,
    EventType.CHILD_FAILED: True,
    EventType.TIMER_FIRED: False,
}
_REPLAYED_AFTER = (EventType.REWOUND, EventType.RESUMED)
_COLUMNS = (
    "instance_id, name, execution_id, version, status, input, custom_status, created_at,"
    " parent_id, parent_execution_id, parent_task, trace_parent"
)
_UNFINISHED = "status IN ('Pending', 'Running', 'Suspended', 'ContinuedAsNew')"


class ContradictionError(Exception):
    """A history ends a task that it never began, or twice."""


@dataclass(frozen=True, slots=True)
class BrokenInstance:
    """An unfinished instance whose history cannot be read, or contradicts itself."""

    instance: Instance
    problem: str


@dataclass(slots=True)
class RecoveredState:
    """What the store held."""

    instances: list[Instance] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    broken: list[BrokenInstance] = field(default_factory=list)
    last_sequence: int = 0


@dataclass(frozen=True, slots=True)
class _Rows:
    instances: list[tuple[Any, ...]]
    turns: dict[str, list[StoredTurn]]
    inbox: dict[str, list[InboxRow]]
    operations: list[tuple[int, str, str, str]]
    last_sequence: int


async def recover(store: Store) -> RecoveredState:
    """Read and rebuild; nothing is started yet. One instance that is broken costs no other.

    Raises:
        sqlite3.Error: The file cannot be read.
    """
    rows = await store.read(_select)
    state = RecoveredState(last_sequence=rows.last_sequence)
    for row in rows.instances:
        instance = _instance(row)
        try:
            await rebuild(instance, rows.turns.get(instance.id, []), store)
            await _refill(instance, rows.inbox.get(instance.id, []), store)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001  whatever stands in its rows
            problem = f"the history of instance '{instance.id}' {_describe_fault(error)}"
            state.broken.append(BrokenInstance(_instance(row), problem))
        else:
            state.instances.append(instance)
    state.operations = list(_operations(rows))
    return state


def _describe_fault(error: Exception) -> str:
    if isinstance(error, ContradictionError):
        return f"contradicts itself at {error}"
    return f"cannot be read: {describe_error(error)}"


def _operations(rows: _Rows) -> Iterator[Operation]:
    for seq, name, key, text in rows.operations:
        try:
            message = json.loads(text)
            if not isinstance(message, dict):
                raise TypeError("it is no object")
        except (ValueError, TypeError, RecursionError) as error:
            logger.error("operation %d of entity @%s@%s cannot be read: %s", seq, name, key, error)  # noqa: TRY400
            continue
        yield Operation(seq, (name, key), message)


def _select(connection: sqlite3.Connection) -> _Rows:
    instances = connection.execute(
        f"SELECT {_COLUMNS} FROM instances"  # noqa: S608
        f" WHERE {_UNFINISHED} ORDER BY created_at, instance_id"
    ).fetchall()
    turns: dict[str, list[StoredTurn]] = defaultdict(list)
    for instance_id, events, notes in connection.execute(
        "SELECT instance_id, events, notes FROM history WHERE instance_id IN"  # noqa: S608
        f" (SELECT instance_id FROM instances WHERE {_UNFINISHED}) ORDER BY instance_id, turn"
    ):
        turns[instance_id].append((events, notes))
    inbox: dict[str, list[InboxRow]] = defaultdict(list)
    last = 0
    for seq, instance_id, *columns in connection.execute(
        "SELECT seq, instance_id, execution_id, name, events FROM inbox ORDER BY seq"
    ):
        inbox[instance_id].append((seq, *columns))
        last = seq
    operations = connection.execute(
        "SELECT seq, name, key, message FROM operations ORDER BY seq"
    ).fetchall()
    last = max([last, *(operation[0] for operation in operations)])
    return _Rows(instances, turns, inbox, operations, last)


def read_instance(
    connection: sqlite3.Connection, instance_id: str
) -> tuple[Instance, list[StoredTurn]] | None:
    """Read one instance, finished or not, and its history; it is not rebuilt yet."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM instances WHERE instance_id = ?",  # noqa: S608
        (instance_id,),
    ).fetchone()
    if row is None:
        return None
    turns = connection.execute(
        "SELECT events, notes FROM history WHERE instance_id = ? ORDER BY turn", (instance_id,)
    ).fetchall()
    return _instance(row), turns


def read_output(connection: sqlite3.Connection, instance_id: str) -> str | None:
    """Read the output of an instance."""
    row = connection.execute(
        "SELECT output FROM instances WHERE instance_id = ?", (instance_id,)
    ).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def _instance(row: tuple[Any, ...]) -> Instance:
    parent = Parent(row[8], row[9], row[10]) if row[8] is not None else None
    identity = Identity(row[0], row[1], row[3], row[7], parent, row[11])
    # Its large input, if it is one, is already stored; here it is simply in memory again.
    instance = Instance(identity, row[2], "null" if row[5] is None else row[5])
    instance.status = row[4]
    instance.custom_status = row[6]
    instance.is_suspended = row[4] == "Suspended"
    return instance


async def rebuild(instance: Instance, turns: Iterable[StoredTurn], store: Store) -> None:
    """Walk a history through the bookkeeping that wrote it."""
    for text, notes_text in turns:
        whole_text = payloads.join(text, await store.payloads(payloads.references(text)))
        notes = Notes.load(notes_text)
        new_events: list[Event] = json.loads(f"[{whole_text}]")
        for event in new_events:
            _deliver(instance, event)
        for registration in notes.registrations:
            instance.execution.register(registration)
        for event in new_events:
            _attach(instance, event)
        for number in notes.canceled:
            instance.execution.tasks[number].is_canceled = True
        instance.outcome = notes.outcome or instance.outcome
        instance.turns.append(text)
        # A rewound instance has nothing new to deliver, and is replayed all the same; to a resumed
        # one what came meanwhile was delivered without a replay.
        instance.must_replay = any(e["EventType"] in _REPLAYED_AFTER for e in new_events)


def _deliver(instance: Instance, event: Event) -> None:
    execution = instance.execution
    is_raised = event["EventType"] == EventType.EVENT_RAISED
    if is_raised and event["Name"] not in execution.replies:
        execution.raise_event(event["Name"])
        return
    ending = task_ending(execution, event)
    if ending is None:
        return
    number, failed = ending
    task = execution.arrive(number, failed=failed)
    if task is None:
        raise ContradictionError(str(event))
    execution.settle(task)


def task_ending(execution: Execution, event: Event) -> tuple[int, bool] | None:
    """The number of the task an event ends and whether badly; None where it ends none."""
    kind = event["EventType"]
    if kind == EventType.EVENT_RAISED:
        number = execution.replies.get(event["Name"])
        answer = json.loads(event["Input"] or "{}")
        return None if number is None else (number, "exceptionType" in answer)
    if kind == EventType.TIMER_FIRED:
        return event["TimerId"], False
    if kind in _FAILED_BY_END:
        return event["TaskScheduledId"], _FAILED_BY_END[kind]
    return None


def _attach(instance: Instance, event: Event) -> None:
    """Give a task back what only its event holds."""
    task = instance.execution.tasks.get(event["EventId"])
    if task is None:
        return
    kind = event["EventType"]
    if kind == EventType.TASK_SCHEDULED:
        (task.input,) = json.loads(event["Input"])
    elif kind == EventType.CHILD_CREATED:
        _attach_child(instance, task, event)
    elif kind == EventType.TIMER_CREATED:
        task.fire_at = event["FireAt"]
    elif kind == EventType.EVENT_SENT:
        task.target = str(json.loads(event["Input"])["id"])
        instance.execution.replies[task.target] = task.number


def _attach_child(instance: Instance, task: Task, event: Event) -> None:
    task.input = event["Input"]
    task.version = event["Version"]
    task.target = event["InstanceId"]
    if task.target != f"{instance.execution_id}:{task.number}":
        task.chosen_id = task.target


async def _refill(instance: Instance, rows: Iterable[InboxRow], store: Store) -> None:
    """Put back what had arrived; what an earlier turn took already is not wanted twice."""
    for seq, execution_id, name, text in rows:
        if name is not None:
            instance.events.append(ExternalEvent(seq, name, text))
        elif execution_id == instance.execution_id:
            whole_text = payloads.join(text, await store.payloads(payloads.references(text)))
            instance.inbox_mark = seq
            for line, whole in zip(text.split("\n"), whole_text.split("\n"), strict=True):
                arrive(instance, seq, line, whole)


def arrive(instance: Instance, seq: int, text: str, whole_text: str) -> bool:
    """Put one completion back; False if it is not wanted.

    `text` is the event as it is stored, `whole_text` the same with large texts in their places.
    """
    ending = task_ending(instance.execution, json.loads(payloads.blank(whole_text)))
    return ending is not None and instance.arrive(seq, ending[0], text, failed=ending[1])
