"""From a request to a run that goes on: what the starters without a caller do."""

import asyncio
from typing import Any

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import FieldProblem, InvalidRequestError
from fanout.models.request import RunRequest
from starters.api.runs import known_or_sound, started
from starters.lifecycle.submit import Claimed, claim

NOBODY_ASKS = "a dry run is answered to who asks for it by HTTP; here nobody waits for an answer"


async def begin(request: RunRequest, client: Any, files: RunFiles, rows: Rows) -> Claimed:
    """Start the run that a request names, or find that it was started before.

    Raises:
        InvalidRequestError: It cannot succeed; every problem is named and nothing was started.
        RunConflictError: Another request has its id.
        AzureError: Storage does not answer; the same request may be begun again.
    """
    claimed = await claimed_or_found(request, files, rows)
    await started(client, claimed, files, rows)
    return claimed


async def claimed_or_found(
    request: RunRequest, files: RunFiles, rows: Rows, *, is_queued: bool = False
) -> Claimed:
    """Claim the run that a request names, without starting it; raises what `begin` does."""
    if request.dry_run:
        raise InvalidRequestError([FieldProblem("dry_run", NOBODY_ASKS)])
    await asyncio.to_thread(known_or_sound, request, files)
    return await asyncio.to_thread(claim, request, files, rows, is_queued=is_queued)
