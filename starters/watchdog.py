"""The watchdog: finishes what a crash left half done, and names runs that do not move.

It looks at the attempts that are open, which rows of their own list, and asks Durable only how the
orchestration of one of them stands.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from fanout.adapters.rows.open_runs import OpenAttempt, forget, open_attempts
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.errors import RunNotFoundError
from fanout.governor import admission
from fanout.governor.admission import AdmissionState
from fanout.naming import functions, instance_ids, row_keys
from starters.api.circuits import circuits_of
from starters.lifecycle.attempts import Attempt, end_by_force, newest_attempt, runtime_of, start
from starters.lifecycle.take_over import take_over
from starters.lifecycle.views import FINISHED, stalled_since

bp = df.Blueprint()
log = logger(functions.WATCHDOG)
AT_ONCE = 16
# What is only told is told so often.
TELL_EVERY_MINUTES = 5
# An attempt whose orchestration is complete has been told; if its row is still there, not for long.
CLOSED_AFTER = timedelta(minutes=5)


@bp.timer_trigger(arg_name="timer", schedule="*/30 * * * * *")
@bp.function_name(functions.WATCHDOG)
@bp.durable_client_input(client_name="client")
async def watchdog(timer: func.TimerRequest, client: Any, context: func.Context) -> None:
    """Look after runs, every half minute."""
    with bind_invocation(context):
        left_behind = timedelta(seconds=settings().left_behind_seconds)
        look = Look(client, run_files(), rows(), datetime.now(UTC), left_behind)
        await look.around()


@dataclass(frozen=True)
class Look:
    """One look of the watchdog.

    Attributes:
        now: The time, aware.
        left_behind: How long ago a run was claimed that nobody will start any more.
    """

    client: Any
    files: RunFiles
    rows: Rows
    now: datetime
    left_behind: timedelta

    async def around(self) -> None:
        """Look at every open attempt, free the places of the dead, and tell of the rest."""
        found = await asyncio.to_thread(open_attempts, self.rows)
        gate = asyncio.Semaphore(AT_ONCE)

        async def look_at(one: OpenAttempt) -> None:
            async with gate:
                try:
                    await self._look_at(one)
                except Exception:  # one that cannot be looked at must not hide the others
                    log.exception("cannot look at a run", extra={"run_id": one.run_id})

        await asyncio.gather(*map(look_at, found))
        await asyncio.to_thread(self._free_places)
        if self._tells:
            await asyncio.to_thread(circuits_of, self.rows)

    @property
    def _tells(self) -> bool:
        return self.now.minute % TELL_EVERY_MINUTES == 0 and self.now.second < 30

    async def _look_at(self, one: OpenAttempt) -> None:
        try:
            attempt = await newest_attempt(one.run_id, self.client, self.files, self.rows)
        except RunNotFoundError:
            attempt = None
        if attempt is None or attempt.number != one.number:
            # It was never claimed, or a later one was, which is looked at by its own row.
            if self.now - one.claimed_at > self.left_behind:
                await asyncio.to_thread(forget, self.rows, one)
            return
        if attempt.state.run.is_told:
            await asyncio.to_thread(forget, self.rows, one)
        elif attempt.state.is_over:
            await self._finish(one, attempt)
        else:
            await self._look_after(one, attempt)

    async def _look_after(self, one: OpenAttempt, attempt: Attempt) -> None:
        """Do what an attempt needs that has not ended."""
        runtime = runtime_of(attempt.durable)
        if runtime is None:
            await self._start_left_behind(one)
        elif attempt.is_forced:
            await end_by_force(attempt, self.client, self.files, self.rows)
            await asyncio.to_thread(forget, self.rows, one)
        elif runtime in FINISHED:  # without an end: it failed, or nobody could write how it ended
            await take_over(attempt, self.client, self.files, self.rows, self.now)
        elif self._tells and (since := stalled_since(attempt.request, attempt.state, self.now)):
            log.warning("has not moved since %s", since, extra={"run_id": one.run_id})

    async def _start_left_behind(self, one: OpenAttempt) -> None:
        if self.now - one.claimed_at <= self.left_behind:
            return
        queue = instance_ids.queue_instance(one.run_id)
        if one.is_queued and runtime_of(await self.client.get_status(queue)) not in (
            None,
            *FINISHED,
        ):
            return
        log.warning("starts a run that was claimed and left", extra={"run_id": one.run_id})
        await start(one.run_id, one.number, self.client, self.files)

    async def _finish(self, one: OpenAttempt, attempt: Attempt) -> None:
        """Have an attempt finished that has ended, and of whose end not all is done."""
        instance = instance_ids.attempt_instance(one.run_id, one.number)
        durable = await self.client.get_status(instance)
        ended_at = attempt.state.run.end.at if attempt.state.run.end else None
        is_old = ended_at is None or self.now - datetime.fromisoformat(ended_at) > CLOSED_AFTER
        if runtime_of(durable) == "Failed":
            await start(one.run_id, one.number, self.client, self.files, is_resumed=True)
        elif is_old:  # nobody took how it ended, however often it was tried
            await asyncio.to_thread(forget, self.rows, one)

    def _free_places(self) -> None:
        """Free the places of attempts that are not open any more."""
        going = {
            instance_ids.attempt_instance(one.run_id, one.number)
            for one in open_attempts(self.rows)
        }

        def rule(state: AdmissionState) -> tuple[AdmissionState, set[str]]:
            gone = {*state.running, *state.waiting} - going
            for instance in gone:
                state = admission.leave(state, instance)
            return state, gone

        gone = self.rows.change(
            row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, AdmissionState, rule
        )
        for instance in sorted(gone):
            log.warning("frees the place of a run that is gone", extra={"run_id": instance})
