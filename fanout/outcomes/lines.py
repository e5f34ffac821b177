"""Outcomes as lines of JSON: how they are written and told apart without parsing them.

A line begins with its status. Nothing inside a JSON value can hold a line feed, so a line feed
followed by that beginning is always a line's start, and whole files can be counted by it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json, to_json

from fanout.models.outcome import ErrorInfo, ItemStatus

STATUSES: tuple[ItemStatus, ...] = (
    "succeeded",
    "failed",
    "pending",
    "compensated",
    "compensation_failed",
)
# What a redrive takes up again. No run that compensated is redriven, so an item that is compensated
# is one whose saga failed.
_GIVEN_UP = ("failed", "compensated")
_STARTS = {status: f'{{"status":"{status}",'.encode() for status in STATUSES}


def succeeded_line(
    index: int, item_id: str, output: Any, attempts: int, duration_ms: float
) -> bytes:
    """Write the outcome of an item that ended well, line feed included."""
    line = {
        "status": "succeeded",
        "index": index,
        "item_id": item_id,
        "attempts": attempts,
        "output": output,
        "duration_ms": round(duration_ms, 3),
    }
    return to_json(line) + b"\n"


def failed_line(
    status: ItemStatus,
    index: int,
    item_id: str,
    error: ErrorInfo,
    attempts: int,
    duration_ms: float,
) -> bytes:
    """Write the outcome of an item that failed, or that waits (pending) for another attempt."""
    line = {
        "status": status,
        "index": index,
        "item_id": item_id,
        "attempts": attempts,
        "error": error.model_dump(exclude_none=True),
        "duration_ms": round(duration_ms, 3),
    }
    return to_json(line) + b"\n"


def saga_line(status: ItemStatus, index: int, item_id: str, told: dict[str, Any]) -> bytes:
    """Write the outcome of an item's saga, with whatever else is to be told."""
    return to_json({"status": status, "index": index, "item_id": item_id, **told}) + b"\n"


def next_takes(data: bytes) -> dict[int, int]:
    """The items of a part file that want another attempt, by index: which take of their saga.

    A saga that ended has had its take; one that did not goes on with it.
    """
    start = _STARTS["pending"]
    found = (from_json(line) for line in data.splitlines() if line.startswith(start))
    return {
        int(line["index"]): line["saga"]["take"] + ("error" in line) if "saga" in line else 1
        for line in found
    }


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


def are_all(data: bytes, status: ItemStatus) -> bool:
    """Tell whether every line of a part file has this status."""
    start = _STARTS[status]
    if not data:
        return True
    return data.startswith(start) and data.count(b"\n" + start) == data.count(b"\n") - 1


def waiting_items(data: bytes) -> dict[int, int]:
    """The items of a part file that want another attempt, by index: how often each was tried."""
    start = _STARTS["pending"]
    found = (from_json(line) for line in data.splitlines() if line.startswith(start))
    return {int(outcome["index"]): int(outcome["attempts"]) for outcome in found}


def counted(data: bytes) -> Counter[ItemStatus]:
    """Count the items of a part file by status."""
    counts: Counter[ItemStatus] = Counter()
    for line in data.splitlines():
        counts[status_of(line)] += items_in(line)
    return counts


def reopened(data: bytes, error_types: list[str] | None, *, whole: bool) -> bytes:
    """Make failed items of a part file pending again, so that another attempt takes them up.

    Args:
        data: The part file.
        error_types: Only items whose error is of one of these; None takes every one.
        whole: Whether the batch is done again whole or not at all (chunk workloads): one item to
            redo opens all that failed. Otherwise every item gets a line of its own.
    """
    lines = data.splitlines(keepends=True)
    wanted = [_is_open(line, error_types) for line in lines]
    if whole:
        failed = [status_of(line) == "failed" for line in lines]
        return b"".join(map(_as_pending, lines, failed if any(wanted) else wanted))
    return b"".join(
        part
        for line, is_open in zip(lines, wanted, strict=True)
        for part in (_singly(_as_pending(line, True)) if is_open else (line,))
    )


def _is_open(line: bytes, error_types: list[str] | None) -> bool:
    status = status_of(line)
    if status in _GIVEN_UP and error_types is not None:
        return from_json(line)["error"]["type"] in error_types
    return status == "pending" or status in _GIVEN_UP


def _as_pending(line: bytes, is_open: bool) -> bytes:
    status = status_of(line)
    if not is_open or status not in _GIVEN_UP:
        return line
    return _STARTS["pending"] + line[len(_STARTS[status]) :]


def _singly(line: bytes) -> Iterator[bytes]:
    """Give each item of a range a line of its own."""
    if items_in(line) == 1:
        yield line
        return
    outcome = from_json(line)
    first, count = outcome["index"], outcome.pop("count")
    for index in range(first, first + count):
        yield to_json(outcome | {"index": index, "item_id": str(index)}) + b"\n"


def items_in(line: bytes) -> int:
    """How many items a line speaks for."""
    if b'"count":' not in line:
        return 1
    return int(from_json(line).get("count", 1))
