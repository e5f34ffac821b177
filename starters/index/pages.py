"""The runs of a page, each as it is now.

How a run ended is in its row of the index. Of a run that may go on the rows of its newest attempt
are read, side by side; if they say otherwise than the index, because a crash came in between, it is
repaired. What cannot be read is named, and hides no other run.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from azure.core.exceptions import AzureError, ResourceNotFoundError

from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.rows import index
from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.index import MAX_FAULT_CHARACTERS, IndexEntry
from fanout.adapters.rows.open_runs import find_open
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry.logs import logger
from fanout.errors import RunNotFoundError
from fanout.governor.run_state import GovernorState
from fanout.governor.run_status import compose_status, final_status
from fanout.models.answers import UnreadableRun
from fanout.models.status import RunStatus
from fanout.naming.moments import moment_text
from fanout.threads import ContextPool
from starters.lifecycle.attempts import is_redrive_noted, read_newest
from starters.lifecycle.stalls import may_have_stalled, stalled_since
from starters.lifecycle.waits import add_waits

log = logger("http")
# Of all lists of a process: each thread at work makes every other call wait for the interpreter.
READ_AT_ONCE = 4


@dataclass(frozen=True)
class Readings:
    """What there is to say of the runs of a page.

    Attributes:
        statuses: How they stand; those that do not exist any more are left out.
        unreadable: Those of which nobody can tell.
    """

    statuses: list[RunStatus]
    unreadable: list[UnreadableRun]


async def read_statuses(
    entries: Sequence[IndexEntry], files: RunFiles, rows: Rows, now: datetime, origin: str
) -> Readings:
    """Tell how runs stand.

    Args:
        entries: What the index says of them.
        files: Where runs are kept.
        rows: Their rows.
        now: The time, aware.
        origin: The scheme and host of the addresses in the statuses.

    Raises:
        AzureError: Storage does not answer.
        PatienceError: It has not answered for as long as it is waited for.
    """

    def read(entry: IndexEntry) -> RunStatus | Exception | None:
        if entry.status is not None:
            return _fill(entry, entry.status, origin)
        return _try_to_read(entry, files, rows, now, origin)

    def read_all() -> list[RunStatus | Exception | None]:
        return [*_readers().map(read, entries)]

    readings = [*zip(entries, await asyncio.to_thread(read_all), strict=True)]
    statuses = [reading for _, reading in readings if isinstance(reading, RunStatus)]
    return Readings(
        await asyncio.to_thread(add_waits, statuses, rows),
        [_name(entry, fault) for entry, fault in readings if isinstance(fault, Exception)],
    )


@lru_cache(maxsize=1)
def _readers() -> ContextPool:
    return ContextPool(READ_AT_ONCE, thread_name_prefix="list")


def look_at(
    entry: IndexEntry, files: RunFiles, rows: Rows
) -> tuple[IndexEntry, GovernorState] | None:
    """Read how a run stands that may go on, and repair its row in the index if that is wrong.

    Returns:
        Its entry, and what the rows of its newest attempt say; None where there is no such run.
    """
    state = None if entry.fault else read_attempt(rows, entry.run_id, entry.attempt).state
    if state is None or not _is_of(state, entry):
        try:
            attempt = read_newest(entry.run_id, files, rows)
        except RunNotFoundError:
            attempt = None
        if attempt is None or attempt.claimed_at != entry.claimed_at:
            _drop_left(entry, rows)
            return None
        state, workload = attempt.state, attempt.request.workload
        entry = replace(entry, attempt=attempt.number, workload=workload)
        if is_redrive_noted(attempt, rows):
            return entry, state
    _repair(entry, state, rows)
    return entry, state


def _repair(entry: IndexEntry, state: GovernorState, rows: Rows) -> None:
    """Have the index say what is known, unless somebody has changed it since it was read."""
    if (state.run.is_announced or entry.fault) and not entry.is_in_deletion:
        status = final_status(state) if state.run.is_announced else None
        index.replace_entry(rows, replace(entry, status=status))


def _is_of(state: GovernorState, entry: IndexEntry) -> bool:
    """Tell whether the rows of an attempt are of the run that the index means."""
    return state.has_begun and state.run.claimed_at == moment_text(entry.claimed_at)


def _try_to_read(
    entry: IndexEntry, files: RunFiles, rows: Rows, now: datetime, origin: str
) -> RunStatus | Exception | None:
    """Read how a run stands that may go on; give why it cannot be read."""
    try:
        return _read_current(entry, files, rows, now, origin)
    except ResourceNotFoundError:  # it has been deleted meanwhile
        return None
    except Exception as error:  # whatever is written there, the others are listed
        if isinstance(error, AzureError) or is_infrastructure(error):
            raise
        return error


def _read_current(
    entry: IndexEntry, files: RunFiles, rows: Rows, now: datetime, origin: str
) -> RunStatus | None:
    if entry.odd_key:
        raise ValueError(entry.fault)
    found = look_at(entry, files, rows)
    if found is None:
        return None
    entry, state = found
    status = compose_status(state, now)
    status.stalled_since = _stalled_since(entry, state, files, now)
    return _fill(entry, status, origin)


def _name(entry: IndexEntry, error: Exception) -> UnreadableRun:
    extra = {"run_id": entry.run_id}
    log.error("no list can show a run that cannot be read", exc_info=error, extra=extra)
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return UnreadableRun(run_id=entry.run_id, reason=reason[:MAX_FAULT_CHARACTERS])


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


def _stalled_since(
    entry: IndexEntry, state: GovernorState, files: RunFiles, now: datetime
) -> str | None:
    """Since when a run has not moved; the request is read only of one that may have stalled."""
    if state.is_over or not may_have_stalled(state, now):
        return None
    return stalled_since(files.settings(entry.run_id, entry.attempt), state, now)


def _drop_left(entry: IndexEntry, rows: Rows) -> None:
    """Delete what is left in the index of a run that was deleted.

    Where somebody is about to claim the run, or was, the watchdog sees to it.
    """
    noted = find_open(rows, entry.run_id, entry.attempt)
    if noted is None or not (noted.fault or noted.listed_at == entry.claimed_at):
        index.drop_entry(rows, entry.row_key, entry.etag)
