"""Tickets: an answer says which question it answers.

A turn of an orchestration whose questions are out may have to be taken again, with its inputs in
another order, and then number what it asks otherwise. The engine gives an answer to the task with
its number, whatever that has asked. So a question bears a ticket that follows from what it asks,
and its answer bears the same. One without, from an instance that has an older version of the app,
is taken as it is.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TICKET = "ticket"
ANSWER = "answer"
# What one question says otherwise each time that it is asked.
_PASSING = {
    "at",
    "since",
    "until",
    "quiet_until",
    "broken_since",
    "began_at",
    "duration_ms",
    "is_repeated",
    "trace",
}


@dataclass(frozen=True)
class NotItsAnswer:
    """What came is the answer to another question."""


def ticket_of(name: str, message: Mapping[str, Any]) -> str:
    """The ticket of a call of an activity."""
    return _short(f"{name} {json.dumps(_lasting(message), sort_keys=True)}")


def ticket_of_child(instance_id: str) -> str:
    """The ticket of a sub-orchestration, however often it continues as new."""
    return _short(instance_id)


def with_ticket(message: dict[str, Any], ticket: str) -> dict[str, Any]:
    """A question as it is sent."""
    return {**message, TICKET: ticket}


def answered(asked: Mapping[str, Any], answer: Any) -> dict[str, Any]:
    """An answer as it is sent: with the ticket of the question."""
    return _answer(asked.get(TICKET, ""), answer)


def answered_by_child(instance_id: str, answer: Any) -> dict[str, Any]:
    """The answer of a sub-orchestration as it is sent."""
    return _answer(ticket_of_child(instance_id), answer)


def opened(came: Any, ticket: str) -> Any:
    """What an answer says, or `NotItsAnswer`; nothing at all is what a timer says."""
    if isinstance(came, dict) and came.keys() == {TICKET, ANSWER}:
        return came[ANSWER] if came[TICKET] == ticket else NotItsAnswer()
    return NotItsAnswer() if came is None else came


def _answer(ticket: str, answer: Any) -> dict[str, Any]:
    return {TICKET: ticket, ANSWER: answer}


def _lasting(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lasting(one) for key, one in value.items() if key not in _PASSING}
    if isinstance(value, list):
        return [_lasting(one) for one in value]
    return value


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
