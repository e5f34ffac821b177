"""The histories of orchestrations as the embedded host's store has them, read from outside."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

# The numbers of DurableTask.Core's event types: what an orchestration is sent.
STARTED, TASK_SCHEDULED, EVENT_RAISED = 0, 4, 15
ANSWERS = {5, 6, 8, 9, 11}
MESSAGES = {STARTED, EVENT_RAISED, *ANSWERS}


@dataclass(frozen=True)
class StoredCounts:
    """What histories have.

    Attributes:
        activities: Executions of activities that were scheduled.
        orchestrations: Instances.
        messages: What they were sent.
        turns: How often one was replayed.
    """

    activities: int
    orchestrations: int
    messages: int
    turns: int


def count_history(store: Path, instance: str) -> StoredCounts:
    """Count the events of an instance and of all whose ids begin with its id and a colon."""
    turns = _turns(store, instance)
    kinds = Counter(event["EventType"] for turn in turns for event in turn)
    return StoredCounts(
        activities=kinds[TASK_SCHEDULED],
        orchestrations=kinds[STARTED],
        messages=sum(kinds[kind] for kind in MESSAGES),
        turns=len(turns),
    )


def _turns(store: Path, instance: str) -> list[list[dict[str, int]]]:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT instance_id, events FROM history").fetchall()
    mine = (text for name, text in rows if name == instance or name.startswith(f"{instance}:"))
    return [json.loads(f"[{text}]") for text in mine]
