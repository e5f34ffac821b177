"""The watchdog: finishes what a crash left half done, and names runs that do not move."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from fanout import ids, names
from fanout.adapters.runs import RunFiles, run_files
from fanout.adapters.settings import settings
from fanout.adapters.telemetry import logged, logger
from fanout.admission import KEY, AdmissionState
from fanout.errors import RunNotFoundError
from starters.circuits import circuits_of
from starters.runs import newest_attempt, start
from starters.views import FINISHED, stalled_since

bp = df.Blueprint()
log = logger(names.WATCHDOG)


@bp.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
@bp.function_name(names.WATCHDOG)
@bp.durable_client_input(client_name="client")
async def watchdog(timer: func.TimerRequest, client: Any, context: func.Context) -> None:
    """Look after runs, every five minutes."""
    with logged(context):
        left_behind = timedelta(seconds=settings().left_behind_seconds)
        await look(client, run_files(), datetime.now(UTC), left_behind)


async def look(client: Any, files: RunFiles, now: datetime, left_behind: timedelta) -> None:
    """Start what was claimed and never started, free the places of the dead, name the stalled.

    Args:
        client: The durable client.
        files: Where runs are kept.
        now: The time, aware.
        left_behind: How long ago a run was claimed that nobody will start any more.
    """
    await _start_left_behind(client, files, now - left_behind)
    await _free_places(client)
    await _name_stalled(client, files, now)
    await circuits_of(client)  # tells telemetry of each


async def _start_left_behind(client: Any, files: RunFiles, until: datetime) -> None:
    for path, modified in await asyncio.to_thread(lambda: [*files.ages(ids.UNSTARTED_FOLDER)]):
        if modified > until:
            continue
        run_id = path.removeprefix(ids.UNSTARTED_FOLDER)
        try:
            attempt = await newest_attempt(run_id, client, files)
        except RunNotFoundError:
            await asyncio.to_thread(files.note_started, run_id)
            continue
        if attempt.durable:
            await asyncio.to_thread(files.note_started, run_id)
            continue
        log.warning("starts a run that was claimed and left", extra={"run_id": run_id})
        await start(run_id, attempt.number, client, files)


async def _free_places(client: Any) -> None:
    entity = df.EntityId(names.ADMISSION, KEY)
    found = await client.read_entity_state(entity)
    state = AdmissionState.model_validate(found.entity_state or {})
    for instance in [*state.running, *state.waiting]:
        status = await client.get_status(instance)
        if not status or (status.runtime_status and status.runtime_status.value in FINISHED):
            log.warning("frees the place of a run that is gone", extra={"run_id": instance})
            await client.signal_entity(entity, "leave", instance)


async def _name_stalled(client: Any, files: RunFiles, now: datetime) -> None:
    running = [df.OrchestrationRuntimeStatus.Running, df.OrchestrationRuntimeStatus.Pending]
    instances = await client.get_status_by(runtime_status=running)
    for instance in instances:
        run_id = str(instance.instance_id).partition(":")[0]
        if instance.name != names.RUN or not ids.is_run_id(run_id):
            continue
        attempt = await newest_attempt(run_id, client, files)
        since = stalled_since(attempt.request, attempt.state, now)
        if since is not None:
            log.warning("has not moved since %s", since, extra={"run_id": run_id})
