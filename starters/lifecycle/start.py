"""Starting a run: what every trigger calls."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from fanout.adapters.accounts import current_account, open_account
from fanout.adapters.rows.open_runs import confirm_claim
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import Claim, RunFiles
from fanout.adapters.settings import settings
from fanout.adapters.telemetry import spans
from fanout.durable import client as durable
from fanout.governor.owners import owner_of
from fanout.messages.payloads import dump
from fanout.messages.run import RunInput
from fanout.models.request import RunRequest
from fanout.models.usage import Usage
from fanout.naming import functions, instance_ids
from fanout.naming.moments import moment_text
from fanout.threads import call_in_thread
from starters.lifecycle.attempts import newest_attempt
from starters.lifecycle.claim import claim_run


@dataclass(frozen=True)
class RunStart:
    """What became of a request to start a run.

    Attributes:
        run_id: The run.
        is_new: Whether this call claimed it; otherwise the same request did so before.
        is_over: Whether it has ended already.
    """

    run_id: str
    is_new: bool
    is_over: bool = False


@dataclass(frozen=True)
class AttemptStart:
    """An attempt to start.

    Attributes:
        run_id: The run.
        attempt: Which attempt of it.
        owner: Whose it is among those that wait.
        is_resumed: Whether it was started before.
    """

    run_id: str
    attempt: int
    owner: str
    is_resumed: bool = False


async def start_run(
    request: RunRequest, client: Any, files: RunFiles, rows: Rows, caller: str = ""
) -> RunStart:
    """Check a request, claim its run and start it, unless that has been done.

    The run is told what that has used of storage.

    Args:
        request: It has the id of its run.
        client: The durable client.
        files: Where runs are kept.
        rows: Their rows.
        caller: Who has signed in to start it; nothing where nobody did.

    Raises:
        InvalidRequestError: The request cannot succeed; every problem is named.
        RunConflictError: Another request has its id.
        AzureError: Storage does not answer; the request may be sent again.
    """
    with open_account():
        return await _start_run(request, client, files, rows, caller)


async def _start_run(
    request: RunRequest, client: Any, files: RunFiles, rows: Rows, caller: str
) -> RunStart:
    run_id = str(request.run_id)
    claim = await call_in_thread(claim_run, request, files, rows)
    start = RunStart(run_id, is_new=claim is not None)
    if claim is None:
        attempt = await newest_attempt(run_id, client, files, rows)
        if attempt.is_started or attempt.is_over:
            return replace(start, is_over=attempt.is_over)
        if attempt.number == 1:  # somebody may have noted another request
            await asyncio.to_thread(confirm_claim, rows, attempt.entry)
    # A claim that nobody started was left by a crash. Where two callers start it at once, the host
    # refuses the later one, or the later orchestration finds that the run is over.
    try:
        asked = AttemptStart(run_id, 1, owner_of(request.workload, caller))
        await start_attempt(asked, client, files, claim=claim)
    except Exception:  # the SDK raises Exception itself
        if not await durable.read_status(client, run_id):
            raise
    return start


async def start_attempt(
    asked: AttemptStart, client: Any, files: RunFiles, *, claim: Claim | None = None
) -> None:
    """Start the orchestration of an attempt; the host refuses if it runs already.

    Args:
        asked: Which attempt, and how.
        client: The durable client.
        files: Where runs are kept.
        claim: Who has the run id; None reads it.
    """
    run_id, attempt = asked.run_id, asked.attempt
    if claim is None:
        claim = await asyncio.to_thread(files.read_claim, run_id)
    with spans.trace_start(run_id, attempt) as trace:
        run = RunInput(
            run_id=run_id,
            attempt=attempt,
            max_runs=settings().max_runs,
            owner=asked.owner,
            claim=claim.etag,
            claimed_at=moment_text(claim.claimed_at),
            trace=trace,
            is_resumed=asked.is_resumed,
            usage=current_account().operations.plus(Usage(starts=1)),
        )
        await durable.start(
            client, functions.RUN, instance_ids.attempt_instance(run_id, attempt), dump(run)
        )
