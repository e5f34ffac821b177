"""Retention: deleting the runs that have been kept long enough."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from fanout.adapters.rows.index import IndexRange, drop_entry, read_keys
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry.logs import logger
from fanout.errors import FanoutError, RunNotFoundError
from fanout.naming import row_keys
from starters.lifecycle.attempts import newest_attempt
from starters.lifecycle.deletion import delete_run

log = logger("retention")


async def sweep(
    client: Any, files: RunFiles, rows: Rows, older_than: datetime, limit: int = 100
) -> int:
    """Delete the runs that were claimed before a moment, except active ones.

    Args:
        client: The durable client.
        files: Where runs are kept.
        rows: Their rows.
        older_than: Runs claimed before this are deleted, aware.
        limit: How many to delete at most; the next sweep goes on.

    Returns:
        How many were deleted.
    """
    deleted = 0
    async for key in _older_keys(rows, older_than):
        if deleted == limit:
            break
        try:
            deleted += await _delete_old(key, client, files, rows)
        except (FanoutError, ValueError):  # the next sweep tries it again
            run_id = row_keys.run_of_index_row(key)
            log.exception("cannot delete a run", extra={"run_id": run_id})
    if deleted:
        log.info("deleted %d runs from before %s", deleted, older_than.isoformat())
    return deleted


async def _older_keys(rows: Rows, older_than: datetime) -> AsyncIterator[str]:
    """The keys of the runs in the index that were claimed before a moment, a page at a time."""
    part = IndexRange(until=older_than)
    while keys := await asyncio.to_thread(read_keys, rows, part):
        for key in keys:
            yield key
        part = replace(part, after=keys[-1])


async def _delete_old(row_key: str, client: Any, files: RunFiles, rows: Rows) -> bool:
    """Delete a run of the index, unless it is active; tell whether it was."""
    run_id = row_keys.run_of_index_row(row_key)
    try:
        attempt = await newest_attempt(run_id, client, files, rows, must_be_readable=False)
    except RunNotFoundError:
        attempt = None
    if attempt is None or attempt.row_key != row_key:
        await asyncio.to_thread(drop_entry, rows, row_key)
        return False
    if attempt.is_active:
        return False
    await delete_run(attempt, client, files, rows)
    return True
