"""The answer of an orchestrator (`docs/host-protocol.md`, 5.4 and 5.5), parsed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from localhost.durable.protocol import failures, round_trip
from localhost.texts import make_printable

Action = dict[str, Any]
Signature = tuple[int, str]

ERROR_LABEL = "\n\n$OutOfProcData$:"
HTTP_ACTIVITY = "BuiltIn::HttpActivity"


class ActionType(IntEnum):
    """The numbers of the SDK's `ActionType`."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_CHILD = 2
    CALL_CHILD_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    WHEN_ANY = 11
    WHEN_ALL = 12


_COMPOUND = (ActionType.WHEN_ANY, ActionType.WHEN_ALL)


class ProtocolError(Exception):
    """The answer has a form that the host does not know."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How user code ended.

    Attributes:
        status: ``Completed``, ``Failed`` or ``ContinuedAsNew``.
        text: The output's JSON text, the failure's message, or the next execution's input.
        details: What a parent is told beside a failure's message.
    """

    status: str
    text: str | None
    details: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer of an orchestrator.

    Attributes:
        leaves: Every action since the execution began, compound ones flattened, in number order.
        is_blind: The function raised without saying what it had scheduled so far.
        last: The newest top-level action, None where there is none.
    """

    leaves: list[Action]
    last: Action | None
    outcome: Outcome | None
    custom_status_text: str | None
    is_blind: bool = False


def parse(value: str | None, error: str | None, stack: str | None) -> Decision:
    """Read what the orchestrator function returned, or the text of what it raised.

    A failure carries its actions behind the last `ERROR_LABEL`; without one it has none.

    Raises:
        ProtocolError: The answer has a shape or a schema the host does not know.
    """
    if error is None:
        body = _body(value or "")
        return _decision(body, _ending(body))
    error = round_trip.failure(error)
    message, label, text = error.rpartition(ERROR_LABEL)
    state = _state(text) if label else None
    # An answer that says it is done, and yet comes with an exception, is not read.
    if state is None or state.get("isDone"):
        return Decision(
            [], None, _failure(failures.unreadable_failure(error, stack)), None, is_blind=True
        )
    return _decision(state, _failure(_reason(text) if "error" in state else message))


def _body(text: str) -> dict[str, Any]:
    try:
        body = json.loads(round_trip.result(text))
    except (ValueError, RecursionError) as invalid:
        raise ProtocolError(f"the orchestrator answered no JSON: {invalid}") from invalid
    if not isinstance(body, dict) or not isinstance(body.get("actions"), list):
        raise ProtocolError("the orchestrator answered no list of actions")
    return body


def _state(text: str) -> dict[str, Any] | None:
    try:
        return _body(text)
    except ProtocolError:
        return None


def _reason(text: str) -> str:
    # Read anew: what the host does to values would take half a surrogate pair away.
    return make_printable(str(json.loads(text, parse_constant=str)["error"]))


def _failure(message: str) -> Outcome:
    return Outcome("Failed", message, failures.orchestrator_details(message))


def _ending(body: dict[str, Any]) -> Outcome | None:
    if not body.get("isDone"):
        return None
    last = body["actions"][-1][-1] if body["actions"] and body["actions"][-1] else None
    if last is not None and last["actionType"] == ActionType.CONTINUE_AS_NEW:
        return Outcome("ContinuedAsNew", json.dumps(last["input"]))
    return Outcome("Completed", json.dumps(body["output"]) if "output" in body else None)


def _decision(body: dict[str, Any], outcome: Outcome | None) -> Decision:
    top = [action for turn in body["actions"] for action in turn]
    if top and top[-1]["actionType"] == ActionType.CONTINUE_AS_NEW:
        top.pop()
    # Schema V1 has no compound actions, and a yield of it may wait for any of its set.
    is_compound_aware = int(body.get("schemaVersion", 0)) >= 1
    status = body.get("customStatus")
    return Decision(
        leaves=list(flatten(top)),
        last=top[-1] if top and is_compound_aware else None,
        outcome=outcome,
        custom_status_text=None if status is None else json.dumps(status),
    )


def flatten(actions: list[Action]) -> Iterator[Action]:
    """Yield the atomic actions, depth first, left to right."""
    for action in actions:
        if action["actionType"] in _COMPOUND:
            yield from flatten(action["compoundActions"])
        else:
            yield action


def necessity(action: Action, *, is_necessary: bool = True) -> Iterator[bool]:
    """Say for each leaf of an action whether the action cannot complete without it."""
    kind = action["actionType"]
    if kind not in _COMPOUND:
        yield is_necessary
        return
    # Children scheduled earlier are not listed, so even a WhenAny of one may complete without it.
    below = is_necessary and kind == ActionType.WHEN_ALL
    for child in action["compoundActions"]:
        yield from necessity(child, is_necessary=below)


def signature(action: Action) -> Signature:
    """What must be the same at each replay: the kind of an action and its name.

    Raises:
        ProtocolError: An action type the host does not know.
    """
    kind = action["actionType"]
    if kind <= ActionType.CALL_CHILD_WITH_RETRY:
        return kind, action["functionName"]
    if kind in (ActionType.CALL_ENTITY, ActionType.SIGNAL_ENTITY):
        return kind, action["instanceId"]
    if kind == ActionType.WAIT_FOR_EVENT:
        return kind, action["externalEventName"]
    if kind == ActionType.CALL_HTTP:
        return kind, HTTP_ACTIVITY
    if kind == ActionType.CREATE_TIMER:
        return kind, ""
    raise ProtocolError(
        f"the orchestrator asked for an action of type {kind}, unknown to this host"
    )
