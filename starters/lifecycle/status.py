"""The status of a run, as a caller sees it: made from its rows and from what Durable says."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.durable.status import InstanceStatus
from fanout.governor.run_state import GovernorState
from fanout.governor.run_status import compose_status
from fanout.models.request import RunRequest
from fanout.models.status import RunStatus
from starters.lifecycle.attempts import newest_attempt
from starters.lifecycle.durable_status import ENDED_BY_FORCE, forced_end, iso_time, runtime_of
from starters.lifecycle.stalls import stalled_since
from starters.lifecycle.waits import add_waits


async def read_status(
    run_id: str, client: Any, files: RunFiles, rows: Rows, origin: str
) -> RunStatus:
    """Read the status of a run.

    Args:
        run_id: The run.
        client: The durable client; with None Durable is not asked.
        files: Where runs are kept.
        rows: Their rows.
        origin: The scheme and host of the addresses in the status.

    Raises:
        RunNotFoundError: There is no such run.
    """
    attempt = await newest_attempt(run_id, client, files, rows)
    results_url = f"{origin}/api/runs/{run_id}/results"
    status = run_status(
        attempt.request, attempt.durable, attempt.state, results_url, datetime.now(UTC)
    )
    status.redrive_count = attempt.number - 1
    return (await asyncio.to_thread(add_waits, [status], rows))[0]


def run_status(
    request: RunRequest,
    durable: InstanceStatus | None,
    state: GovernorState,
    results_url: str,
    now: datetime,
) -> RunStatus:
    """Compose a RunStatus.

    Args:
        request: The run's request.
        durable: How the run's orchestration stands; None where nobody has asked.
        state: What its rows say; empty before it has begun.
        results_url: Where the results are.
        now: The time, aware; rates are computed up to it.
    """
    end = state.run.end
    runtime = runtime_of(durable)
    if end is None and runtime in ENDED_BY_FORCE:
        end = forced_end(durable, now)
    created_at = iso_time(durable.created_at) if durable and end is not None else None
    status = compose_status(state, now, end, created_at)
    update = {
        "run_id": str(request.run_id),
        "workload": request.workload,
        "results_url": results_url,
        "stalled_since": None if end else stalled_since(request, state, now),
    }
    if status.status == "Running" and runtime == "Pending":
        update["status"] = runtime
    return status.model_copy(update=update)
