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
from fanout.errors import RunNotFoundError
from fanout.models.answers import ScheduleDescription, ScheduleList
from fanout.models.status import RunStatus
from fanout.naming import blob_paths
from fanout.schedules import Schedule, parse_run_id
from starters.api import endpoints
from starters.api.shell import answer, origin, serves
from starters.lifecycle.attempts import status_of
from starters.schedule_files import read_schedules
from starters.timer import folder_of

bp = df.Blueprint()
# The last run of a schedule is looked for among so many of the newest runs: one page of a listing.
NEWEST_RUNS = 5_000


@serves(bp, endpoints.LIST_SCHEDULES)
async def list_schedules(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """List the schedules, those that are not enabled included."""
    files = run_files()
    schedules = await asyncio.to_thread(read_schedules, folder_of(os.environ), os.environ)
    last = await asyncio.to_thread(last_runs, files, {schedule.name for schedule in schedules})
    runs = await asyncio.gather(
        *(_status(last.get(one.name), files, rows(), origin(req)) for one in schedules)
    )
    now = datetime.now(UTC)
    described = [_described(one, run, now) for one, run in zip(schedules, runs, strict=True)]
    return answer(ScheduleList(schedules=described))


def last_runs(files: RunFiles, schedules: Collection[str]) -> dict[str, str]:
    """Find the id of the newest run of each schedule that has one."""
    found: dict[str, str] = {}
    for path in islice(files.names(blob_paths.INDEX_FOLDER), NEWEST_RUNS):
        run_id = blob_paths.parse_index_path(path).run_id
        run = parse_run_id(run_id)
        if run is not None and run.schedule in schedules and run.schedule not in found:
            found[run.schedule] = run_id
            if len(found) == len(schedules):
                break
    return found


async def _status(run_id: str | None, files: RunFiles, to: Rows, where: str) -> RunStatus | None:
    if run_id is None:
        return None
    try:
        return await status_of(run_id, None, files, to, where)
    except RunNotFoundError:  # deleted meanwhile
        return None


def _described(
    schedule: Schedule, last_run: RunStatus | None, now: datetime
) -> ScheduleDescription:
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
