"""Cleaning up what earlier versions of the app have left behind: durable entities, and markers.

Earlier versions kept the state of runs in entities, which stay on Durable until they are purged.
The purge is made once; a row says that it has been.
"""

import asyncio
from typing import Any

from pydantic import BaseModel

from fanout.adapters.rows.index import IndexRange, read_all_keys
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry.logs import logger
from fanout.durable import client as durable
from fanout.naming import instance_ids, row_keys
from workloads import registry

log = logger("retention")
PARTITION = "!housekeeping"
ENTITIES_ROW = "entities"
MARKERS_FOLDER = "~unstarted/"
PURGED_AT_ONCE = 32


class _Done(BaseModel):
    is_done: bool = False


async def clean_up(client: Any, files: RunFiles, rows: Rows) -> int:
    """Purge the entities of earlier versions, unless that was done; give how many there were."""
    done = await asyncio.to_thread(rows.load, PARTITION, ENTITIES_ROW, _Done)
    if done.is_done:
        return 0
    entities = await asyncio.to_thread(_entities, files, rows)
    gate = asyncio.Semaphore(PURGED_AT_ONCE)

    async def purge(instance: str) -> int:
        async with gate:
            return await durable.purge(client, instance)

    purged = sum(await asyncio.gather(*map(purge, entities)))
    await asyncio.to_thread(_delete_markers, files)
    await asyncio.to_thread(rows.create, PARTITION, ENTITIES_ROW, _Done(is_done=True))
    log.info("purged %d entities of earlier versions", purged)
    return purged


def _entities(files: RunFiles, rows: Rows) -> list[str]:
    """The ids that entities of earlier versions have, whether they exist or not."""
    downstreams = {w.downstream for w in registry.all() if w.downstream is not None}
    shared = [f"@{kind}@{name}" for kind in ("breaker", "rate_limiter") for name in downstreams]
    runs = map(row_keys.run_of_index_row, read_all_keys(rows, IndexRange()))
    governors = [
        f"@governor@{instance_ids.attempt_instance(run_id, number)}"
        for run_id in runs
        for number in range(1, files.newest_attempt(run_id) + 1)
    ]
    return ["@admission@app", *sorted(shared), *governors]


def _delete_markers(files: RunFiles) -> None:
    for name in [*files.names(MARKERS_FOLDER)]:
        files.delete(name)
