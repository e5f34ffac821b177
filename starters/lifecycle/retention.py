"""Retention: deleting the runs that have been kept long enough."""

import asyncio
from datetime import datetime
from typing import Any

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry.logs import logger
from fanout.errors import RunNotFoundError
from fanout.naming import blob_paths
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
    for entry in await asyncio.to_thread(_older_entries, files, older_than):
        if deleted == limit:
            break
        try:
            attempt = await newest_attempt(entry.run_id, client, files, rows)
        except RunNotFoundError:
            await asyncio.to_thread(_drop_entry, entry, files)
            continue
        if attempt.is_active:
            continue
        await delete_run(attempt, client, files, rows)
        deleted += 1
    if deleted:
        log.info("deleted %d runs from before %s", deleted, older_than.isoformat())
    return deleted


def _older_entries(files: RunFiles, older_than: datetime) -> list[blob_paths.IndexEntry]:
    entries = map(blob_paths.parse_index_path, files.names(blob_paths.INDEX_FOLDER))
    return [entry for entry in entries if entry.claimed_at < older_than]


def _drop_entry(entry: blob_paths.IndexEntry, files: RunFiles) -> None:
    files.delete(blob_paths.index_path(entry.run_id, entry.workload, entry.claimed_at))
