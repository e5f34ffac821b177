"""The schedules over HTTP: when each is due next, and what became of its last run."""

import asyncio
import os
from datetime import UTC, datetime

import azure.functions as func

from fanout.adapters.rows.index import IndexEntry, IndexRange, read_entries
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import run_files
from fanout.durable.app import Blueprint
from fanout.models.answers import ScheduleDescription, ScheduleList
from fanout.models.status import RunStatus
from fanout.schedules import Schedule
from starters.api import endpoints
from starters.api.shell import answer, origin_of, serve
from starters.index.pages import read_statuses
from starters.schedule_files import FileReading, read_files, schedules_folder

bp = Blueprint()


@serve(bp, endpoints.LIST_SCHEDULES)
async def list_schedules(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """List the schedules, those that are not enabled included."""
    folder, now = schedules_folder(os.environ), datetime.now(UTC)
    read = await asyncio.to_thread(read_files, folder, os.environ)
    schedules = [file.schedule for file in read if file.schedule is not None]
    entries = await asyncio.gather(
        *(asyncio.to_thread(last_runs, rows(), schedule.name) for schedule in schedules)
    )
    readings = await asyncio.gather(
        *(read_statuses(found, run_files(), rows(), now, origin_of(req)) for found in entries)
    )
    descriptions = [
        _describe(schedule, next(iter(found.statuses), None), now)
        for schedule, found in zip(schedules, readings, strict=True)
    ]
    descriptions += [_describe_faulty(file) for file in read if file.schedule is None]
    descriptions.sort(key=lambda description: description.name)
    return answer(ScheduleList(schedules=descriptions))


def _describe_faulty(file: FileReading) -> ScheduleDescription:
    return ScheduleDescription(
        name=file.name,
        description="",
        schedule="",
        zone="",
        is_enabled=False,
        on_overlap="skip",
        fault="; ".join(file.faults),
    )


def last_runs(rows: Rows, schedule: str) -> list[IndexEntry]:
    """Find the newest run of a schedule; none if it has none."""
    return read_entries(rows, IndexRange(equal={"schedule": schedule}), 1)


def _describe(schedule: Schedule, last_run: RunStatus | None, now: datetime) -> ScheduleDescription:
    due = schedule.next_due(now)
    return ScheduleDescription(
        name=schedule.name,
        description=schedule.description,
        schedule=schedule.cron or schedule.trigger,
        zone=str(schedule.zone),
        is_enabled=schedule.is_enabled,
        on_overlap=schedule.on_overlap,
        workload=(schedule.request or {}).get("workload"),
        task=schedule.task,
        next_at=due.isoformat().replace("+00:00", "Z") if due else None,
        last_run=last_run,
    )
