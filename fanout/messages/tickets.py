"""Tickets: an answer says which question it answers.

A turn of an orchestration whose questions are out may have to be taken again, with its inputs in
another order, and then number what it asks otherwise. The engine gives an answer to the task with
its number, whatever that has asked. So a question bears a ticket that follows from what it asks,
and its answer bears the same. One without, from an instance that has an older version of the app,
is taken as it is. With its ticket an answer says what was used to find it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fanout.models.usage import Usage

TICKET = "ticket"
ANSWER = "answer"
USAGE = "usage"
# What one question says otherwise each time that it is asked, or by another version of the app.
_VARYING = {
    "at",
    "since",
    "until",
    "quiet_until",
    "broken_since",
    "began_at",
    "granted_at",
    "duration_ms",
    "is_repeated",
    "trace",
    "owner",
    "cause",
    USAGE,
    "used_before",
}
# What earlier versions did not ask: where it is not known, the question is theirs.
_ADDED = {"pending"}
# Every turn asks again all that its history has asked: a question is taken apart once. These are
# the questions of some histories, a few hundred bytes each.
_KEPT_TICKETS = 2048


@dataclass(frozen=True)
class ForeignAnswer:
    """What came is the answer to another question."""


def call_ticket(name: str, message: Mapping[str, Any]) -> str:
    """The ticket of a call of an activity."""
    return _ticket_of(name, json.dumps(message))


def child_ticket(instance_id: str) -> str:
    """The ticket of a sub-orchestration, however often it continues as new."""
    return _short_hash(instance_id)


def add_ticket(message: dict[str, Any], ticket: str) -> dict[str, Any]:
    """A question as it is sent."""
    return {**message, TICKET: ticket}


def answer_ask(ask: Mapping[str, Any], answer: Any, usage: Usage | None = None) -> dict[str, Any]:
    """An answer as it is sent: with the ticket of the question, and what was used."""
    return _add_ticket_to_answer(ask.get(TICKET, ""), answer, usage)


def answer_as_child(instance_id: str, answer: Any, usage: Usage | None = None) -> dict[str, Any]:
    """The answer of a sub-orchestration as it is sent."""
    return _add_ticket_to_answer(child_ticket(instance_id), answer, usage)


def read_answer(result: Any, ticket: str) -> Any:
    """What an answer says, or `ForeignAnswer`; nothing at all is what a timer says."""
    if _bears_ticket(result):
        return result[ANSWER] if result[TICKET] == ticket else ForeignAnswer()
    return ForeignAnswer() if result is None else result


def read_usage(result: Any) -> list[int]:
    """What was used to find an answer, whosever it is: the counts of a `Usage`, as far as given."""
    counts: list[int] = result.get(USAGE, []) if _bears_ticket(result) else []
    return counts


def _bears_ticket(result: Any) -> bool:
    return isinstance(result, dict) and result.keys() - {USAGE} == {TICKET, ANSWER}


def _add_ticket_to_answer(ticket: str, answer: Any, usage: Usage | None) -> dict[str, Any]:
    spent = {USAGE: usage.model_dump()} if usage is not None else {}
    return {TICKET: ticket, ANSWER: answer, **spent}


@lru_cache(maxsize=_KEPT_TICKETS)
def _ticket_of(name: str, text: str) -> str:
    message = _without_varying(json.loads(text))
    return _short_hash(f"{name} {json.dumps(message, sort_keys=True)}")


def _without_varying(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _without_varying(v) for k, v in value.items() if not _is_left_out(k, v)}
    if isinstance(value, list):
        return [_without_varying(element) for element in value]
    return value


def _is_left_out(name: str, value: Any) -> bool:
    return name in _VARYING or (name in _ADDED and value is None)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
