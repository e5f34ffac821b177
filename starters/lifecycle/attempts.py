"""The newest attempt of a run, as its rows and Durable know it."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.index import IndexEntry, find_entry
from fanout.adapters.rows.open_runs import find_open
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.durable.client import read_status
from fanout.durable.status import InstanceStatus
from fanout.errors import RunConflictError, UnreadableDocumentError
from fanout.governor.owners import owner_of
from fanout.governor.run_state import GovernorState
from fanout.governor.run_status import final_status
from fanout.models.request import InlineSource, RunRequest
from fanout.naming import instance_ids, row_keys
from starters.lifecycle.durable_status import ENDED_BY_FORCE, FINISHED, runtime_of

_NO_REQUEST = RunRequest(workload="(unreadable)", source=InlineSource(kind="inline", items=[]))


@dataclass(frozen=True)
class Attempt:
    """The newest attempt of a run.

    Attributes:
        run_id: The run.
        number: Which attempt of it, 1 the first.
        request: As this attempt carries it out.
        durable: How Durable says that its orchestration stands; None if that was never started, or
            if Durable was not asked, because the rows say that it has ended.
        state: What its rows say.
        claimed_at: When the run was claimed, aware: with its id its place in the index.
        fault: Why its request cannot be read; of `request` the workload alone is known then.
    """

    run_id: str
    number: int
    request: RunRequest
    durable: InstanceStatus | None
    state: GovernorState
    claimed_at: datetime
    fault: UnreadableDocumentError | None = None

    @property
    def row_key(self) -> str:
        """The key of its row in the index."""
        return row_keys.index_row(self.run_id, self.claimed_at)

    @property
    def entry(self) -> IndexEntry:
        """What the index should say of the run."""
        status = final_status(self.state)
        workload = self.request.workload
        return IndexEntry(self.run_id, self.claimed_at, workload, self.number, status)

    @property
    def owner(self) -> str:
        """Whose it is among those that wait, where nobody knows any more who has started it."""
        return owner_of(self.request.workload)

    @property
    def is_started(self) -> bool:
        """Whether its orchestration was started."""
        return self.state.has_begun or bool(self.durable)

    @property
    def is_forced(self) -> bool:
        """Whether Durable has ended it by force, and its rows do not know it yet."""
        return not self.state.is_over and runtime_of(self.durable) in ENDED_BY_FORCE

    @property
    def is_over(self) -> bool:
        """Whether it has ended, also by force."""
        return self.state.is_over or self.is_forced

    @property
    def is_active(self) -> bool:
        """Whether it was started and has not ended."""
        return self.is_started and not self.is_over

    def insist_on_active(self) -> None:
        """Refuse what can be asked only of an active run.

        Raises:
            RunConflictError: It is over, or was never started.
        """
        if not self.is_started:
            raise RunConflictError(self.run_id, f"The run '{self.run_id}' has not begun.")
        if self.is_over:
            raise RunConflictError(self.run_id, f"The run '{self.run_id}' is over.")


async def newest_attempt(
    run_id: str, client: Any, files: RunFiles, rows: Rows, *, must_be_readable: bool = True
) -> Attempt:
    """Find the newest attempt of a run.

    Args:
        run_id: The run.
        client: The durable client, which is asked if the run has not ended; None is never asked.
        files: Where runs are kept.
        rows: Their rows.
        must_be_readable: Whether the request is needed.

    Raises:
        RunNotFoundError: There is no such run.
        UnreadableDocumentError: What is kept of it cannot be read, and is needed.
    """
    found = await asyncio.to_thread(find_newest, run_id, files, rows)
    if must_be_readable and found.fault is not None:
        raise found.fault
    if client is None or found.state.is_over:
        return found
    state = found.state
    durable = await read_status(client, instance_ids.attempt_instance(run_id, found.number))
    if runtime_of(durable) in FINISHED:  # it may have ended since the rows were read
        state = (await asyncio.to_thread(read_attempt, rows, run_id, found.number)).state
    return replace(found, durable=durable, state=state)


def read_newest(run_id: str, files: RunFiles, rows: Rows) -> Attempt:
    """Find the newest attempt of a run without asking Durable.

    Raises:
        RunNotFoundError: There is no such run.
        UnreadableDocumentError: What is kept of it cannot be read.
    """
    found = find_newest(run_id, files, rows)
    if found.fault is not None:
        raise found.fault
    return found


def find_newest(run_id: str, files: RunFiles, rows: Rows) -> Attempt:
    """Find the newest attempt of a run, also one whose request cannot be read.

    Raises:
        RunNotFoundError: There is no such run.
        UnreadableDocumentError: Its rows cannot be read.
    """
    claim = files.read_claim(run_id)
    number = files.newest_attempt(run_id)
    fault = None
    try:
        request = files.settings(run_id, number)
    except UnreadableDocumentError as error:
        request, fault = _stand_in(run_id, claim.claimed_at, rows), error
    state = read_attempt(rows, run_id, number).state
    return Attempt(run_id, number, request, None, state, claim.claimed_at, fault)


def _stand_in(run_id: str, claimed_at: datetime, rows: Rows) -> RunRequest:
    """What stands for a request that cannot be read: the index knows the workload."""
    known = find_entry(rows, row_keys.index_row(run_id, claimed_at))
    if known is None or known.fault:
        return _NO_REQUEST
    return _NO_REQUEST.model_copy(update={"workload": known.workload})


def is_redrive_noted(newest: Attempt, rows: Rows) -> bool:
    """Tell whether somebody is about to claim the next attempt of a run, or has died before.

    The index says already that the run may go on; where it does not, the watchdog sees to that.
    """
    return find_open(rows, newest.run_id, newest.number + 1) is not None


def children_of(run_id: str, attempt: int, state: GovernorState) -> list[str]:
    """The orchestrations that an attempt may have started, without those of sagas."""
    instance = instance_ids.attempt_instance(run_id, attempt)
    planned = state.run.plan.work.shards if state.run.plan else 0
    undone = state.run.undo.shards if state.run.undo else 0
    shards = [
        *(instance_ids.shard_instance(instance, number) for number in range(planned)),
        *(instance_ids.shard_instance(instance, number, "compensate") for number in range(undone)),
    ]
    return [*shards, instance_ids.fan_in_instance(instance)]
