"""The names of the result files that hold outcomes, each with its inverse."""

import re
from enum import StrEnum


class ResultKind(StrEnum):
    """What a result file holds, in the order in which the manifest lists them."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    PENDING = "PENDING"
    COMPENSATED = "COMPENSATED"
    COMPENSATION_FAILED = "COMPENSATION_FAILED"
    DEAD_LETTERS = "DEAD-LETTERS"


_KINDS = "|".join(map(re.escape, ResultKind))
_NAME = re.compile(rf"({_KINDS})-\d{{5,}}(?:-\d+)?\.")


def result_name(kind: ResultKind, range_number: int, part: int, suffix: str) -> str:
    """The name of a result file: ``FAILED-00003.jsonl``, then ``FAILED-00003-1.jsonl``...

    Args:
        kind: What it holds.
        range_number: The range of batches that it is made of (0-based).
        part: Which file of the range it is; 0 is the first.
        suffix: By the format: ``.jsonl``.
    """
    number = f"-{part}" if part else ""
    return f"{kind}-{range_number:05d}{number}{suffix}"


def parse_result_kind(name: str) -> ResultKind | None:
    """What a result file holds, by its name; None if a workload made it."""
    match = _NAME.match(name)
    return ResultKind(match[1]) if match else None
