"""Deleting a run: its histories, rows and blobs, and last of all its id."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from fanout.adapters.rows import index
from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.rows.stragglers import has_all_parts
from fanout.adapters.run_files.files import RunFiles, forget_kept
from fanout.adapters.telemetry.logs import logger
from fanout.durable import client as durable
from fanout.errors import RunConflictError, UnreadableDocumentError
from fanout.messages.sagas import SagaBatch
from fanout.naming import blob_paths, instance_ids, row_keys
from fanout.threads import ContextPool
from starters.lifecycle.attempts import Attempt, children_of
from starters.lifecycle.durable_status import is_unfinished
from starters.lifecycle.end_by_force import end_by_force

log = logger("retention")
DELETED_AT_ONCE = 32
# How long a part of a run may take to end.
ENDING_SECONDS = 15.0
ENDING_PAUSE_SECONDS = 0.5
# How many blobs are listed and then deleted together.
GROUP_SIZE = 1000


async def delete_run(attempt: Attempt, client: Any, files: RunFiles, rows: Rows) -> None:
    """Delete the histories, rows and blobs of a run, and last of all what makes it exist.

    A deletion that was interrupted is finished by the next call: the run is listed until it is all
    gone. Children go before their parents.

    Args:
        attempt: The newest attempt of the run, which is not active.
        client: The durable client.
        files: Where runs are kept.
        rows: Their rows.

    Raises:
        RunConflictError: A part of the run still runs, and does not end in time.
    """
    run_id = attempt.run_id
    if attempt.is_forced:
        await end_by_force(attempt, client, files, rows)
    await _wait_for_stragglers(attempt, files, rows)
    await _wait_for_announcement(attempt, client)
    await asyncio.to_thread(index.note_deletion, rows, run_id, attempt.claimed_at)
    await _purge_sagas(run_id, client, files)
    for number in range(1, attempt.number + 1):
        state = (await asyncio.to_thread(read_attempt, rows, run_id, number)).state
        parent = instance_ids.attempt_instance(run_id, number)
        for instance in [*children_of(run_id, number, state), parent]:
            await _purge(instance, run_id, client)
    await _purge(instance_ids.queue_instance(run_id), run_id, client)
    await asyncio.to_thread(_delete_blobs, run_id, files)
    await asyncio.to_thread(_delete_rows, attempt, rows)
    # Whoever claims the id next finds nothing. Until the index is told, lists find out themselves.
    await asyncio.to_thread(files.delete, blob_paths.request_path(run_id))
    await asyncio.to_thread(index.drop_entry, rows, attempt.row_key)
    forget_kept()
    log.info("deleted the run", extra={"run_id": run_id})


async def _wait_for_stragglers(attempt: Attempt, files: RunFiles, rows: Rows) -> None:
    """Wait until the batches have stopped of a run that was ended by force.

    Raises:
        RunConflictError: They have not stopped in time.
    """
    run_id, number = attempt.run_id, attempt.number
    deadline = asyncio.get_running_loop().time() + ENDING_SECONDS
    state = (await asyncio.to_thread(read_attempt, rows, run_id, number)).state
    while not await asyncio.to_thread(
        has_all_parts, run_id, number, state, files, datetime.now(UTC)
    ):
        _insist_on_time(run_id, deadline)
        await asyncio.sleep(ENDING_PAUSE_SECONDS)


async def _wait_for_announcement(attempt: Attempt, client: Any) -> None:
    """Wait while the orchestration of a run that has ended announces the end."""
    instance = instance_ids.attempt_instance(attempt.run_id, attempt.number)
    deadline = asyncio.get_running_loop().time() + ENDING_SECONDS
    while await is_unfinished(instance, client):
        if asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(ENDING_PAUSE_SECONDS)


def _insist_on_time(run_id: str, deadline: float) -> None:
    if asyncio.get_running_loop().time() > deadline:
        message = f"A part of the run '{run_id}' has not ended yet; delete it again later."
        raise RunConflictError(run_id, message)


async def _purge(instance: str, run_id: str, client: Any) -> None:
    """Delete the history of an orchestration; if it still runs, end it first.

    Raises:
        RunConflictError: It does not end in time.
    """
    deadline = asyncio.get_running_loop().time() + ENDING_SECONDS
    while True:
        try:
            await durable.purge(client, instance)
        except Exception:  # the SDK raises Exception itself for 412
            if not await is_unfinished(instance, client):
                raise
        else:
            return
        _insist_on_time(run_id, deadline)
        await durable.terminate(client, instance, "the run is deleted")
        await asyncio.sleep(ENDING_PAUSE_SECONDS)


def _delete_rows(attempt: Attempt, rows: Rows) -> None:
    for number in range(1, attempt.number + 1):
        rows.clear(row_keys.steps_partition(attempt.run_id, number))
        rows.clear(row_keys.attempt_partition(attempt.run_id, number))
    open_rows = rows.read_all(row_keys.RUNS_PARTITION, row_keys.open_row_prefix(attempt.run_id))
    rows.delete(row_keys.RUNS_PARTITION, [*open_rows])


async def _purge_sagas(run_id: str, client: Any, files: RunFiles) -> None:
    """Delete the histories of all sagas of a run; its blobs name them."""
    batches = await asyncio.to_thread(
        lambda: [*files.names(blob_paths.saga_batches_folder(run_id))]
    )
    for path in batches:
        instances = await asyncio.to_thread(_saga_instances, run_id, path, files)
        for group in _groups(instances, DELETED_AT_ONCE):
            await asyncio.gather(*(_purge(instance, run_id, client) for instance in group))


def _saga_instances(run_id: str, path: str, files: RunFiles) -> list[str]:
    attempt, name = blob_paths.parse_saga_batch_path(path)
    batch = instance_ids.saga_batch_instance(instance_ids.attempt_instance(run_id, attempt), name)
    try:
        indices = files.read_model(SagaBatch, path).with_instances
    except UnreadableDocumentError as error:
        log.error("the histories of a batch of sagas stay: %s", error)  # noqa: TRY400
        return [batch]
    return [*(instance_ids.saga_instance(batch, index) for index in indices), batch]


def _delete_blobs(run_id: str, files: RunFiles) -> None:
    """Delete every blob of a run but its request."""
    request = blob_paths.request_path(run_id)
    rest = (name for name in files.names(f"{run_id}/") if name != request)
    for group in _groups(rest, GROUP_SIZE):
        with ContextPool(DELETED_AT_ONCE) as pool:
            for deletion in [pool.submit(files.delete, name) for name in group]:
                deletion.result()


def _groups(names: Iterable[str], size: int) -> Iterable[list[str]]:
    rest = iter(names)
    while group := list(islice(rest, size)):
        yield group
