"""Pages of the index: the runs, newest first, each as it is now.

How a run ended is in its row of the index. Of a run that may go on the rows of its newest attempt
are read; if they say otherwise than the index, because a crash came in between, it is repaired.
"""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from azure.core.exceptions import ResourceNotFoundError
from pydantic import ValidationError

from fanout.adapters.rows import index
from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.index import IndexEntry, IndexRange
from fanout.adapters.rows.open_runs import find_open
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.tables import MAX_ROWS_A_PAGE
from fanout.adapters.telemetry.logs import logger
from fanout.errors import RunNotFoundError, UnreadableDocumentError
from fanout.governor.run_state import GovernorState
from fanout.governor.run_status import compose_status, final_status
from fanout.models.status import RunStatus
from fanout.naming import row_keys
from fanout.naming.moments import moment_text
from starters.lifecycle.attempts import read_newest
from starters.lifecycle.stalls import LEAST_STALLED_SECONDS, stalled_since

log = logger("http")
# Table storage cannot look for a part of a text. A page of a search looks at so many keys...
MAX_KEYS_SEARCHED = 5 * MAX_ROWS_A_PAGE
# ...and reads so many rows at most, one by one.
MAX_FOUND = 25
READ_AT_ONCE = 8
# Where runs are wanted that have ended somehow, so many of those that may go on are looked at.
MAX_OPEN_LOOKED_AT = 32
LEAST_STALLED = timedelta(seconds=LEAST_STALLED_SECONDS)


@dataclass(frozen=True)
class RunFilter:
    """Which runs are listed; None, or no text, lists all.

    Attributes:
        workload: Runs of this workload.
        outcome: Runs that ended with this outcome.
        since: Runs that were claimed at that time or later, aware.
        text: Runs whose id contains it, in capitals or not.
    """

    workload: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    text: str = ""

    def has(self, status: RunStatus) -> bool:
        """Tell whether a run is wanted, now that it is known how it stands."""
        return (
            self.workload in (None, status.workload)
            and self.outcome in (None, status.outcome)
            and self.text.lower() in status.run_id.lower()
        )

    def range(self, after: str, outcome: str | None) -> IndexRange:
        """The part of the index in which they are, as far as Table storage can tell."""
        wanted = {"workload": self.workload, "outcome": outcome}
        equal = {name: value for name, value in wanted.items() if value is not None}
        return IndexRange(after, self.since, equal=equal)

    def has_text(self, row_key: str) -> bool:
        """Tell whether the id of a run contains the text."""
        return self.text.lower() in row_keys.run_of_index_row(row_key).lower()


@dataclass(frozen=True)
class Found:
    """Runs in the index, the newest first.

    Attributes:
        position: The key of the row after which the next ones are; None if these are the last.
    """

    entries: list[IndexEntry]
    position: str | None


async def read_statuses(
    entries: Iterable[IndexEntry], files: RunFiles, rows: Rows, now: datetime, origin: str
) -> list[RunStatus]:
    """Tell how runs stand; those that do not exist any more are left out.

    Args:
        entries: What the index says of them.
        files: Where runs are kept.
        rows: Their rows.
        now: The time, aware.
        origin: The scheme and host of the addresses in the statuses.
    """

    async def read(entry: IndexEntry) -> RunStatus | None:
        if entry.status is None:
            return await asyncio.to_thread(_read_current, entry, files, rows, now, origin)
        return _fill(entry, entry.status, origin)

    statuses = await asyncio.gather(*map(read, entries))
    return [status for status in statuses if status is not None]


def find_page(rows: Rows, wanted: RunFilter, after: str, limit: int) -> Found:
    """Find a page of runs, as far as the index says.

    Of a run that may go on nobody knows here whether it has ended as wanted; whoever looks at it
    leaves it out then.

    Args:
        rows: The rows.
        wanted: Which runs.
        after: The position at which the page before ended.
        limit: How many at most.
    """
    # Those that may go on come first: one that ends meanwhile is among the others then.
    open_entries = [] if wanted.outcome is None else _find_open(rows, wanted, after)
    found = (_search if wanted.text else _read)(rows, wanted, after, limit)
    entries = {entry.row_key: entry for entry in [*open_entries, *found.entries]}
    keys = sorted(key for key in entries if found.position is None or key <= found.position)
    if len(keys) <= limit:
        return Found([entries[key] for key in keys], found.position)
    return Found([entries[key] for key in keys[:limit]], keys[limit - 1])


