"""Details of a run over HTTP: its request, and what its shards did when."""

import asyncio
from datetime import UTC, datetime

import azure.functions as func

from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.rows import rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.durable.app import Blueprint
from fanout.errors import RunNotFoundError
from fanout.governor.run_state import GovernorState
from fanout.governor.timeline import extend_to
from fanout.models.timeline import RunTimeline, ShardLane
from fanout.naming import blob_paths
from starters.api import endpoints
from starters.api.shell import answer, run_id_of, serve, whole_number

bp = Blueprint()


@serve(bp, endpoints.GET_REQUEST)
async def get_request(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Give the request of a run, as its newest attempt, or the one named, carries it out."""
    run_id, files = run_id_of(req), run_files()
    attempt, _ = await _find_attempt(req, run_id, files)
    return answer(await asyncio.to_thread(files.request, run_id, attempt))


@serve(bp, endpoints.GET_TIMELINE)
async def get_timeline(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Tell what the shards of a run did when; its size does not grow with the run."""
    run_id, files = run_id_of(req), run_files()
    attempt, newest = await _find_attempt(req, run_id, files)
    state = (await asyncio.to_thread(read_attempt, rows(), run_id, attempt)).state
    return answer(run_timeline(run_id, attempt, newest, state, datetime.now(UTC)))


def run_timeline(
    run_id: str, attempt: int, attempts: int, state: GovernorState, now: datetime
) -> RunTimeline:
    """Compose a RunTimeline.

    Args:
        run_id: The run.
        attempt: Which attempt of it.
        attempts: How many attempts it has.
        state: What its rows say.
        now: The time, aware; the timeline of a run that goes on ends there.
    """
    timeline = state.timeline
    started_at, end = state.run.started_at, state.run.end
    if started_at is not None and end is None:
        timeline = extend_to(timeline, started_at, now.isoformat())
    return RunTimeline(
        run_id=run_id,
        attempt=attempt,
        attempts=attempts,
        started_at=started_at,
        finished_at=end.at if end else None,
        take_overs=state.run.take_overs,
        bucket_seconds=timeline.width_seconds,
        series={str(name): values for name, values in timeline.series.items()},
        shards=[
            ShardLane(shard=number, cells=lane.cells, waves=lane.waves, partitions=lane.partitions)
            for number, lane in sorted(timeline.lanes.items())
        ],
    )


async def _find_attempt(req: func.HttpRequest, run_id: str, files: RunFiles) -> tuple[int, int]:
    """The attempt that a call names, or else the newest; and the newest.

    Raises:
        RunNotFoundError: There is no such run.
        InvalidRequestError: There is no such attempt.
    """
    if not await asyncio.to_thread(files.exists, blob_paths.request_path(run_id)):
        raise RunNotFoundError(run_id)
    newest = await asyncio.to_thread(files.newest_attempt, run_id)
    text = req.params.get("attempt")
    if text is None:
        return newest, newest
    return whole_number("attempt", text, newest), newest
