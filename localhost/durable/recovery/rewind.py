"""Rewind: the history of a failed execution without what made it fail.

The turn in which user code was handed the failure it ended with is taken back, with all that
followed; where it failed by itself, that is the turn it ended in. Results that had arrived in those
turns, for older tasks, are delivered again; what had failed runs again. A with-retry task
that used up its attempts gets its last one anew: that attempt's failure and the timer after it are
cut out, and the later numbers move up, as the SDK will count them. Failures that user code had
caught in earlier turns stay, because what it did next depends on them.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from localhost.durable.protocol import events
from localhost.durable.protocol.events import EventType
from localhost.durable.recovery.rebuilder import StoredTurn, task_ending
from localhost.durable.state.notes import Notes
from localhost.durable.state.tasks import Execution
from localhost.durable.storage import payloads

_NUMBER_FIELD = re.compile(r'"(EventId|TaskScheduledId|TimerId)":(\d+)')
_ENDINGS = frozenset(
    {
        EventType.TASK_COMPLETED,
        EventType.TASK_FAILED,
        EventType.CHILD_COMPLETED,
        EventType.CHILD_FAILED,
        EventType.TIMER_FIRED,
    }
)


@dataclass(slots=True)
class RewoundHistory:
    """A history to go on from.

    Attributes:
        turns: What stays, event texts and notes.
        completions: Events of task completions to deliver again.
        external_events: External events to deliver again: name and event.
        cut: The numbers that no longer exist, ascending.
    """

    turns: list[StoredTurn] = field(default_factory=list)
    completions: list[str] = field(default_factory=list)
    external_events: list[tuple[str, str]] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)


class Cause:
    """Finds the turn to go back to, while a history is being rebuilt turn by turn."""

    def __init__(self, failure: str) -> None:
        self._failure = failure
        self._reasons: dict[int, str] = {}
        self._handed_over: int | None = None
        self._ended: int | None = None
        self._last = 0

    @property
    def turn(self) -> int:
        """The place of the turn to take back first."""
        if self._handed_over is not None:
            return self._handed_over
        return self._last if self._ended is None else self._ended

    def see(self, place: int, turn: StoredTurn, before: Execution) -> None:
        """Look at the next turn, given the bookkeeping as it was before."""
        self._last = place
        if self._ended is not None:
            return
        for text in turn[0].split(events.SEPARATOR):
            event = json.loads(payloads.blank(text))
            if event["EventType"] in _ENDINGS:
                self._see_ending(place, event, before)
        if Notes.load(turn[1]).outcome is not None:
            self._ended = place

    def _see_ending(self, place: int, event: dict[str, Any], before: Execution) -> None:
        ending = task_ending(before, event)
        task = before.tasks.get(ending[0]) if ending else None
        if ending is None or task is None:
            return
        if event.get("Reason"):
            self._reasons[task.number] = event["Reason"]
        if task.ends_badly(failed=ending[1]):
            number = task.number if task.retry is None else task.previous
            if self._reasons.get(number, "") in self._failure:
                self._handed_over = place


def rewind(turns: Sequence[StoredTurn], before: Execution, first_place: int) -> RewoundHistory:
    """Take an execution back to before a turn.

    Args:
        turns: Its whole history.
        before: Its bookkeeping as it was before that turn.
        first_place: The place of the turn to take back first.
    """
    history = RewoundHistory()
    failures: set[int] = set()
    for text in _events(turns[first_place:]):
        _take_back(text, before, history, failures)
    history.cut.sort()
    texts = [(_cut_turn(text, failures, history.cut), notes) for text, notes in turns[:first_place]]
    history.turns = [(text, _renumber_notes(notes, history.cut)) for text, notes in texts]
    history.completions = [renumber(text, history.cut) for text in history.completions]
    return history


def _events(turns: Iterable[StoredTurn]) -> Iterable[str]:
    for text, _ in turns:
        yield from text.split(events.SEPARATOR)


def _take_back(text: str, before: Execution, history: RewoundHistory, failures: set[int]) -> None:
    """Decide what becomes of one event of the turns that are taken back."""
    event: dict[str, Any] = json.loads(payloads.blank(text))
    if event["EventType"] == EventType.EVENT_RAISED and event["Name"] not in before.replies:
        history.external_events.append((event["Name"], text))
        return
    if event["EventType"] not in (*_ENDINGS, EventType.EVENT_RAISED):
        return
    # An entity's error is an answer like any other: it is given again.
    ending = task_ending(before, event)
    task = before.tasks.get(ending[0]) if ending else None
    if ending is None or task is None:
        return
    if task.retry is not None and task.ends_badly(failed=ending[1]):
        failures.add(task.previous)
        history.cut.append(task.number)
    elif event["EventType"] not in (EventType.TASK_FAILED, EventType.CHILD_FAILED):
        history.completions.append(text)


def _cut_turn(turn: str, failures: set[int], cut: Sequence[int]) -> str:
    """Cut failures of last attempts, and the timers after them, out of a turn."""
    if not cut:
        return turn
    texts = [text for text in turn.split(events.SEPARATOR) if not _is_cut(text, failures, cut)]
    return events.SEPARATOR.join(renumber(text, cut) for text in texts)


def _is_cut(text: str, failures: set[int], cut: Sequence[int]) -> bool:
    event = json.loads(payloads.blank(text))
    if event["EventType"] == EventType.TIMER_CREATED:
        return event["EventId"] in cut
    is_failure = event["EventType"] in (EventType.TASK_FAILED, EventType.CHILD_FAILED)
    return is_failure and event["TaskScheduledId"] in failures


def renumber(text: str, cut: Sequence[int]) -> str:
    """Count the number of an event without those cut out.

    Each event has one number, and it stands before anything that user code can write. (An
    ``EventId`` of -1 is no number.)
    """
    event = json.loads(payloads.blank(text))
    if event["EventId"] < 0 and event["EventType"] not in _ENDINGS:
        return text
    return _NUMBER_FIELD.sub(
        lambda match: f'"{match[1]}":{new_number(int(match[2]), cut)}', text, count=1
    )


def new_number(number: int, cut: Sequence[int]) -> int:
    """What a number becomes once others are cut out."""
    return number - sum(cut_number < number for cut_number in cut)


def _renumber_notes(text: str | None, cut: Sequence[int]) -> str | None:
    notes = Notes.load(text)
    notes.canceled = [new_number(number, cut) for number in notes.canceled]
    return notes.dump()
