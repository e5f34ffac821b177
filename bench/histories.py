"""What a run did, from the turns that the embedded host stores: events, activities, messages.

A trigger in the store keeps each turn, since `continue_as_new` deletes the history before it.
"""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localhost.durable.protocol.events import EventType
from localhost.durable.records import FINISHED_STATUSES
from localhost.durable.storage.store import STORE_FILE

POLL_SECONDS = 0.02
_BUSY_SECONDS = 30
_KEEP = """
CREATE TABLE IF NOT EXISTS kept_turns (seq INTEGER PRIMARY KEY, instance_id TEXT, events TEXT);
CREATE TRIGGER IF NOT EXISTS keep_turn AFTER INSERT ON history BEGIN
  INSERT INTO kept_turns (instance_id, events) VALUES (NEW.instance_id, NEW.events);
END;
"""
_DROP = "DROP TRIGGER IF EXISTS keep_turn; DROP TABLE IF EXISTS kept_turns;"


@dataclass(frozen=True)
class Turn:
    """What came to an orchestrator at one time, and what it did then."""

    instance: str
    events: list[dict[str, Any]]


class TurnLog:
    """The turns of a host that runs, from now on.

    Args:
        data: The data folder of the host.
    """

    def __init__(self, data: Path) -> None:
        path = data / STORE_FILE
        self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)

    def __enter__(self) -> "TurnLog":
        self._connection.executescript(_KEEP)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.executescript(_DROP)
        self._connection.close()

    def turns(self) -> list[Turn]:
        """Read the turns so far, in the order in which they were stored."""
        rows = self._connection.execute("SELECT instance_id, events FROM kept_turns ORDER BY seq")
        return [Turn(instance, json.loads(f"[{events}]")) for instance, events in rows]

    def wait_until_finished(self, seconds: float) -> None:
        """Wait until every instance that took a turn has finished; at least one must have.

        Raises:
            SystemExit: They went on for longer.
        """
        deadline = time.monotonic() + seconds
        while not self._is_finished():
            if time.monotonic() > deadline:
                raise SystemExit(f"orchestrations go on after {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def _is_finished(self) -> bool:
        marks = ", ".join("?" * len(FINISHED_STATUSES))
        ((turns, unfinished),) = self._connection.execute(
            "SELECT (SELECT count(*) FROM kept_turns), (SELECT count(*) FROM instances "
            f"WHERE status NOT IN ({marks}))",
            sorted(FINISHED_STATUSES),
        )
        return bool(turns > 0 and unfinished == 0)


def count_events(turns: Iterable[Turn]) -> dict[EventType, int]:
    """Count events by type."""
    kinds = Counter(EventType(event["EventType"]) for turn in turns for event in turn.events)
    return dict(sorted(kinds.items()))


def count_activities(turns: Iterable[Turn]) -> dict[str, int]:
    """Count activities that were scheduled, by name."""
    return dict(
        Counter(
            event["Name"]
            for turn in turns
            for event in turn.events
            if event["EventType"] == EventType.TASK_SCHEDULED
        )
    )


def messages_in_a_row(turns: Sequence[Turn]) -> int:
    """The longest chain of messages that waited for each other, from the start of a run on.

    An activity is two, its order and its answer; so is a child, around those within it, and a call
    of an entity. A timer is one, and so is `continue_as_new`: Azure's backend queues them
    (https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-azure-storage-provider).
    """
    chain = _Chain()
    for turn in turns:
        chain.add(turn)
    return max(chain.reached.values(), default=0)


@dataclass
class _Chain:
    """How many messages in a row led to each instance, and to what it waits for."""

    reached: dict[str, int] = field(default_factory=dict)
    answers: dict[tuple[str, int], int] = field(default_factory=dict)
    replies: dict[str, int] = field(default_factory=dict)
    children: dict[tuple[str, int], str] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)

    def add(self, turn: Turn) -> None:
        before = self.reached.get(turn.instance, 0)
        arrivals = (self._arrival(turn.instance, event) for event in turn.events)
        self.reached[turn.instance] = max(before, *arrivals)
        for event in turn.events:
            self._note_order(turn.instance, event)

    def _arrival(self, instance: str, event: dict[str, Any]) -> int:
        """How many messages in a row one event took; 0 if it is none."""
        match event["EventType"]:
            case EventType.EXECUTION_STARTED:
                return self.starts.pop(instance, self.reached.get(instance, 0) + 1)
            case EventType.TASK_COMPLETED | EventType.TASK_FAILED:
                return self.answers[instance, event["TaskScheduledId"]]
            case EventType.CHILD_COMPLETED | EventType.CHILD_FAILED:
                return self.reached[self.children[instance, event["TaskScheduledId"]]] + 1
            case EventType.TIMER_FIRED:
                return self.answers[instance, event["TimerId"]]
            case EventType.EVENT_RAISED:
                return self.replies.get(event["Name"], 0)
        return 0

    def _note_order(self, instance: str, event: dict[str, Any]) -> None:
        reached = self.reached[instance]
        place = instance, event["EventId"]
        match event["EventType"]:
            case EventType.TASK_SCHEDULED:
                self.answers[place] = reached + 2
            case EventType.TIMER_CREATED:
                self.answers[place] = reached + 1
            case EventType.CHILD_CREATED:
                self.children[place] = event["InstanceId"]
                self.starts[event["InstanceId"]] = reached + 1
            case EventType.EVENT_SENT:
                self.replies[_request_id(event)] = reached + 2


def _request_id(event: dict[str, Any]) -> str:
    """The id of a call of an entity, which its answer has as its name; none for other events."""
    try:
        message = json.loads(event["Input"])
    except (TypeError, ValueError):
        return ""
    return str(message.get("id", "")) if isinstance(message, dict) else ""
