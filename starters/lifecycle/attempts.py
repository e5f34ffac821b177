"""A run as its rows and the host know it: how it stands, starting it, and ending it by force."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import settings
from fanout.adapters.telemetry import spans
from fanout.adapters.telemetry.logs import logger
from fanout.errors import RunConflictError, RunNotFoundError
from fanout.governor import admission, run_rules
from fanout.governor.admission import AdmissionState
from fanout.governor.run_state import GovernorState
from fanout.messages.payloads import dump
from fanout.messages.run import RunEnd, RunRef
from fanout.models.request import RunRequest
from fanout.models.status import RunStatus
from fanout.naming import functions, instance_ids, row_keys
from starters.lifecycle.views import ENDED_BY_FORCE, FINISHED, forced_end, run_status

log = logger("runs")


@dataclass(frozen=True)
class Attempt:
    """The newest attempt of a run.

    Attributes:
        request: As this attempt carries it out.
        durable: The SDK's status of its orchestration; false if it was never started, and None
            where nobody has asked, because the rows say that it has ended.
        state: What its rows say.
    """

    run_id: str
    number: int
    request: RunRequest
    durable: Any
    state: GovernorState

    @property
    def is_begun(self) -> bool:
        """Whether it was started."""
        return self.state.has_begun or bool(self.durable)

    @property
    def is_forced(self) -> bool:
        """Whether Durable has ended it by force, and its rows do not know of it."""
        return not self.state.is_over and runtime_of(self.durable) in ENDED_BY_FORCE

    @property
    def is_over(self) -> bool:
        """Whether it has ended, also by force."""
        return self.state.is_over or self.is_forced

    def insist_on_begun(self) -> None:
        """Refuse what cannot be asked of a run that is over or was never started.

        Raises:
            RunConflictError: It is over, or was never started.
        """
        if not self.is_begun:
            raise RunConflictError(self.run_id, f"The run '{self.run_id}' has not begun.")
        if self.is_over:
            raise RunConflictError(self.run_id, f"The run '{self.run_id}' is over.")


def runtime_of(durable: Any) -> str | None:
    """What Durable calls the state of an orchestration; None of one that there is not."""
    return durable.runtime_status.value if durable and durable.runtime_status else None


async def newest_attempt(run_id: str, client: Any, files: RunFiles, rows: Rows) -> Attempt:
    """Find the newest attempt of a run.

    Args:
        run_id: The run.
        client: The durable client, which is asked of a run that has not ended; None asks nobody.
        files: Where runs are kept.
        rows: Their rows.

    Raises:
        RunNotFoundError: There is no such run.
    """
    number, request, state = await asyncio.to_thread(_known, run_id, files, rows)
    durable = None
    if client is not None and not state.is_over:
        durable = await client.get_status(instance_ids.attempt_instance(run_id, number))
        if runtime_of(durable) in FINISHED:  # it may have ended between the two looks
            state = (await asyncio.to_thread(read_attempt, rows, run_id, number)).state
    return Attempt(run_id, number, request, durable, state)


def _known(run_id: str, files: RunFiles, rows: Rows) -> tuple[int, RunRequest, GovernorState]:
    first = files.find_request(run_id)
    if first is None:
        raise RunNotFoundError(run_id)
    number = files.newest_attempt(run_id)
    request = first if number == 1 else files.request(run_id, number)
    return number, request, read_attempt(rows, run_id, number).state


async def status_of(
    run_id: str, client: Any, files: RunFiles, rows: Rows, origin: str
) -> RunStatus:
    """Tell how a run stands; `origin` is the scheme and host for its addresses.

    Raises:
        RunNotFoundError: There is no such run.
    """
    found = await newest_attempt(run_id, client, files, rows)
    results_url = f"{origin}/api/runs/{run_id}/results"
    status = run_status(found.request, found.durable, found.state, results_url, datetime.now(UTC))
    return status.model_copy(update={"redrive_count": found.number - 1})


async def start(
    run_id: str, attempt: int, client: Any, files: RunFiles, *, is_resumed: bool = False
) -> None:
    """Start the orchestration of an attempt; the host refuses one that goes on already."""
    claim = await asyncio.to_thread(files.claim_of, run_id)
    with spans.trace_start(run_id, attempt) as trace:
        ref = RunRef(
            run_id=run_id,
            attempt=attempt,
            max_runs=settings().max_runs,
            claim=claim,
            trace=trace,
            is_resumed=is_resumed,
        )
        await client.start_new(
            functions.RUN, instance_ids.attempt_instance(run_id, attempt), dump(ref)
        )


async def end_by_force(attempt: Attempt, client: Any, files: RunFiles, rows: Rows) -> None:
    """Have the rows say that an attempt was ended by force, and end its children.

    From then on its shards are told to stop, and its batches stop at their next item.
    """
    claim = await asyncio.to_thread(files.claim_of, attempt.run_id)
    end = forced_end(attempt.durable, datetime.now(UTC))
    await asyncio.to_thread(_write_end, attempt, end, claim, rows)
    log.warning("was ended by force: %s", end.error, extra={"run_id": attempt.run_id})
    for child in children_of(attempt.run_id, attempt.number, attempt.state):
        if runtime_of(await client.get_status(child)) not in (None, *FINISHED):
            await client.terminate(child, "the run was ended by force")


def _write_end(attempt: Attempt, end: RunEnd, claim: str, rows: Rows) -> None:
    def rule(state: GovernorState) -> tuple[GovernorState, None]:
        known = state.run.model_copy(update={"claim": state.run.claim or claim})
        told = run_rules.finish(known, end).model_copy(update={"is_told": True})
        return state.model_copy(update={"run": told}), None

    change_attempt(rows, attempt.run_id, attempt.number, rule)
    instance = instance_ids.attempt_instance(attempt.run_id, attempt.number)
    rows.change(
        row_keys.ADMISSION_PARTITION,
        row_keys.ADMISSION_ROW,
        AdmissionState,
        lambda state: (admission.leave(state, instance), None),
    )


def children_of(run_id: str, attempt: int, state: GovernorState) -> list[str]:
    """The orchestrations that an attempt may have started, those of sagas left out."""
    instance = instance_ids.attempt_instance(run_id, attempt)
    planned = state.run.plan.work.shards if state.run.plan else 0
    undone = state.run.undo.shards if state.run.undo else 0
    shards = [
        *(instance_ids.shard_instance(instance, number) for number in range(planned)),
        *(instance_ids.shard_instance(instance, number, "compensate") for number in range(undone)),
    ]
    return [*shards, instance_ids.fan_in_instance(instance)]
