"""The timer starter: one timer function for each file of `schedules/`.

A tick is known by its due time, which makes the run's id: delivered twice, it starts one run.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from fanout.adapters.rows.open_runs import unfinished_runs
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.settings import settings
from fanout.adapters.telemetry import spans
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.messages.payloads import dump
from fanout.messages.run import QueuedRun
from fanout.models.request import RunRequest
from fanout.naming import functions, instance_ids
from fanout.schedules import Schedule
from starters.lifecycle.begin import begin, claimed_or_found
from starters.lifecycle.earlier_versions import clean_up
from starters.lifecycle.retention import sweep
from starters.schedule_files import load_schedules

FOLDER = Path(__file__).parents[1] / "schedules"
FOLDER_SETTING = "FANOUT_SCHEDULES_FOLDER"
log: logging.Logger = logger("timer")
Handler = Callable[..., Awaitable[None]]


def blueprint(values: Mapping[str, str] | None = None) -> df.Blueprint:
    """Make the timer functions of the schedules that are enabled.

    Raises:
        ScheduleFileError: A file is refused; the message names file and field.
    """
    values = os.environ if values is None else values
    made = df.Blueprint()
    for schedule in load_schedules(folder_of(values), values):
        _register(made, schedule)
    return made


def folder_of(values: Mapping[str, str]) -> Path:
    """Where the app's schedule files are."""
    return Path(values.get(FOLDER_SETTING) or FOLDER)


def _register(to: df.Blueprint, schedule: Schedule) -> None:
    handler: Any = to.durable_client_input(client_name="client")(_handler(schedule))
    # Without it the host lets a tick go whose function failed.
    handler = to.retry(
        strategy="exponential_backoff",
        max_retry_count="5",
        minimum_interval="00:00:02",
        maximum_interval="00:01:00",
    )(handler)
    handler = to.timer_trigger(arg_name="timer", schedule=schedule.trigger)(handler)
    to.function_name(functions.schedule_function(schedule.name))(handler)


def _handler(schedule: Schedule) -> Handler:
    async def on_tick(timer: func.TimerRequest, client: Any, context: func.Context) -> None:
        with bind_invocation(context):
            due = due_of(schedule, timer, datetime.now(UTC))
            if timer.past_due:
                log.warning("'%s' is past due: it was due at %s", schedule.name, due.isoformat())
            if schedule.task == "sweep":
                await run_sweep(client, run_files(), rows())
            else:
                await tick(schedule, due, client, run_files(), rows())

    return on_tick


def due_of(schedule: Schedule, timer: func.TimerRequest, now: datetime) -> datetime:
    """The due time of a tick, from what the host keeps of the timer if it keeps anything."""
    planned = (timer.schedule_status or {}).get("Next")
    return schedule.due_at(now, datetime.fromisoformat(planned) if planned else None)


async def tick(schedule: Schedule, due: datetime, client: Any, files: RunFiles, to: Rows) -> None:
    """Start the run that is due, as the schedule's `on_overlap` has it.

    Raises:
        InvalidRequestError: What the request names is not there.
    """
    request = RunRequest.model_validate(schedule.request_at(due))
    run_id = str(request.run_id)
    if schedule.on_overlap == "allow":
        earlier: set[str] = set()
    else:
        earlier = await asyncio.to_thread(unfinished_runs, to, schedule.name) - {run_id}
    ids_to_log = {"run_id": run_id}
    if earlier and schedule.on_overlap == "skip":
        log.warning("left out: '%s' has not ended", min(earlier), extra=ids_to_log)
    elif earlier:
        await _queue(schedule, request, client, files, to)
        log.info("queued: '%s' has not ended", min(earlier), extra=ids_to_log)
    else:
        claimed = await begin(request, client, files, to)
        log.info("%s", "started" if claimed.is_new else "found again", extra=ids_to_log)


async def _queue(
    schedule: Schedule, request: RunRequest, client: Any, files: RunFiles, to: Rows
) -> None:
    claimed = await claimed_or_found(request, files, to, is_queued=True)
    instance = instance_ids.queue_instance(claimed.run_id)
    if await client.get_status(instance) or await client.get_status(claimed.run_id):
        return
    claim = await asyncio.to_thread(files.claim_of, claimed.run_id)
    with spans.trace_start(claimed.run_id, 1) as trace:
        waiting = QueuedRun(
            run_id=claimed.run_id,
            max_runs=settings().max_runs,
            claim=claim,
            trace=trace,
            schedule=schedule.name,
        )
        await client.start_new(functions.QUEUED_RUN, instance, dump(waiting))


async def run_sweep(client: Any, files: RunFiles, to: Rows) -> None:
    """Delete what is older than the app keeps runs, if it says how long that is."""
    await clean_up(client, files, to)
    days = settings().retention_days
    if days is None:
        log.info("FANOUT_RETENTION_DAYS is not set: every run is kept")
        return
    oldest = datetime.now(UTC) - timedelta(days=days)
    # Each sweep deletes only so many.
    while await sweep(client, files, to, oldest):
        log.info("more runs may be older than %d days", days)
