"""A run as the host and its governor know it: how it stands, and starting it."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df

from fanout import ids, names
from fanout.adapters import spans
from fanout.adapters.runs import RunFiles
from fanout.adapters.settings import settings
from fanout.errors import RunConflictError, RunNotFoundError
from fanout.governor import GovernorState
from fanout.models.request import RunRequest
from fanout.models.status import RunStatus
from fanout.models.wave import RunRef
from fanout.payloads import dump
from starters.views import FAILED, run_status


@dataclass(frozen=True)
class Attempt:
    """The newest attempt of a run.

    Attributes:
        request: As this attempt carries it out.
        durable: The SDK's status of its orchestration; false if it was never started.
        state: What its governor knows.
    """

    run_id: str
    number: int
    request: RunRequest
    durable: Any
    state: GovernorState

    @property
    def governor(self) -> df.EntityId:
        """Its governor."""
        return df.EntityId(names.GOVERNOR, ids.attempt_instance(self.run_id, self.number))

    @property
    def is_over(self) -> bool:
        """Whether it has ended, also by force."""
        status = self.durable.runtime_status if self.durable else None
        return self.state.is_over or (status is not None and status.value in FAILED)

    def insist_on_begun(self) -> None:
        """Refuse what cannot be asked of a run that is over or was never started.

        Raises:
            RunConflictError: It is over, or was never started.
        """
        if not self.durable:
            raise RunConflictError(self.run_id, f"The run '{self.run_id}' has not begun.")
        if self.is_over:
            raise RunConflictError(self.run_id, f"The run '{self.run_id}' is over.")


async def newest_attempt(run_id: str, client: Any, files: RunFiles) -> Attempt:
    """Find the newest attempt of a run.

    Raises:
        RunNotFoundError: There is no such run.
    """
    if await asyncio.to_thread(files.find_request, run_id) is None:
        raise RunNotFoundError(run_id)
    number = await asyncio.to_thread(files.newest_attempt, run_id)
    request = await asyncio.to_thread(files.request, run_id, number)
    instance = ids.attempt_instance(run_id, number)
    durable, state = await asyncio.gather(
        client.get_status(instance), governor_of(client, instance)
    )
    return Attempt(run_id, number, request, durable, state)


async def governor_of(client: Any, instance: str) -> GovernorState:
    """Read what the governor of an attempt knows."""
    found = await client.read_entity_state(df.EntityId(names.GOVERNOR, instance))
    return GovernorState.model_validate(found.entity_state or {})


async def status_of(run_id: str, client: Any, files: RunFiles, origin: str) -> RunStatus:
    """Tell how a run stands; `origin` is the scheme and host for its addresses.

    Raises:
        RunNotFoundError: There is no such run.
    """
    found = await newest_attempt(run_id, client, files)
    results_url = f"{origin}/api/runs/{run_id}/results"
    status = run_status(found.request, found.durable, found.state, results_url, datetime.now(UTC))
    return status.model_copy(update={"redrive_count": found.number - 1})


async def start(run_id: str, attempt: int, client: Any, files: RunFiles) -> None:
    """Start the orchestration of an attempt; the host refuses one that goes on already."""
    claim = await asyncio.to_thread(files.claim_of, run_id)
    with spans.started(run_id, attempt) as trace:
        ref = RunRef(
            run_id=run_id, attempt=attempt, max_runs=settings().max_runs, claim=claim, trace=trace
        )
        await client.start_new(names.RUN, ids.attempt_instance(run_id, attempt), dump(ref))
    await asyncio.to_thread(files.note_started, run_id)
