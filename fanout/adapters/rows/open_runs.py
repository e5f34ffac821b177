"""The attempts that have not ended, or about whose end not all is done: a row for each.

It is written before an attempt is claimed and deleted when it is told how it ended, so whoever
looks after runs finds all that may have been left, and never has to ask Durable for a list.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel

from fanout.adapters.rows.rows import Rows, unpacked
from fanout.naming import row_keys
from fanout.schedules import time_of


class _OpenRow(BaseModel):
    """When the attempt was claimed, and whether it waits for earlier runs of its schedule."""

    claimed_at: datetime
    is_queued: bool = False


@dataclass(frozen=True)
class OpenAttempt:
    """An attempt of a run that may go on; `claimed_at` is aware."""

    run_id: str
    number: int
    claimed_at: datetime
    is_queued: bool = False

    @property
    def row_key(self) -> str:
        """The key of its row."""
        return row_keys.open_row(self.run_id, self.number)


def note_open(rows: Rows, run_id: str, attempt: int, *, is_queued: bool = False) -> None:
    """Take note that an attempt is about to be claimed; a second time changes nothing."""
    row = _OpenRow(claimed_at=datetime.now(UTC), is_queued=is_queued)
    rows.create(row_keys.OPEN_PARTITION, row_keys.open_row(run_id, attempt), row)


def forget(rows: Rows, one: OpenAttempt) -> None:
    """Take note that nobody has to look after an attempt any more."""
    rows.delete(row_keys.OPEN_PARTITION, [one.row_key])


def open_attempts(rows: Rows, prefix: str = "") -> list[OpenAttempt]:
    """List the attempts that may go on, of runs whose ids begin so."""
    found = []
    for key, row in rows.all(row_keys.OPEN_PARTITION, prefix).items():
        run_id, number = row_keys.open_attempt(key)
        known = unpacked(row, _OpenRow)
        found.append(OpenAttempt(run_id, number, known.claimed_at, known.is_queued))
    return found


def unfinished_runs(rows: Rows, schedule: str) -> set[str]:
    """The ids of the runs of a schedule that have not ended, those that wait included."""
    runs = {one.run_id for one in open_attempts(rows, f"{schedule}-")}
    return {run_id for run_id in runs if time_of(schedule, run_id) is not None}
