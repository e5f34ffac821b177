"""The outcomes of a batch before another attempt: what that takes up is open again.

An attempt tries again what failed, and it is pending. An attempt of a run that is being compensated
undoes what could not be undone, and it is a success again, which still stands.
"""

from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json, to_json

from fanout.models.outcome import GIVEN_UP
from fanout.models.plan import Reopening
from fanout.outcomes.lines import item_count, replace_status, status_of

# How often an item that is still to be undone was tried, and how long it then asked to be left.
UNDO_TRIES = "undo_attempts"
UNDO_RETRY_AFTER = "undo_retry_after"
# Since when infrastructure has been away whenever it was tried: milliseconds since 1970.
UNDO_AWAY_SINCE = "undo_away_since"
_NOTES = (UNDO_TRIES, UNDO_RETRY_AFTER, UNDO_AWAY_SINCE)
_NOTE_START = b'"undo_'


def reopen(data: bytes, reopening: Reopening) -> bytes:
    """The outcomes of a part file as an attempt finds them."""
    if reopening.undoes:
        return reopen_undo(data, reopening.error_types)
    return reopen_lines(data, reopening.error_types, whole=reopening.whole)


def reopen_undo(data: bytes, error_types: list[str] | None) -> bytes:
    """Make successes of what could not be undone, so that another attempt undoes it.

    What an earlier attempt has noted of its tries is left out: the attempt has its own.

    Args:
        data: The part file.
        error_types: Only items whose undo failed for one of these; None takes every one.
    """
    lines = data.splitlines(keepends=True)
    return b"".join(_undo_line(line, error_types) for line in lines)


def _undo_line(line: bytes, error_types: list[str] | None) -> bytes:
    status = status_of(line)
    if status == "succeeded" and _NOTE_START in line:
        return _fresh_line(from_json(line))
    if status != "compensation_failed":
        return line
    outcome = from_json(line)
    if error_types is not None and outcome["error"]["type"] not in error_types:
        return line
    outcome.pop("error")
    return _fresh_line(outcome | {"status": "succeeded"})


def _fresh_line(outcome: dict[str, Any]) -> bytes:
    return to_json({name: kept for name, kept in outcome.items() if name not in _NOTES}) + b"\n"


def reopen_lines(data: bytes, error_types: list[str] | None, *, whole: bool) -> bytes:
    """Make failed items of a part file pending again, so that another attempt takes them up.

    Args:
        data: The part file.
        error_types: Only items whose error is of one of these; None takes every one.
        whole: Whether the batch is done again whole or not at all (chunk workloads): one item to
            redo opens all that failed. Otherwise every item gets a line of its own.
    """
    lines = data.splitlines(keepends=True)
    open_lines = [_is_open(line, error_types) for line in lines]
    if whole:
        failed_lines = [status_of(line) in GIVEN_UP for line in lines]
        chosen = failed_lines if any(open_lines) else open_lines
        return b"".join(map(_pending_line, lines, chosen))
    return b"".join(
        part
        for line, is_open in zip(lines, open_lines, strict=True)
        for part in (_split_range(_pending_line(line, True)) if is_open else (line,))
    )


def _is_open(line: bytes, error_types: list[str] | None) -> bool:
    status = status_of(line)
    # Of a map that was compensated nothing is tried again: what is here is of a saga that failed.
    if status in GIVEN_UP and error_types is not None:
        return from_json(line)["error"]["type"] in error_types
    return status == "pending" or status in GIVEN_UP


def _pending_line(line: bytes, is_open: bool) -> bytes:
    is_reopened = is_open and status_of(line) in GIVEN_UP
    return replace_status(line, "pending") if is_reopened else line


def _split_range(line: bytes) -> Iterator[bytes]:
    """Give each item of a range a line of its own."""
    if item_count(line) == 1:
        yield line
        return
    outcome = from_json(line)
    first, count = outcome["index"], outcome.pop("count")
    for index in range(first, first + count):
        yield to_json(outcome | {"index": index, "item_id": str(index)}) + b"\n"
