"""The open attempts of all runs: a row for each that has not ended, or whose end is not announced.

The row is written before the attempt is claimed, and deleted when all is done that follows from its
end. So the watchdog finds every attempt that may need it without listing orchestrations.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel

from fanout.adapters.rows.rows import Rows, unpack_model
from fanout.naming import row_keys
from fanout.schedules import due_time


class _OpenRow(BaseModel):
    """A row.

    Attributes:
        claimed_at: When the attempt was claimed.
        is_queued: Whether it waits for earlier runs of its schedule.
    """

    claimed_at: datetime
    is_queued: bool = False


@dataclass(frozen=True)
class OpenAttempt:
    """An attempt of a run that may go on.

    Attributes:
        number: Which attempt of the run.
        claimed_at: When it was claimed, aware.
        is_queued: Whether it waits for earlier runs of its schedule.
    """

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


def forget(rows: Rows, attempt: OpenAttempt) -> None:
    """Take note that nobody has to look after an attempt any more."""
    rows.delete(row_keys.OPEN_PARTITION, [attempt.row_key])


def open_attempts(rows: Rows, prefix: str = "") -> list[OpenAttempt]:
    """List the attempts that may go on, of runs whose ids begin so."""
    attempts = []
    for key, row in rows.read_all(row_keys.OPEN_PARTITION, prefix).items():
        run_id, number = row_keys.parse_open_row(key)
        model = unpack_model(row, _OpenRow)
        attempts.append(OpenAttempt(run_id, number, model.claimed_at, model.is_queued))
    return attempts


def unfinished_runs(rows: Rows, schedule: str) -> set[str]:
    """The ids of the runs of a schedule that have not ended, those that wait included."""
    runs = {attempt.run_id for attempt in open_attempts(rows, f"{schedule}-")}
    return {run_id for run_id in runs if due_time(schedule, run_id) is not None}
