"""Outcomes as lines of JSON: how they are written and told apart without parsing them.

A line begins with its status. Nothing inside a JSON value can hold a line feed, so a line feed
followed by that beginning is always a line's start, and whole files can be counted by it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json, to_json

from fanout.models.outcome import STATUSES, ErrorInfo, ItemStatus
from fanout.outcomes.outputs import dump_line

_STARTS = {status: f'{{"status":"{status}",'.encode() for status in STATUSES}


def succeeded_line(
    index: int, item_id: str, output: Any, attempts: int, duration_ms: float
) -> bytes:
    """Write the outcome of an item that ended well, line feed included.

    Raises:
        OutputError: The output is no JSON.
    """
    fields = {
        "status": "succeeded",
        "index": index,
        "item_id": item_id,
        "attempts": attempts,
        "output": output,
        "duration_ms": round(duration_ms, 3),
    }
    return dump_line(fields)


def failed_line(
    status: ItemStatus,
    index: int,
    item_id: str,
    error: ErrorInfo,
    attempts: int,
    duration_ms: float,
) -> bytes:
    """Write the outcome of an item that failed, or that waits (pending) to be tried again."""
    line = {
        "status": status,
        "index": index,
        "item_id": item_id,
        "attempts": attempts,
        "error": error.model_dump(exclude_none=True),
        "duration_ms": round(duration_ms, 3),
    }
    return to_json(line) + b"\n"


def saga_line(status: ItemStatus, index: int, item_id: str, fields: dict[str, Any]) -> bytes:
    """Write the outcome of an item's saga, with whatever else is to be told."""
    return to_json({"status": status, "index": index, "item_id": item_id, **fields}) + b"\n"


def next_takes(data: bytes) -> dict[int, int]:
    """Which take of its saga each waiting item of a part file is to have, by index.

    A saga that has ended gets the next take; one that has not, or has not been undone, goes on with
    its own.
    """
    return {int(outcome["index"]): _next_take(outcome) for outcome in _pending_outcomes(data)}


def interrupted_items(data: bytes) -> set[int]:
    """Indices of the waiting items of a part file whose sagas were begun, and have no end."""
    return {
        int(outcome["index"])
        for outcome in _pending_outcomes(data)
        if "saga" in outcome and "error" not in outcome
    }


def _next_take(outcome: dict[str, Any]) -> int:
    saga = outcome.get("saga")
    if saga is None:
        return 1
    return int(saga["take"]) + ("error" in outcome and "undo_failed" not in saga)


def _pending_outcomes(data: bytes) -> Iterator[dict[str, Any]]:
    start = _STARTS["pending"]
    return (from_json(line) for line in data.splitlines() if line.startswith(start))


def range_line(
    status: ItemStatus, first: int, count: int, attempts: int, error: ErrorInfo | None = None
) -> bytes:
    """Write one outcome for consecutive items that ended alike."""
    line: dict[str, Any] = {"status": status, "index": first, "count": count}
    line |= {"item_id": str(first), "attempts": attempts}
    if error is not None:
        line["error"] = error.model_dump(exclude_none=True)
    return to_json(line) + b"\n"


def status_of(line: bytes) -> ItemStatus:
    """Tell the status of a line by how it begins.

    Raises:
        ValueError: It is no outcome.
    """
    for status, start in _STARTS.items():
        if line.startswith(start):
            return status
    raise ValueError(f"no outcome: {line[:80]!r}")


def replace_status(line: bytes, status: ItemStatus) -> bytes:
    """Give a line another status, and leave it as it is otherwise."""
    return _STARTS[status] + line[len(_STARTS[status_of(line)]) :]


def has_only(data: bytes, status: ItemStatus) -> bool:
    """Tell whether every line of a part file has this status."""
    start = _STARTS[status]
    if not data:
        return True
    return data.startswith(start) and data.count(b"\n" + start) == data.count(b"\n") - 1


def has_any(data: bytes, status: ItemStatus) -> bool:
    """Tell whether a line of a part file has this status."""
    start = _STARTS[status]
    return data.startswith(start) or b"\n" + start in data


def waiting_items(data: bytes) -> dict[int, int]:
    """How often each waiting item of a part file was tried, by index."""
    pending = _pending_outcomes(data)
    return {int(outcome["index"]): int(outcome["attempts"]) for outcome in pending}


def count_statuses(data: bytes) -> Counter[ItemStatus]:
    """Count the items of a part file by status."""
    counts: Counter[ItemStatus] = Counter()
    for line in data.splitlines():
        counts[status_of(line)] += item_count(line)
    return counts


def item_count(line: bytes) -> int:
    """How many items a line speaks for."""
    if b'"count":' not in line:
        return 1
    return int(from_json(line).get("count", 1))