def look_at(
    entry: IndexEntry, files: RunFiles, rows: Rows
) -> tuple[IndexEntry, GovernorState] | None:
    """Read how a run stands that may go on, and repair its row in the index if that is wrong.

    Returns:
        Its entry, and what the rows of its newest attempt say; None where there is no such run.
    """
    state = read_attempt(rows, entry.run_id, entry.attempt).state
    if not state.has_begun or state.run.claimed_at != moment_text(entry.claimed_at):
        try:
            attempt = read_newest(entry.run_id, files, rows)
        except RunNotFoundError:
            attempt = None
        if attempt is None or attempt.claimed_at != entry.claimed_at:
            _drop_left(entry, rows)
            return None
        state = attempt.state
        entry = replace(entry, attempt=attempt.number, workload=attempt.request.workload)
    if state.run.is_announced and not entry.is_in_deletion:
        index.replace_entry(rows, replace(entry, status=final_status(state)))
    return entry, state


def _read_current(
    entry: IndexEntry, files: RunFiles, rows: Rows, now: datetime, origin: str
) -> RunStatus | None:
    """Read how a run stands that may go on; one that cannot be read hides no other."""
    try:
        found = look_at(entry, files, rows)
        if found is None:
            return None
        entry, state = found
        status = compose_status(state, now)
        status.stalled_since = _stalled_since(entry, state, files, now)
    except ResourceNotFoundError:  # it has been deleted meanwhile
        return None
    except (ValidationError, UnreadableDocumentError):
        log.exception("no list can show a run that cannot be read", extra={"run_id": entry.run_id})
        return None
    return _fill(entry, status, origin)


def _fill(entry: IndexEntry, status: RunStatus, origin: str) -> RunStatus:
    """The status of a run, with what its row in the index alone knows."""
    return status.model_copy(
        update={
            "run_id": entry.run_id,
            "workload": entry.workload,
            "redrive_count": entry.attempt - 1,
            "results_url": f"{origin}/api/runs/{entry.run_id}/results",
        }
    )


def _read(rows: Rows, wanted: RunFilter, after: str, limit: int) -> Found:
    entries = index.read_entries(rows, wanted.range(after, wanted.outcome), limit)
    return Found(entries, entries[-1].row_key if len(entries) == limit else None)


def _search(rows: Rows, wanted: RunFilter, after: str, limit: int) -> Found:
    """Look for runs by their ids, among so many that no call takes long."""
    keys: list[str] = []
    position = None
    candidates = index.read_all_keys(rows, wanted.range(after, wanted.outcome))
    for number, key in enumerate(candidates, 1):
        if wanted.has_text(key):
            keys.append(key)
        if len(keys) == min(limit, MAX_FOUND) or number == MAX_KEYS_SEARCHED:
            position = key
            break
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        entries = pool.map(lambda key: index.find_entry(rows, key), keys)
    return Found([entry for entry in entries if entry is not None], position)


def _find_open(rows: Rows, wanted: RunFilter, after: str) -> list[IndexEntry]:
    """Runs that may go on, or have ended since: the newest alone, for there may be many."""
    entries = index.read_entries(rows, wanted.range(after, ""), MAX_OPEN_LOOKED_AT)
    return [entry for entry in entries if wanted.has_text(entry.row_key)]


def _stalled_since(
    entry: IndexEntry, state: GovernorState, files: RunFiles, now: datetime
) -> str | None:
    """Since when a run has not moved; the request is read only of one that may have stalled."""
    if state.is_over or state.updated_at is None:
        return None
    if now - datetime.fromisoformat(state.updated_at) <= LEAST_STALLED:
        return None
    return stalled_since(files.request(entry.run_id, entry.attempt), state, now)


def _drop_left(entry: IndexEntry, rows: Rows) -> None:
    """Delete what is left in the index of a run that was deleted.

    Where somebody is about to claim the run, or was, the watchdog sees to it.
    """
    noted = find_open(rows, entry.run_id, entry.attempt)
    if noted is None or noted.listed_at != entry.claimed_at:
        index.drop_entry(rows, entry.row_key, entry.etag)
