"""The open attempts of all runs: a row for each that has not ended, or whose end is not announced.

The row is written before the attempt is claimed, and deleted when all is done that follows from its
end. So the watchdog finds every attempt that may need it without listing orchestrations. With the
row the run's row in the index changes, both or none: while there is an open attempt, the index says
that the run may go on.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel

from fanout.adapters.rows.index import IndexEntry, end_of_attempt
from fanout.adapters.rows.rows import Rows, pack_model, tries, unpack_model
from fanout.adapters.tables import Row, RowConflictError, Write
from fanout.adapters.telemetry.logs import logger
from fanout.errors import UnreadableDocumentError
from fanout.models.status import RunStatus
from fanout.naming import row_keys
from fanout.naming.moments import round_moment
from fanout.schedules import due_time

log = logger("runs")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class _OpenRow(BaseModel):
    """A row.

    Attributes:
        claimed_at: When the attempt was claimed.
        is_queued: Whether it waits for earlier runs of its schedule.
        listed_at: When the run was claimed, which is where it is in the index; earlier versions of
            the app did not write it down.
    """

    claimed_at: AwareDatetime
    is_queued: bool = False
    listed_at: AwareDatetime | None = None


@dataclass(frozen=True)
class OpenAttempt:
    """An attempt of a run that may go on.

    Attributes:
        number: Which attempt of the run.
        claimed_at: When it was claimed, aware.
        is_queued: Whether it waits for earlier runs of its schedule.
        listed_at: When the run was claimed, aware; None if the row is not among those of all runs,
            but where earlier versions of the app kept it.
        fault: Why its row cannot be read; then only the run and the attempt are known.
    """

    run_id: str
    number: int
    claimed_at: datetime
    is_queued: bool = False
    listed_at: datetime | None = None
    fault: str = ""

    @property
    def row_key(self) -> str:
        """The key of its row."""
        return row_keys.open_row(self.run_id, self.number)

    @property
    def row(self) -> Write:
        """Its row, whatever was there before."""
        model = _OpenRow(
            claimed_at=self.claimed_at, is_queued=self.is_queued, listed_at=self.listed_at
        )
        return Write(self.row_key, pack_model(model), mode="put")


@dataclass(frozen=True)
class ClaimNote:
    """What was written down before a claim.

    Attributes:
        entry: The run in the index.
        is_new: Whether nobody had done so before.
    """

    entry: IndexEntry
    is_new: bool


def note_claim(rows: Rows, run_id: str, workload: str, *, is_queued: bool = False) -> ClaimNote:
    """Take note that a run is about to be claimed.

    Somebody else may have done so, and not have claimed it (yet). Then the run keeps its place in
    the index, and whoever gets the claim calls `confirm_claim`.

    Raises:
        RowContentionError: Others wrote and deleted the same each time.
    """
    for _ in tries():
        now = datetime.now(UTC)
        entry = IndexEntry(run_id, round_moment(now), workload)
        attempt = OpenAttempt(run_id, 1, now, is_queued, entry.claimed_at)
        try:
            rows.submit(row_keys.RUNS_PARTITION, [_new(attempt.row), _new(entry.row)])
        except RowConflictError:
            earlier = find_open(rows, run_id, 1)
            if earlier is not None and earlier.listed_at is not None:
                return ClaimNote(replace(entry, claimed_at=earlier.listed_at), is_new=False)
        else:
            return ClaimNote(entry, is_new=True)
    raise AssertionError("tries() ends by raising")


def withdraw_claim(rows: Rows, entry: IndexEntry, is_claimed: Callable[[], bool]) -> None:
    """Take back what was noted of a run that somebody turns out to have claimed long before.

    What is left by a crash the watchdog forgets, and lists leave out.

    Args:
        rows: The rows.
        entry: What was noted.
        is_claimed: Tells whether a run was claimed upon this note since, by somebody else.
    """
    key = row_keys.open_row(entry.run_id, 1)
    noted = rows.tables.read(rows.table, row_keys.RUNS_PARTITION, [key]).get(key)
    if noted is None or is_claimed():
        return
    # Whoever claims the run upon the note confirms it, and so changes the row or writes it anew.
    writes = [Write(key, etag=noted.etag, mode="delete"), Write(entry.row_key, mode="delete")]
    with suppress(RowConflictError):
        rows.submit(row_keys.RUNS_PARTITION, writes)


def confirm_claim(rows: Rows, entry: IndexEntry, *, is_queued: bool = False) -> None:
    """Take note of what has been claimed, over what somebody else may have noted."""
    attempt = OpenAttempt(entry.run_id, 1, datetime.now(UTC), is_queued, entry.claimed_at)
    rows.submit(row_keys.RUNS_PARTITION, [attempt.row, entry.row])


def note_attempt(rows: Rows, entry: IndexEntry) -> None:
    """Take note that a later attempt is about to be claimed; a second time changes nothing.

    Nobody looks after the earlier ones any more, and none of them says any more how the run ended.

    Args:
        rows: The rows.
        entry: The run in the index, with the number of the attempt and without a status.

    Raises:
        RowContentionError: Others changed the same each time.
    """
    attempt = OpenAttempt(
        entry.run_id, entry.attempt, datetime.now(UTC), listed_at=entry.claimed_at
    )
    for _ in tries():
        open_rows = rows.read_all(row_keys.RUNS_PARTITION, row_keys.open_row_prefix(entry.run_id))
        if attempt.row_key in open_rows:
            return
        earlier = [Write(key, etag=row.etag, mode="delete") for key, row in open_rows.items()]
        try:
            rows.submit(row_keys.RUNS_PARTITION, [*earlier, _new(attempt.row), entry.row])
        except RowConflictError:
            continue
        return


def close(
    rows: Rows, run_id: str, attempt: int, claimed_at: datetime | None, status: RunStatus
) -> None:
    """Take note that all is done about the end of an attempt, and how the run ended.

    Where nobody looks after the attempt any more, that has been noted, or a later one goes on.

    Args:
        rows: The rows.
        run_id: The run.
        attempt: The attempt, which has ended.
        claimed_at: When the run was claimed; None reads it.
        status: How it ended.
    """
    if claimed_at is None:
        known = find_open(rows, run_id, attempt)
        if known is None or known.listed_at is None:
            return
        claimed_at = known.listed_at
    end = end_of_attempt(run_id, claimed_at, attempt, status)
    forget(rows, OpenAttempt(run_id, attempt, claimed_at, listed_at=claimed_at), end)


def forget(rows: Rows, attempt: OpenAttempt, change: Write | None = None) -> bool:
    """Take note that nobody has to look after an attempt any more.

    Args:
        rows: The rows.
        attempt: The attempt.
        change: What becomes of the run's row in the index; None leaves it as it is.

    Returns:
        Whether somebody had to look after it until now; otherwise nothing was changed.
    """
    if attempt.listed_at is None:
        key = attempt.row_key.removeprefix(row_keys.OPEN_PREFIX)
        rows.delete(row_keys.EARLIER_OPEN_PARTITION, [key])
        return True
    writes = [Write(attempt.row_key, mode="delete"), *([change] if change else [])]
    try:
        rows.submit(row_keys.RUNS_PARTITION, writes)
    except RowConflictError:
        return False
    return True


def adopt(rows: Rows, attempt: OpenAttempt, entry: IndexEntry) -> None:
    """Write the row of an attempt that an earlier version of the app has noted among the others."""
    moved = replace(attempt, listed_at=entry.claimed_at)
    rows.submit(row_keys.RUNS_PARTITION, [moved.row, entry.row])
    forget(rows, attempt)


def find_open(rows: Rows, run_id: str, attempt: int) -> OpenAttempt | None:
    """Read the row of an attempt; None if nobody has to look after it."""
    key = row_keys.open_row(run_id, attempt)
    row = rows.tables.read(rows.table, row_keys.RUNS_PARTITION, [key]).get(key)
    return _attempt(key, row) if row is not None else None


def open_attempts(rows: Rows, prefix: str = "") -> list[OpenAttempt]:
    """List the attempts that may go on, of runs whose ids begin so.

    One whose row cannot be read says so, and is open for all that anybody knows.
    """
    earlier = rows.read_all(row_keys.EARLIER_OPEN_PARTITION, prefix)
    found = rows.read_all(row_keys.RUNS_PARTITION, row_keys.OPEN_PREFIX + prefix)
    attempts = [_attempt(key, row) for key, row in [*earlier.items(), *found.items()]]
    return [attempt for attempt in attempts if attempt is not None]


def unfinished_runs(rows: Rows, schedule: str) -> set[str]:
    """The ids of the runs of a schedule that have not ended, those that wait included."""
    runs = {attempt.run_id for attempt in open_attempts(rows, f"{schedule}-")}
    return {run_id for run_id in runs if due_time(schedule, run_id) is not None}


def _attempt(key: str, row: Row) -> OpenAttempt | None:
    """What a row says; None if its key is of no attempt. One that is odd hides no other."""
    try:
        run_id, number = row_keys.parse_open_row(key)
    except ValueError:
        log.exception("a row of open attempts is of no attempt: '%s'", key)
        return None
    try:
        model = unpack_model(row, _OpenRow)
    except (TypeError, ValueError, UnreadableDocumentError) as error:
        return OpenAttempt(run_id, number, _NEVER, fault=" ".join(str(error).split()))
    return OpenAttempt(run_id, number, model.claimed_at, model.is_queued, model.listed_at)


def _new(row: Write) -> Write:
    return replace(row, mode="write")
