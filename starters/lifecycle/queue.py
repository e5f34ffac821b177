"""Queueing a run: it is claimed now, and starts when the earlier ones of its schedule are over."""

import asyncio
from typing import Any

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import settings
from fanout.adapters.telemetry import spans
from fanout.durable import client as durable
from fanout.governor.owners import owner_of
from fanout.messages.payloads import dump
from fanout.messages.run import QueuedRun
from fanout.models.request import RunRequest
from fanout.naming import functions, instance_ids
from fanout.naming.moments import moment_text
from fanout.threads import call_in_thread
from starters.lifecycle.claim import claim_run


async def queue_run(
    request: RunRequest, schedule: str, client: Any, files: RunFiles, rows: Rows
) -> None:
    """Check a request, claim its run and let it wait for its turn, unless it has been started.

    Args:
        request: It has the id of its run.
        schedule: The name of the schedule whose earlier runs it waits for.
        client: The durable client.
        files: Where runs are kept.
        rows: Their rows.

    Raises:
        InvalidRequestError: The request cannot succeed; every problem is named.
        RunConflictError: Another request has its id.
    """
    run_id = str(request.run_id)
    claim = await call_in_thread(claim_run, request, files, rows, is_queued=True)
    instance = instance_ids.queue_instance(run_id)
    if await durable.read_status(client, instance) or await durable.read_status(client, run_id):
        return
    if claim is None:
        claim = await asyncio.to_thread(files.read_claim, run_id)
    with spans.trace_start(run_id, 1) as trace:
        queued = QueuedRun(
            run_id=run_id,
            max_runs=settings().max_runs,
            owner=owner_of(request.workload),
            claim=claim.etag,
            claimed_at=moment_text(claim.claimed_at),
            trace=trace,
            schedule=schedule,
        )
        await durable.start(client, functions.QUEUED_RUN, instance, dump(queued))
