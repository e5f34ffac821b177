"""Deleting runs: one that a caller names, or all that are older than they are to be kept."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Any

import azure.durable_functions as df

from fanout import ids, names
from fanout.adapters.runs import RunFiles, forget_kept
from fanout.adapters.telemetry import logger
from fanout.batching import shard_count
from fanout.errors import RunNotFoundError
from fanout.models.request import RunRequest
from fanout.models.saga import SagaBatch
from starters.runs import newest_attempt

log = logger("retention")
FORGET = "forget"
DELETED_AT_ONCE = 32
# Deletes between two looks at the clock of whoever asked.
SLICE = 1000


async def delete_run(run_id: str, client: Any, files: RunFiles) -> None:
    """Delete the histories and the blobs of a run; interrupted, it is finished by another call."""
    attempt = await newest_attempt(run_id, client, files)
    for number in range(1, attempt.number + 1):
        request = await asyncio.to_thread(files.request, run_id, number)
        await _purge(client, ids.attempt_instance(run_id, number), request)
    await _purge_sagas(run_id, client, files)
    await asyncio.to_thread(_delete_blobs, run_id, files)
    forget_kept()
    log.info("deleted the run", extra={"run_id": run_id})


async def _purge(client: Any, instance: str, request: RunRequest) -> None:
    # A run of fewer partitions has fewer shards; those that are not there cost a call each.
    shards = range(shard_count(request.concurrency.batches))
    children = [ids.shard_instance(instance, n, letter) for letter in "sc" for n in shards]
    for one in [*children, ids.fan_in_instance(instance), instance]:
        await client.purge_instance_history(one)
    await client.signal_entity(df.EntityId(names.GOVERNOR, instance), FORGET)


async def _purge_sagas(run_id: str, client: Any, files: RunFiles) -> None:
    """Delete the histories of all sagas of a run, which its own blobs name."""
    batches = await asyncio.to_thread(lambda: [*files.names(ids.saga_batches_folder(run_id))])
    for path in batches:
        instances = await asyncio.to_thread(_saga_instances, run_id, path, files)
        for some in _slices(instances, DELETED_AT_ONCE):
            await asyncio.gather(*map(client.purge_instance_history, some))


def _saga_instances(run_id: str, path: str, files: RunFiles) -> list[str]:
    attempt, name = ids.saga_batch_of(path)
    batch = ids.saga_batch_instance(ids.attempt_instance(run_id, attempt), name)
    items = SagaBatch.model_validate_json(files.read(path)).items
    return [batch, *(ids.saga_instance(batch, item.index) for item in items)]


def _delete_blobs(run_id: str, files: RunFiles) -> None:
    """Delete every blob of a run, and last what makes it one that exists."""
    request = ids.request_path(run_id)
    rest = (name for name in files.names(f"{run_id}/") if name != request)
    for some in _slices(rest, SLICE):
        with ThreadPoolExecutor(DELETED_AT_ONCE) as pool:
            for done in [pool.submit(files.delete, name) for name in some]:
                done.result()
    for entry in files.names(ids.INDEX_FOLDER):
        if ids.index_entry(entry).run_id == run_id:
            files.delete(entry)
    files.delete(ids.unstarted_path(run_id))
    files.delete(request)


def _slices(paths: Iterable[str], size: int) -> Iterable[list[str]]:
    source = iter(paths)
    while some := list(islice(source, size)):
        yield some


async def sweep(client: Any, files: RunFiles, older_than: datetime, limit: int = 100) -> int:
    """Delete runs that were claimed before a time and are over.

    Args:
        client: The durable client.
        files: Where runs are kept.
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
            attempt = await newest_attempt(entry.run_id, client, files)
        except RunNotFoundError:
            await asyncio.to_thread(_drop_entry, entry, files)
            continue
        if attempt.durable and not attempt.is_over:
            continue
        await delete_run(entry.run_id, client, files)
        deleted += 1
    if deleted:
        log.info("deleted %d runs from before %s", deleted, older_than.isoformat())
    return deleted


def _older_entries(files: RunFiles, older_than: datetime) -> list[ids.IndexEntry]:
    entries = map(ids.index_entry, files.names(ids.INDEX_FOLDER))
    return [entry for entry in entries if entry.claimed_at < older_than]


def _drop_entry(entry: ids.IndexEntry, files: RunFiles) -> None:
    files.delete(ids.index_path(entry.run_id, entry.workload, entry.claimed_at))
