"""Checks that an action has the form the engine relies on, before anything is done for it.

The SDK writes what user code gave it: a number as the name of a function, a list as an id, a time
of the year 7.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

from localhost.durable.protocol import times
from localhost.durable.protocol.actions import Action, ActionType, ProtocolError

_Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_count(value) or (isinstance(value, float) and math.isfinite(value))


def _is_time(value: Any) -> bool:
    try:
        times.instant(value)
    except (ValueError, TypeError):
        return False
    return True


def _is_request(value: Any) -> bool:
    return isinstance(value, dict) and {"method", "uri"} <= value.keys()


def _is_retry(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _is_number(value.get("firstRetryIntervalInMilliseconds"))
        and _is_count(value.get("maxNumberOfAttempts"))
    )


def _is_any(value: Any) -> bool:
    return True


_NAME: tuple[str, str, _Check] = ("functionName", "a text", _is_text)
_INPUT: tuple[str, str, _Check] = ("input", "a value", _is_any)
_RETRY: tuple[str, str, _Check] = ("retryOptions", "numbers", _is_retry)
_TARGET: tuple[str, str, _Check] = ("instanceId", "a text", _is_text)
_OPERATION: tuple[str, str, _Check] = ("operation", "a text", _is_text)
_REQUIRED: dict[int, tuple[tuple[str, str, _Check], ...]] = {
    ActionType.CALL_ACTIVITY: (_NAME, _INPUT),
    ActionType.CALL_ACTIVITY_WITH_RETRY: (_NAME, _INPUT, _RETRY),
    ActionType.CALL_CHILD: (_NAME, _INPUT),
    ActionType.CALL_CHILD_WITH_RETRY: (_NAME, _INPUT, _RETRY),
    ActionType.CREATE_TIMER: (("fireAt", "a time", _is_time),),
    ActionType.WAIT_FOR_EVENT: (("externalEventName", "a text", _is_text),),
    ActionType.CALL_ENTITY: (_TARGET, _OPERATION, _INPUT),
    ActionType.SIGNAL_ENTITY: (_TARGET, _OPERATION, _INPUT),
    ActionType.CALL_HTTP: (("httpRequest", "a request", _is_request),),
}
_CHILD_OPTIONS = ("instanceId", "version")
_CHILDREN = (ActionType.CALL_CHILD, ActionType.CALL_CHILD_WITH_RETRY)


def check_forms(actions: Iterable[Action]) -> None:
    """Check actions that are no compounds.

    Raises:
        ProtocolError: A member of one is missing or is no such thing.
    """
    for action in actions:
        _check_form(action)


def _check_form(action: Action) -> None:
    kind = action["actionType"]
    for member, noun, is_right in _REQUIRED.get(kind, ()):
        if member not in action:
            raise ProtocolError(f"an action of type {kind} has no '{member}'")
        if not is_right(action[member]):
            raise _form_error(member, noun, action[member])
    for member in _CHILD_OPTIONS if kind in _CHILDREN else ():
        if not _is_text_or_none(action.get(member)):
            raise _form_error(member, "a text", action[member])


def _form_error(member: str, noun: str, value: Any) -> ProtocolError:
    text = repr(value)
    shown = text if len(text) <= 200 else f"{text[:200]}..."
    return ProtocolError(f"the '{member}' of an action is not {noun}: {shown}")
