"""Rebuilding the index of all runs, from their blobs and rows, a part at a time.

First every run that has blobs is looked at, then every row of the index. Whatever else changes them
meanwhile is respected: a row is written over the version that was read before its run, or not.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from fanout.adapters.rows import index
from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.index import IndexEntry, IndexRange
from fanout.adapters.rows.open_runs import OpenAttempt, find_open
from fanout.adapters.rows.rows import Rows, tries
from fanout.adapters.run_files.files import Claim, RunFiles
from fanout.adapters.tables import RowConflictError, Write
from fanout.adapters.telemetry.logs import logger
from fanout.errors import (
    FieldProblem,
    InvalidRequestError,
    RunNotFoundError,
    UnreadableDocumentError,
)
from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.naming import blob_paths, row_keys
from fanout.naming.moments import moment_text
from fanout.threads import ContextPool
from starters.lifecycle.attempts import Attempt, is_redrive_noted, read_newest

log = logger("runs")
REBUILT_AT_ONCE = 16
# Of the positions at which a part ends: among the blobs, or among the rows.
_BLOBS, _ROWS = "blobs:", "rows:"
_ROW_KEY = re.compile(re.escape(index.FIRST) + r"[!-~]{0,200}")
_MAX_SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class Rebuilt:
    """What a part of a rebuilding came to.

    Attributes:
        looked_at: How many runs and rows were looked at.
        written: How many rows were missing or wrong, and have been written.
        dropped: How many rows had no run any more, and have been deleted.
        position: Where the next part begins; None if this was the last.
    """

    looked_at: int
    written: int = 0
    dropped: int = 0
    position: str | None = None


def rebuild_part(files: RunFiles, rows: Rows, position: str | None, limit: int) -> Rebuilt:
    """Rebuild a part of the index.

    Args:
        files: Where runs are kept.
        rows: Their rows.
        position: Where the part before ended; None begins with the first.
        limit: How many runs or rows to look at.

    Raises:
        InvalidRequestError: No part has ended there.
    """
    if position is None or position.startswith(_BLOBS):
        token = position.removeprefix(_BLOBS) if position else None
        run_ids, token = _list_runs(token, limit, files)
        written = rebuild_runs(run_ids, files, rows)
        end = _ROWS if token is None else _BLOBS + token
        return Rebuilt(len(run_ids), written=written, position=end)
    after = position.removeprefix(_ROWS) or index.FIRST
    if not position.startswith(_ROWS) or not _ROW_KEY.fullmatch(after):
        raise _bad_position(position)
    keys = index.read_keys(rows, IndexRange(after), limit)
    with ContextPool(REBUILT_AT_ONCE) as pool:
        dropped = sum(pool.map(lambda key: _drop_if_gone(key, files, rows), keys))
    return Rebuilt(
        len(keys), dropped=dropped, position=_ROWS + keys[-1] if len(keys) == limit else None
    )


def _bad_position(position: str) -> InvalidRequestError:
    message = f"'{position[:_MAX_SHOWN_CHARACTERS]}' is nothing that a part has ended with"
    return InvalidRequestError([FieldProblem("continuation", message)])


def _list_runs(token: str | None, limit: int, files: RunFiles) -> tuple[list[str], str | None]:
    try:
        return files.runs(token, limit)
    except HttpResponseError as error:
        # Storage alone knows the tokens that it gives.
        if token is None or error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        raise _bad_position(_BLOBS + token) from error


def rebuild_runs(run_ids: Iterable[str], files: RunFiles, rows: Rows) -> int:
    """Have the index say of some runs what is true; give how many of its rows did not."""
    with ContextPool(REBUILT_AT_ONCE) as pool:
        return sum(pool.map(lambda run_id: _rebuild_run(run_id, files, rows), run_ids))


def _rebuild_run(run_id: str, files: RunFiles, rows: Rows) -> bool:
    try:
        return rebuild_run(run_id, files, rows)
    except (RunNotFoundError, ResourceNotFoundError):  # it was deleted, or never claimed
        return False
    except (KeyError, TypeError, ValueError, UnreadableDocumentError):
        log.exception("no list can show a run that cannot be read", extra={"run_id": run_id})
        return False


def rebuild_run(run_id: str, files: RunFiles, rows: Rows) -> bool:
    """Have the index say of a run what is true, and the watchdog look after it if need be.

    Returns:
        Whether something was wrong, or missing.

    Raises:
        RunNotFoundError: There is no such run.
        RowContentionError: Others changed its rows each time.
    """
    for _ in tries():
        claim = files.read_claim(run_id)
        known = index.find_entry(rows, row_keys.index_row(run_id, claim.claimed_at))
        attempt = read_newest(run_id, files, rows)
        if attempt.claimed_at != claim.claimed_at:  # it was deleted, and another has its id
            continue
        attempt = _restore_end(attempt, claim, files, rows)
        noted = find_open(rows, run_id, attempt.number)
        writes = _corrections(attempt, known, noted)
        if not writes or is_redrive_noted(attempt, rows):
            return False
        try:
            rows.submit(row_keys.RUNS_PARTITION, writes)
        except RowConflictError:
            continue
        return True
    raise AssertionError("tries() ends by raising")


def _corrections(
    attempt: Attempt, known: IndexEntry | None, noted: OpenAttempt | None
) -> list[Write]:
    """What has to be written: how the run ended, or that an attempt of it goes on and is open.

    An attempt that has not begun is not opened: it may be what is left of a run that was deleted,
    or whose rows are lost; nobody should begin it anew.
    """
    if known is not None and known.is_in_deletion:
        return []
    state = attempt.state
    has_ended = state.is_over and (state.run.is_announced or noted is None)
    entry = replace(attempt.entry, etag=known.etag if known else None)
    if not has_ended:
        entry = replace(entry, status=None)
    writes = []
    if known != entry:
        writes.append(replace(entry.row, mode="write", etag=entry.etag))
    if has_ended and noted is not None:
        writes.append(Write(noted.row_key, mode="delete"))
    if noted is None and state.has_begun and not state.is_over:
        writes.append(replace(note_of(attempt).row, mode="write"))
    elif noted is not None and noted.fault and not has_ended:
        writes.append(note_of(attempt).row)
    return writes


def note_of(attempt: Attempt) -> OpenAttempt:
    """What there is to note of an attempt that is open, whatever was noted before."""
    # If it waits for other runs, there is an orchestration that tells; the watchdog asks for it.
    return OpenAttempt(
        attempt.run_id,
        attempt.number,
        attempt.claimed_at,
        is_queued=True,
        listed_at=attempt.claimed_at,
    )


def _restore_end(attempt: Attempt, claim: Claim, files: RunFiles, rows: Rows) -> Attempt:
    """Read how an attempt ended from its summary, if its rows are lost."""
    if attempt.state.has_begun or attempt.state.is_over:
        return attempt
    end = _find_end(attempt, files)
    if end is None:
        return attempt

    def rule(state: GovernorState) -> tuple[GovernorState, GovernorState]:
        if state.has_begun or state.is_over:
            return state, state
        run = state.run.model_copy(
            update={
                "claim": claim.etag,
                "claimed_at": moment_text(claim.claimed_at),
                "phase": "done",
                "end": end,
                "updated_at": end.at,
                "is_announced": True,
            }
        )
        state = state.model_copy(update={"run": run})
        return state, state

    log.warning("takes the end of a run from its summary", extra={"run_id": attempt.run_id})
    return replace(attempt, state=change_attempt(rows, attempt.run_id, attempt.number, rule))


def _find_end(attempt: Attempt, files: RunFiles) -> RunEnd | None:
    """The end in the summary of a run, if that is of this attempt: written after its claim."""
    run_id = attempt.run_id
    written_at = files.written_at(blob_paths.summary_path(run_id))
    if written_at is None:
        return None
    if attempt.number > 1:
        asked_at = files.written_at(blob_paths.attempt_path(run_id, attempt.number))
        if asked_at is None or asked_at > written_at:
            return None
    end = files.read_model(RunEnd, blob_paths.summary_path(run_id))
    return end.model_copy(update={"at": end.at or moment_text(written_at)})


def _drop_if_gone(row_key: str, files: RunFiles, rows: Rows) -> bool:
    """Delete a row of the index whose run there is not, unless somebody is about to claim it."""
    key = row_keys.parse_index_row(row_key)
    if key is None:
        return index.drop_entry(rows, row_key)
    noted = find_open(rows, key.run_id, 1)
    claim = files.find_claim(key.run_id)
    if claim is not None and claim.claimed_at == key.claimed_at:
        return False
    if noted is not None and (noted.fault or noted.listed_at == key.claimed_at):
        return False
    return index.drop_entry(rows, row_key)
