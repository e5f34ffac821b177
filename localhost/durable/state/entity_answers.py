"""What an entity function answers for a batch of operations (`docs/host-protocol.md`, 6), read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localhost.durable.state.operations import EntityMessage, operation_message

TIMED_OUT = "FunctionTimeoutException:"


class EntityAnswerError(Exception):
    """An entity function gave no answer that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class OperationEnd:
    """How one operation ended: its result as JSON text, or the text of its error."""

    result: str
    failed: bool


@dataclass(frozen=True, slots=True)
class EntityAnswer:
    """What a batch led to.

    Attributes:
        state: JSON text; None where the entity deleted itself.
        ends: One for each operation, in order.
        signals: What is to be sent to others.
    """

    state: str | None
    ends: Sequence[OperationEnd]
    signals: Sequence[EntityMessage]


def read_answer(text: str, count: int) -> EntityAnswer:
    """Read an answer for so many operations.

    Raises:
        EntityAnswerError: It has another form, or not one end for each operation.
    """
    try:
        body = json.loads(text)
        state = body["entityState"] if body["entityExists"] else None
        if state is not None and not isinstance(state, str):
            raise EntityAnswerError("its state is no text")
        ends = [_read_end(result) for result in body["results"]]
        signals = [_read_signal(signal) for signal in body.get("signals") or []]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EntityAnswerError(
            f"its answer cannot be read: {type(error).__name__}: {error}"
        ) from error
    if len(ends) != count:
        raise EntityAnswerError("it did not answer each operation once")
    return EntityAnswer(state, ends, signals)


def _read_end(result: dict[str, Any]) -> OperationEnd:
    # Never null: the SDK decodes it as JSON text.
    text = result.get("result") or "null"
    if not isinstance(text, str):
        raise TypeError("the result of an operation is no text")
    return OperationEnd(text, bool(result["isError"]))


def _read_signal(signal: dict[str, Any]) -> EntityMessage:
    target = signal["target"]
    if not isinstance(signal["name"], str):
        raise TypeError(f"a signal names an operation that is no text: {signal['name']!r:.200}")
    text = operation_message(signal["name"], signal.get("input"))
    return EntityMessage(f"@{target['name'].lower()}@{target['key']}", text)
