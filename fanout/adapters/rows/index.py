"""The index of all runs: a row for each, the newest first, with what lists show and filter by.

A row says how its run ended, or that it may go on: then the rows of its newest attempt are asked.
It says so before anything of a run goes on (`open_runs`), and that the run has ended only when that
is written. So a crash may leave a row that asks for more than need be, never one that is wrong.

Table storage looks for values row by row, so one row in `MILESTONE_EVERY` is a milestone: a search
reads these as well, and ends after so many rows, whether they are as wanted or milestones.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from fanout.adapters.documents import FIELD, VERSION, check_version
from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import MAX_ROWS_A_PAGE, Row, RowConflictError, RowRange, Write
from fanout.errors import UnknownVersionError
from fanout.models.status import RunStatus
from fanout.naming import row_keys
from fanout.schedules import parse_run_id

FIRST, LAST = row_keys.INDEX_PREFIX, row_keys.INDEX_PREFIX + "~"
# A property holds 64 KiB, as UTF-16.
MAX_STATUS_CHARACTERS = 30_000
MILESTONE_EVERY = 32
MILESTONE = "is_milestone"
MAX_FAULT_CHARACTERS = 300
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class IndexEntry:
    """A run in the index.

    Attributes:
        run_id: The run.
        claimed_at: When it was claimed, aware, in milliseconds.
        workload: Its workload.
        attempt: Its newest attempt.
        status: How that ended, without what depends on the caller; None if it may go on.
        is_in_deletion: Whether somebody deletes the run.
        etag: What tells this version of the row from others; none if it was not read.
        fault: Why its row cannot be read; then only its key and its ETag are known.
        odd_key: The key of its row, where that is no key of a run.
    """

    run_id: str
    claimed_at: datetime
    workload: str
    attempt: int = 1
    status: RunStatus | None = None
    is_in_deletion: bool = False
    etag: str | None = None
    fault: str = ""
    odd_key: str = ""

    @property
    def row_key(self) -> str:
        """The key of its row."""
        return self.odd_key or row_keys.index_row(self.run_id, self.claimed_at)

    @property
    def outcome(self) -> str | None:
        """How it ended, as far as its row says."""
        return None if self.status is None else self.status.outcome

    @property
    def may_go_on(self) -> bool:
        """Whether its row does not say how it ended."""
        return self.status is None

    @property
    def row(self) -> Write:
        """Its row, whatever was there before."""
        return Write(self.row_key, _values(self), mode="put")


@dataclass(frozen=True)
class IndexRange:
    """Which runs are read.

    Attributes:
        after: The key of the row before the first of them.
        since: Only runs that were claimed then or later, aware.
        until: Only runs that were claimed before, aware.
        equal: Only runs whose rows have these values: `workload`, `outcome` (none: it may go on),
            `schedule`.
    """

    after: str = FIRST
    since: datetime | None = None
    until: datetime | None = None
    equal: Mapping[str, str] = field(default_factory=dict)

    def rows(self, properties: tuple[str, ...] | None = None, or_marked: str = "") -> RowRange:
        """The range of rows; of any two runs the one that was claimed later comes first."""
        after, before = self.after, LAST
        if self.since is not None:
            before = row_keys.index_bound(self.since)
        if self.until is not None:
            after = max(after, row_keys.index_bound(self.until))
        return RowRange(after, before, self.equal, or_marked, properties)

    def has(self, row: Row) -> bool:
        """Tell whether a row has the values that are wanted."""
        return all(row.values.get(name) == value for name, value in self.equal.items())


@dataclass(frozen=True)
class Stretch:
    """What a search has found in the first part of a range.

    Attributes:
        entries: Those that are as wanted.
        end: The key after which the rest of the range is; None if there is no more.
    """

    entries: list[IndexEntry]
    end: str | None


def end_of_attempt(run_id: str, claimed_at: datetime, attempt: int, status: RunStatus) -> Write:
    """The change of a row that says how the run ended; its workload stays as it was."""
    return Write(row_keys.index_row(run_id, claimed_at), _end(attempt, status), mode="merge")


def read_entries(rows: Rows, wanted: IndexRange, limit: int) -> list[IndexEntry]:
    """Read the first runs of a range, so many at most."""
    found = rows.read_range(row_keys.RUNS_PARTITION, wanted.rows(), limit)
    return [_entry(key, row) for key, row in found.items()]


def search(rows: Rows, wanted: IndexRange, limit: int) -> Stretch:
    """Look for runs in the first part of a range, which is no longer than need be.

    Args:
        rows: The rows.
        wanted: The range.
        limit: How many rows to read at most, those that are wanted and milestones; so the service
            looks at about `MILESTONE_EVERY` times as many, however few are wanted.
    """
    found = rows.read_range(row_keys.RUNS_PARTITION, wanted.rows(or_marked=MILESTONE), limit)
    entries = [_entry(key, row) for key, row in found.items() if wanted.has(row)]
    return Stretch(entries, [*found][-1] if len(found) == limit else None)


def read_values(
    rows: Rows, wanted: IndexRange, names: tuple[str, ...], limit: int
) -> dict[str, Mapping[str, Any]]:
    """Read some values alone of the first rows of a range, so many at most, by their keys."""
    found = rows.read_range(row_keys.RUNS_PARTITION, wanted.rows(names), limit)
    return {key: row.values for key, row in found.items()}


def read_keys(rows: Rows, wanted: IndexRange, limit: int = MAX_ROWS_A_PAGE) -> list[str]:
    """Read the keys alone of the first runs of a range, so many at most."""
    return [*read_values(rows, wanted, (), limit)]


def read_all_keys(rows: Rows, wanted: IndexRange) -> Iterator[str]:
    """Read the keys of all runs of a range, a page at a time."""
    keys = read_keys(rows, wanted)
    while keys:
        yield from keys
        if len(keys) < MAX_ROWS_A_PAGE:
            return
        keys = read_keys(rows, replace(wanted, after=keys[-1]))


def find_entry(rows: Rows, row_key: str) -> IndexEntry | None:
    """Read one row; None where there is none."""
    row = rows.tables.read(rows.table, row_keys.RUNS_PARTITION, [row_key]).get(row_key)
    return _entry(row_key, row) if row is not None else None


def replace_entry(rows: Rows, entry: IndexEntry) -> bool:
    """Write a row over the version that was read, or anew; tell whether nobody was faster."""
    write = Write(entry.row_key, _values(entry), entry.etag)
    return _submit(rows, [write])


def drop_entry(rows: Rows, row_key: str, etag: str | None = None) -> bool:
    """Delete a row, with an ETag only that version of it; tell whether it was there."""
    return _submit(rows, [Write(row_key, etag=etag, mode="delete")])


def note_deletion(rows: Rows, run_id: str, claimed_at: datetime) -> None:
    """Take note that a run is being deleted: what its row says of it holds no more."""
    key = row_keys.index_row(run_id, claimed_at)
    _submit(rows, [Write(key, {"outcome": "", "is_in_deletion": True}, mode="merge")])


def _submit(rows: Rows, writes: list[Write]) -> bool:
    try:
        rows.submit(row_keys.RUNS_PARTITION, writes)
    except RowConflictError:
        return False
    return True


def _values(entry: IndexEntry) -> dict[str, Any]:
    end = _end(entry.attempt, entry.status)
    due = parse_run_id(entry.run_id)
    mark = {MILESTONE: True} if _is_milestone(entry.row_key) else {}
    kept = {"workload": entry.workload, "schedule": due.schedule if due else ""}
    return {FIELD: VERSION, **kept, **end, **mark}


def _is_milestone(row_key: str) -> bool:
    """The key has the moment of the claim, so nobody chooses runs none of which is one."""
    return zlib.crc32(row_key.encode()) % MILESTONE_EVERY == 0


def _end(attempt: int, status: RunStatus | None) -> dict[str, Any]:
    return {
        "attempt": attempt,
        "outcome": (status and status.outcome) or "",
        "status": _pack(status) if status is not None else "",
        "is_in_deletion": False,
    }


def _pack(status: RunStatus) -> str:
    """A status as text that fits a property; the least frequent failures are left out first."""
    text = status.model_dump_json(exclude_defaults=True)
    while len(text) > MAX_STATUS_CHARACTERS and status.errors:
        status = status.model_copy(update={"errors": status.errors[:-1]})
        text = status.model_dump_json(exclude_defaults=True)
    return text


def _entry(row_key: str, row: Row) -> IndexEntry:
    """What a row says; one that cannot be read hides no other."""
    key = row_keys.parse_index_row(row_key)
    if key is None:
        return IndexEntry(
            row_key, _NEVER, "", etag=row.etag, fault="its key is none of a run", odd_key=row_key
        )
    try:
        return _parse(key, row)
    except (KeyError, TypeError, ValueError, UnknownVersionError) as error:
        fault = f"its row in the index: {type(error).__name__}: {' '.join(str(error).split())}"
        fault = fault[:MAX_FAULT_CHARACTERS]
        return IndexEntry(key.run_id, key.claimed_at, "", etag=row.etag, fault=fault)


def _parse(key: row_keys.IndexKey, row: Row) -> IndexEntry:
    """What a row says.

    Raises:
        KeyError: A property is missing.
        TypeError: A property is of another type.
        ValueError: A property has no such value.
        UnknownVersionError: It is of a version that is not known.
    """
    values = row.values
    check_version(values.get(FIELD, VERSION), "its row")
    status = RunStatus.model_validate_json(values["status"]) if values["outcome"] else None
    if status is not None and status.outcome != values["outcome"]:
        raise ValueError(f"it says {values['outcome']} and {status.outcome}")
    if not isinstance(values["workload"], str):
        raise TypeError("its workload is no text")
    attempt, is_in_deletion = int(values["attempt"]), bool(values["is_in_deletion"])
    return IndexEntry(
        key.run_id, key.claimed_at, values["workload"], attempt, status, is_in_deletion, row.etag
    )
