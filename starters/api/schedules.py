"""The schedules over HTTP: when each is due next, and what became of its last run."""

import asyncio
import os
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import islice

import azure.durable_functions as df
import azure.functions as func

from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.models.answers import ScheduleDescription, ScheduleList
from fanout.models.status import RunStatus
from fanout.naming import blob_paths
from fanout.schedules import Schedule, due_time
from starters.api import endpoints
from starters.api.shell import answer, origin_of, serve
from starters.lifecycle.status import find_status
from starters.schedule_files import read_schedules, schedules_folder

bp = df.Blueprint()
# The last run of a schedule is looked for among the newest runs, as many as a page of blobs has.
NEWEST_RUNS = 5_000


@serve(bp, endpoints.LIST_SCHEDULES)
async def list_schedules(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """List the schedules, those that are not enabled included."""
    files = run_files()
    folder, now = schedules_folder(os.environ), datetime.now(UTC)
    schedules = await asyncio.to_thread(read_schedules, folder, os.environ)
    run_ids = await asyncio.to_thread(last_runs, files, {schedule.name for schedule in schedules})
    statuses = await asyncio.gather(
        *(_find_last(run_ids.get(s.name), files, rows(), origin_of(req)) for s in schedules)
    )
    descriptions = [
        _describe(s, status, now) for s, status in zip(schedules, statuses, strict=True)
    ]
    return answer(ScheduleList(schedules=descriptions))


def last_runs(files: RunFiles, schedules: Collection[str]) -> dict[str, str]:
    """Find the id of the newest run of each schedule that has one."""
    run_ids: dict[str, str] = {}
    for path in islice(files.names(blob_paths.INDEX_FOLDER), NEWEST_RUNS):
        run_id = blob_paths.parse_index_path(path).run_id
        name = run_id.rpartition("-")[0]
        if name in schedules and name not in run_ids and due_time(name, run_id) is not None:
            run_ids[name] = run_id
            if len(run_ids) == len(schedules):
                break
    return run_ids


async def _find_last(
    run_id: str | None, files: RunFiles, rows: Rows, origin: str
) -> RunStatus | None:
    return None if run_id is None else await find_status(run_id, files, rows, origin)


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
