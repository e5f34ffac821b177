"""The partitions and row keys of the app's table, each with its inverse."""

import re
from typing import Literal, NamedTuple

Stage = Literal["process", "compensate"]

# Rows of an attempt.
RUN_ROW = "run"
CONTROL_ROW = "control"
RATE_ROW = "rate"
# The row of a downstream's breaker; its rate is in `RATE_ROW`.
BREAKER_ROW = "breaker"
# Partitions of the app. No run id has an exclamation mark.
OPEN_PARTITION = "!open"
ADMISSION_PARTITION = "!admission"
ADMISSION_ROW = "places"

_LETTERS: dict[Stage, str] = {"process": "s", "compensate": "c"}
_STAGES = {letter: stage for stage, letter in _LETTERS.items()}
_SHARD = re.compile(r"([sc])(\d{2,})")


class ShardKey(NamedTuple):
    """A shard (0-based) of a stage."""

    number: int
    stage: Stage


def attempt_partition(run_id: str, attempt: int) -> str:
    """The partition of the rows of an attempt of a run."""
    return f"{run_id}!a{attempt}"


def steps_partition(run_id: str, attempt: int) -> str:
    """The partition of what the steps of an attempt's sagas came to."""
    return f"{run_id}!a{attempt}!steps"


def step_row(index: int, take: int, step: int, mode: str, try_number: int) -> str:
    """The row of one try of a step of an item's saga, or of its undoing."""
    return f"{index:08d}-{take}-{step}-{mode}-{try_number}"


def shard_row(shard: int, stage: Stage) -> str:
    """The row of a shard (0-based): ``s00``; those that compensate have a c."""
    return f"{_LETTERS[stage]}{shard:02d}"


def parse_shard_row(row_key: str) -> ShardKey | None:
    """The inverse of `shard_row`; None if it is the row of something else."""
    match = _SHARD.fullmatch(row_key)
    return ShardKey(int(match[2]), _STAGES[match[1]]) if match else None


def open_row(run_id: str, attempt: int) -> str:
    """The row that says of an attempt that it has not ended, or not all is done about that."""
    return f"{run_id}!a{attempt}"


def parse_open_row(row_key: str) -> tuple[str, int]:
    """The inverse of `open_row`: the run and the attempt."""
    run_id, _, attempt = row_key.rpartition("!a")
    return run_id, int(attempt)


def downstream_partition(name: str) -> str:
    """The partition of the rows of a downstream; what a key may not have is written as a number."""
    return "!downstream!" + re.sub(r"[^A-Za-z0-9._-]", lambda odd: f"!{ord(odd[0]):x}!", name)
