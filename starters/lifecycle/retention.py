"""Deleting runs: one that a caller names, or all that are older than they are to be kept."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.rows.stragglers import has_all_parts
from fanout.adapters.run_files.files import RunFiles, forget_kept
from fanout.adapters.telemetry.logs import logger
from fanout.errors import RunConflictError, RunNotFoundError
from fanout.messages.sagas import SagaBatch
from fanout.naming import blob_paths, instance_ids, row_keys
from starters.lifecycle.attempts import (
    Attempt,
    children_of,
    end_by_force,
    newest_attempt,
    runtime_of,
)
from starters.lifecycle.views import FINISHED

log = logger("retention")
DELETED_AT_ONCE = 32
# How long a part of a run that is told to end may take.
ENDING_SECONDS = 15.0
ENDING_PAUSE_SECONDS = 0.5
# Deletes between two looks at the clock of whoever asked.
SLICE = 1000


async def delete_run(newest: Attempt, client: Any, files: RunFiles, rows: Rows) -> None:
    """Delete the histories, rows and blobs of a run; interrupted, it is finished by another call.

    Children go before their parents, and last what makes it a run that exists.

    Raises:
        RunConflictError: A part of it still runs, and does not end when it is told to.
    """
    run_id = newest.run_id
    if newest.is_forced:
        await end_by_force(newest, client, files, rows)
    await _wait_for_stragglers(newest, files, rows)
    await _wait_for_telling(newest, client)
    await _purge_sagas(run_id, client, files)
    for number in range(1, newest.number + 1):
        state = (await asyncio.to_thread(read_attempt, rows, run_id, number)).state
        instance = instance_ids.attempt_instance(run_id, number)
        for one in [*children_of(run_id, number, state), instance]:
            await purge(one, run_id, client)
    await purge(instance_ids.queue_instance(run_id), run_id, client)
    await asyncio.to_thread(_delete_blobs, run_id, files)
    await asyncio.to_thread(_delete_rows, newest, rows)
    await asyncio.to_thread(_release, run_id, files)
    forget_kept()
    log.info("deleted the run", extra={"run_id": run_id})


async def _wait_for_stragglers(newest: Attempt, files: RunFiles, rows: Rows) -> None:
    """Wait until nothing is under way of a run that was ended by force.

    Raises:
        RunConflictError: Something still is.
    """
    run_id, number = newest.run_id, newest.number
    deadline = asyncio.get_running_loop().time() + ENDING_SECONDS
    state = (await asyncio.to_thread(read_attempt, rows, run_id, number)).state
    while not await asyncio.to_thread(
        has_all_parts, run_id, number, state, files, datetime.now(UTC)
    ):
        _insist_on_time(run_id, deadline)
        await asyncio.sleep(ENDING_PAUSE_SECONDS)


async def _wait_for_telling(newest: Attempt, client: Any) -> None:
    """Wait while the orchestration of a run that has ended does what follows from that."""
    instance = instance_ids.attempt_instance(newest.run_id, newest.number)
    deadline = asyncio.get_running_loop().time() + ENDING_SECONDS
    while runtime_of(await client.get_status(instance)) not in (None, *FINISHED):
        if asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(ENDING_PAUSE_SECONDS)


def _insist_on_time(run_id: str, deadline: float) -> None:
    if asyncio.get_running_loop().time() > deadline:
        message = f"A part of the run '{run_id}' has not ended yet; delete it again later."
        raise RunConflictError(run_id, message)


async def purge(instance: str, run_id: str, client: Any) -> None:
    """Delete the history of an orchestration; one that still runs is ended first.

    Raises:
        RunConflictError: It does not end.
    """
    deadline = asyncio.get_running_loop().time() + ENDING_SECONDS
    while True:
        try:
            await client.purge_instance_history(instance)
        except Exception:  # the SDK raises Exception itself for 412
            if runtime_of(await client.get_status(instance)) in (None, *FINISHED):
                raise
        else:
            return
        _insist_on_time(run_id, deadline)
        await client.terminate(instance, "the run is deleted")
        await asyncio.sleep(ENDING_PAUSE_SECONDS)


def _delete_rows(newest: Attempt, rows: Rows) -> None:
    for number in range(1, newest.number + 1):
        rows.clear(row_keys.steps_partition(newest.run_id, number))
        rows.clear(row_keys.attempt_partition(newest.run_id, number))
        rows.delete(row_keys.OPEN_PARTITION, [row_keys.open_row(newest.run_id, number)])


async def _purge_sagas(run_id: str, client: Any, files: RunFiles) -> None:
    """Delete the histories of all sagas of a run, which its own blobs name."""
    batches = await asyncio.to_thread(
        lambda: [*files.names(blob_paths.saga_batches_folder(run_id))]
    )
    for path in batches:
        instances = await asyncio.to_thread(_saga_instances, run_id, path, files)
        for some in _slices(instances, DELETED_AT_ONCE):
            await asyncio.gather(*(purge(one, run_id, client) for one in some))


def _saga_instances(run_id: str, path: str, files: RunFiles) -> list[str]:
    attempt, name = blob_paths.parse_saga_batch_path(path)
    batch = instance_ids.saga_batch_instance(instance_ids.attempt_instance(run_id, attempt), name)
    items = SagaBatch.model_validate_json(files.read(path)).items
    return [*(instance_ids.saga_instance(batch, item.index) for item in items), batch]


def _delete_blobs(run_id: str, files: RunFiles) -> None:
    """Delete every blob of a run but its request."""
    request = blob_paths.request_path(run_id)
    rest = (name for name in files.names(f"{run_id}/") if name != request)
    for some in _slices(rest, SLICE):
        with ThreadPoolExecutor(DELETED_AT_ONCE) as pool:
            for done in [pool.submit(files.delete, name) for name in some]:
                done.result()


def _release(run_id: str, files: RunFiles) -> None:
    """Delete what makes it a run that exists; whoever takes its id now finds nothing of it."""
    for entry in files.names(blob_paths.INDEX_FOLDER):
        if blob_paths.parse_index_path(entry).run_id == run_id:
            files.delete(entry)
    files.delete(blob_paths.request_path(run_id))


def _slices(paths: Iterable[str], size: int) -> Iterable[list[str]]:
    source = iter(paths)
    while some := list(islice(source, size)):
        yield some


async def sweep(
    client: Any, files: RunFiles, rows: Rows, older_than: datetime, limit: int = 100
) -> int:
    """Delete runs that were claimed before a time and are over.

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
        if attempt.is_begun and not attempt.is_over:
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
