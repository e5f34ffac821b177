"""The partitions and row keys of the app's table, each with its inverse."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

Stage = Literal["process", "compensate"]

# Rows of an attempt.
RUN_ROW = "run"
CONTROL_ROW = "control"
RATE_ROW = "rate"
# The row of a downstream's breaker; its rate is in `RATE_ROW`.
BREAKER_ROW = "breaker"
# Partitions of the app. No run id has an exclamation mark.
# All runs: the index, and the attempts that are open. One partition, for they change together.
RUNS_PARTITION = "!runs"
INDEX_PREFIX = "i!"
OPEN_PREFIX = "o!"
# Where earlier versions of the app kept the attempts that are open.
EARLIER_OPEN_PARTITION = "!open"
ADMISSION_PARTITION = "!admission"
# What a diagnosis writes, reads and deletes again.
DIAGNOSIS_PARTITION = "!diagnosis"
ADMISSION_ROW = "places"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_MS = 10**13 - 1

_LETTERS: dict[Stage, str] = {"process": "s", "compensate": "c"}
_STAGES = {letter: stage for stage, letter in _LETTERS.items()}
_INDEX = re.compile(re.escape(INDEX_PREFIX) + r"([0-9]{13})!([A-Za-z0-9._-]{1,100})")
# A key takes 1 KiB, as UTF-16.
# Source: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
_MAX_KEY_LENGTH = 512
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


def wave_prefix(partition: int, retry_round: int, first_cut: int, claim: str) -> str:
    """What the keys of the log of a batch of sagas begin with.

    A claim is an ETag, which may have letters that no key has.
    """
    owner = hashlib.sha256(claim.encode()).hexdigest()[:16]
    return f"wave-p{partition:05d}-r{retry_round}-b{first_cut:04d}-{owner}-"


def wave_row(prefix: str, number: int) -> str:
    """The row of an entry (0-based) in the log of a batch of sagas."""
    return f"{prefix}{number:04d}"


def shard_row(shard: int, stage: Stage) -> str:
    """The row of a shard (0-based): ``s00``; those that compensate have a c."""
    return f"{_LETTERS[stage]}{shard:02d}"


def parse_shard_row(row_key: str) -> ShardKey | None:
    """The inverse of `shard_row`; None if it is the row of something else."""
    match = _SHARD.fullmatch(row_key)
    return ShardKey(int(match[2]), _STAGES[match[1]]) if match else None


def open_row(run_id: str, attempt: int) -> str:
    """The row that says of an attempt that it has not ended, or not all is done about that."""
    return f"{open_row_prefix(run_id)}{attempt}"


def open_row_prefix(run_id: str) -> str:
    """What the keys of the rows of all open attempts of a run begin with."""
    return f"{OPEN_PREFIX}{run_id}!a"


def parse_open_row(row_key: str) -> tuple[str, int]:
    """The inverse of `open_row`: the run and the attempt; takes the keys of earlier versions."""
    prefixed, _, attempt = row_key.rpartition("!a")
    return prefixed.rpartition("!")[2], int(attempt)


class IndexKey(NamedTuple):
    """A run in the index; `claimed_at` is aware, in milliseconds."""

    run_id: str
    claimed_at: datetime


def index_row(run_id: str, claimed_at: datetime) -> str:
    """The row of a run in the index of all, which has the newest first."""
    milliseconds = (claimed_at - _EPOCH) // _MILLISECOND
    return f"{_index_start(milliseconds)}!{run_id}"


def parse_index_row(row_key: str) -> IndexKey | None:
    """The inverse of `index_row`; None if it is no such row."""
    match = _INDEX.fullmatch(row_key)
    if match is None:
        return None
    return IndexKey(match[2], _EPOCH + (_LAST_MS - int(match[1])) * _MILLISECOND)


def is_index_position(text: str) -> bool:
    """Tell whether a page of the index may have ended there: also at a key that is of no run."""
    return text.startswith(INDEX_PREFIX) and text.isprintable() and len(text) <= _MAX_KEY_LENGTH


def run_of_index_row(row_key: str) -> str:
    """The run of a row of the index, which need not be parsed for that."""
    return row_key.rpartition("!")[2]


def index_bound(moment: datetime) -> str:
    """What comes between the rows of runs claimed then or later, and those claimed before."""
    milliseconds = -((_EPOCH - moment) // _MILLISECOND)
    return _index_start(milliseconds) + "~"


def _index_start(milliseconds: int) -> str:
    return f"{INDEX_PREFIX}{_LAST_MS - min(max(milliseconds, 0), _LAST_MS):013d}"


def downstream_partition(name: str) -> str:
    """The partition of the rows of a downstream; what a key may not have is written as a number."""
    return "!downstream!" + re.sub(r"[^A-Za-z0-9._-]", lambda odd: f"!{ord(odd[0]):x}!", name)
