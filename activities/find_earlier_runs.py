"""The activity `find_earlier_runs`: whether a run of a schedule must still wait for others."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from fanout import names
from fanout.adapters.instances import unfinished_runs
from fanout.adapters.spans import invoked
from fanout.models.wave import QueuedRun

bp = df.Blueprint()


@bp.activity_trigger(input_name="queued", activity=names.FIND_EARLIER_RUNS)
@bp.durable_client_input(client_name="client")
async def find_earlier_runs(queued: dict, client: Any, context: func.Context) -> bool:
    """Tell whether an earlier run has not ended; shell around `has_earlier`."""
    with invoked(context, queued):
        return await has_earlier(QueuedRun.model_validate(queued), client)


async def has_earlier(queued: QueuedRun, client: Any) -> bool:
    """Tell whether a run of the schedule that was due before this one has not ended."""
    # Ids differ in their due times only, which sort as text.
    return any(run_id < queued.run_id for run_id in await unfinished_runs(client, queued.schedule))
