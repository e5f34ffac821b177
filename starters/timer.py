"""The timer starter: one timer function for each file of `schedules/`.

The id of a run is made from the due time of its tick: a tick that comes twice starts one run.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func

from fanout.adapters.rows.open_runs import unfinished_runs
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.durable.app import Blueprint, client_input
from fanout.errors import UnreadableDocumentError
from fanout.models.request import RunRequest
from fanout.naming import functions
from fanout.schedules import Schedule
from starters.failures import insist_on
from starters.index.earlier import import_some
from starters.lifecycle.earlier_versions import clean_up
from starters.lifecycle.queue import queue_run
from starters.lifecycle.retention import sweep
from starters.lifecycle.start import start_run
from starters.schedule_files import load_schedules, schedules_folder

log: logging.Logger = logger("timer")
Handler = Callable[..., Awaitable[None]]


def blueprint(environment: Mapping[str, str] | None = None) -> Blueprint:
    """Make the timer functions of the schedules that are enabled.

    Raises:
        ScheduleFileError: A file is refused; the message names file and field.
    """
    environment = os.environ if environment is None else environment
    bp = Blueprint()
    for schedule in load_schedules(schedules_folder(environment), environment):
        _register(schedule, bp)
    return bp


def _register(schedule: Schedule, bp: Blueprint) -> None:
    handler: Any = client_input(bp)(_handler(schedule))
    # Without a retry policy the host drops a tick whose function failed.
    handler = bp.retry(
        strategy="exponential_backoff",
        max_retry_count="5",
        minimum_interval="00:00:02",
        maximum_interval="00:01:00",
    )(handler)
    handler = bp.timer_trigger(arg_name="timer", schedule=schedule.trigger)(handler)
    bp.function_name(functions.schedule_function(schedule.name))(handler)


def _handler(schedule: Schedule) -> Handler:
    async def on_tick(timer: func.TimerRequest, client: Any, context: func.Context) -> None:
        with bind_invocation(context):
            due = planned_time(schedule, timer, datetime.now(UTC))
            if timer.past_due:
                log.warning("'%s' is past due: it was due at %s", schedule.name, due.isoformat())
            if schedule.task == "sweep":
                work = sweep_all(client, run_files(), rows())
            else:
                work = handle_tick(schedule, due, client, run_files(), rows())
            await insist_on(work)

    return on_tick


def planned_time(schedule: Schedule, timer: func.TimerRequest, now: datetime) -> datetime:
    """The due time of a tick: the one that the host planned, if the host keeps it."""
    planned = (timer.schedule_status or {}).get("Next")
    return schedule.due_at(now, datetime.fromisoformat(planned) if planned else None)


async def handle_tick(
    schedule: Schedule, due: datetime, client: Any, files: RunFiles, rows: Rows
) -> None:
    """Start the run that is due; while an earlier one goes on, do as `on_overlap` says.

    Raises:
        InvalidRequestError: The request cannot succeed; its source may not exist, for example.
    """
    request = RunRequest.model_validate(schedule.request_at(due))
    run_id = str(request.run_id)
    if schedule.on_overlap == "allow":
        earlier: set[str] = set()
    else:
        earlier = await asyncio.to_thread(unfinished_runs, rows, schedule.name) - {run_id}
    ids_to_log = {"run_id": run_id}
    if earlier and schedule.on_overlap == "skip":
        log.warning("left out: '%s' has not ended", min(earlier), extra=ids_to_log)
    elif earlier:
        await queue_run(request, schedule.name, client, files, rows)
        log.info("queued: '%s' has not ended", min(earlier), extra=ids_to_log)
    else:
        run = await start_run(request, client, files, rows)
        log.info("%s", "started" if run.is_new else "found again", extra=ids_to_log)


async def sweep_all(client: Any, files: RunFiles, rows: Rows) -> None:
    """Delete all runs that are older than the app keeps them, if a setting says how long."""
    try:
        while await asyncio.to_thread(import_some, files, rows):
            log.info("took over runs that an earlier version has listed")
        await clean_up(client, files, rows)
    except UnreadableDocumentError:  # what an earlier version left keeps no run from its end
        log.exception("cannot clean up what earlier versions have left")
    days = settings().retention_days
    if days is None:
        log.info("FANOUT_RETENTION_DAYS is not set: every run is kept")
        return
    oldest = datetime.now(UTC) - timedelta(days=days)
    # Each sweep deletes only so many.
    while await sweep(client, files, rows, oldest):
        log.info("more runs may be older than %d days", days)
