"""The watchdog: finishes what a crash left half done, and names runs that do not move.

It reads which attempts are open from their rows. Durable is asked for one orchestration by its id,
never for a list.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

import azure.functions as func

from fanout.adapters.rows.open_runs import OpenAttempt, adopt, confirm_claim, forget, open_attempts
from fanout.adapters.rows.places import change_places, leave, read_places
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.settings import settings
from fanout.adapters.tables import Write
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.adapters.telemetry.otel import record_metric
from fanout.durable.app import Blueprint, client_input
from fanout.durable.client import read_status
from fanout.errors import RunNotFoundError, UnreadableDocumentError
from fanout.governor.admission import AdmissionState, Sighting, lend
from fanout.naming import functions, instance_ids, row_keys
from fanout.naming.moments import moment_text, parse_moment
from starters.circuits import record_circuits
from starters.index.earlier import import_once
from starters.index.rebuild import note_of, rebuild_run
from starters.lifecycle.attempts import Attempt, newest_attempt
from starters.lifecycle.durable_status import FINISHED, is_unfinished, runtime_of
from starters.lifecycle.end_by_force import end_by_force
from starters.lifecycle.stalls import sight, sight_unreadable, stalled_since
from starters.lifecycle.start import AttemptStart, start_attempt
from starters.lifecycle.take_over import take_over
from starters.lifecycle.turns import wake

bp = Blueprint()
log = logger(functions.WATCHDOG)
LOOK_EVERY_SECONDS = 30
MAX_AT_ONCE = 16
# Where there are too many to look at them all, each is looked at every ten minutes.
LOOKS_AT_ALL = 20
# A run that waits for its turn and has asked for it since then is not looked at.
TRUSTED_FOR = timedelta(minutes=5)
# Nor is one that was claimed since the look before, and has no place yet.
JUST_CLAIMED = timedelta(seconds=30)
# Telemetry hears of stalled runs and of circuits less often than the watchdog looks.
TELEMETRY_EVERY_MINUTES = 5
# An orchestration deletes the row of its attempt once the end is announced. If the row is still
# there so long after the end, the announcement has failed for good.
CLOSED_AFTER = timedelta(minutes=5)


@bp.timer_trigger(arg_name="timer", schedule="*/30 * * * * *")
@bp.function_name(functions.WATCHDOG)
@client_input(bp)
async def watchdog(timer: func.TimerRequest, client: Any, context: func.Context) -> None:
    """Look after runs, every half minute."""
    with bind_invocation(context):
        left_behind = timedelta(seconds=settings().left_behind_seconds)
        inspection = Inspection(client, run_files(), rows(), datetime.now(UTC), left_behind)
        await inspection.look_after_all()


def is_withdrawn(entry: OpenAttempt, attempt: Attempt) -> bool:
    """Tell whether an attempt was noted for a claim that found the run claimed long before."""
    return entry.listed_at is not None and entry.listed_at != attempt.claimed_at


@dataclass(frozen=True)
class Inspection:
    """One look of the watchdog at all open attempts.

    Attributes:
        client: The durable client.
        files: Where runs are kept.
        rows: Their rows.
        now: The time, aware.
        left_behind: How old the claim of a run is that nobody has started, and nobody will.
        seen: Where the runs stand that have a place, as far as it has looked.
    """

    client: Any
    files: RunFiles
    rows: Rows
    now: datetime
    left_behind: timedelta
    seen: dict[str, Sighting] = field(default_factory=dict)

    async def look_after_all(self) -> None:
        """Do what each open attempt needs; free the places of those that are not open any more."""
        await self._take_over_index()
        entries = await asyncio.to_thread(open_attempts, self.rows)
        places = await asyncio.to_thread(read_places, self.rows)
        is_full = places.is_full
        gate = asyncio.Semaphore(MAX_AT_ONCE)

        async def look_after(entry: OpenAttempt) -> None:
            async with gate:
                try:
                    await self._look_after(entry, places)
                except UnreadableDocumentError as fault:
                    self._leave_unreadable(entry, fault)
                except Exception:  # a run that cannot be looked at must not hide the others
                    log.exception("cannot look at a run", extra={"run_id": entry.run_id})

        await asyncio.gather(
            *(
                look_after(entry)
                for entry in entries
                if not self._is_left_alone(entry, places, is_full=is_full)
            )
        )
        try:
            called = await asyncio.to_thread(self._free_places)
            called += await asyncio.to_thread(self._lend_places, places)
            await wake(called, self.client)
        except UnreadableDocumentError:
            log.exception("cannot free places")
        if self._is_telemetry_due:
            await asyncio.to_thread(record_circuits, self.rows)
        # An alert rings when these stop; of the host's records of calls only a part is exported.
        record_metric(metrics.WATCHDOG_LOOKS, 1)

    async def _take_over_index(self) -> None:
        """Take some runs over that earlier versions of the app have listed."""
        try:
            await asyncio.to_thread(import_once, self.files, self.rows)
        except Exception:  # it is tried again with the next look
            log.exception("cannot take over the list of an earlier version")

    @property
    def _is_telemetry_due(self) -> bool:
        return self.now.minute % TELEMETRY_EVERY_MINUTES == 0 and self.now.second < 30

    def _is_left_alone(self, entry: OpenAttempt, places: AdmissionState, *, is_full: bool) -> bool:
        """Tell whether a run that goes on by itself waits for its turn: thousands may do so.

        It has asked for it lately, or was claimed a moment ago and has not asked yet. Where more
        wait than there is room for in the row, nobody knows of the others: each look takes some.
        """
        instance = instance_ids.attempt_instance(entry.run_id, entry.number)
        asked_at = places.waiting.get(instance)
        if asked_at is not None:
            return self.now - parse_moment(asked_at) < TRUSTED_FOR
        if places.max_runs <= 0 or places.has_begun(instance):
            return False
        is_new = self.now - entry.claimed_at < JUST_CLAIMED
        return is_new or (is_full and not self._is_its_look(instance))

    def _is_its_look(self, instance: str) -> bool:
        """Tell whether a run is looked at now, of so many that each look takes a part of them."""
        # Timers fire a little early or late.
        look = round(self.now.timestamp() / LOOK_EVERY_SECONDS)
        return (crc32(instance.encode()) - look) % LOOKS_AT_ALL == 0

    async def _look_after(self, entry: OpenAttempt, places: AdmissionState) -> None:
        attempt = await self._find_newest(entry)
        if attempt is not None and attempt.fault is not None and self._is_telemetry_due:
            log.error("cannot read a request: %s", attempt.fault, extra={"run_id": entry.run_id})
        if entry.fault:
            await asyncio.to_thread(self._mend, entry, attempt)
        elif attempt is None or attempt.number != entry.number or is_withdrawn(entry, attempt):
            # It was never claimed; or a later attempt was claimed, which has a row of its own.
            if self.now - entry.claimed_at > self.left_behind:
                await asyncio.to_thread(self._forget_claim, entry, attempt)
        elif entry.listed_at is None:  # an earlier version of the app has noted it
            going_on = replace(attempt.entry, status=None)
            await asyncio.to_thread(adopt, self.rows, entry, going_on)
        elif attempt.state.run.is_announced:
            await asyncio.to_thread(forget, self.rows, entry, attempt.entry.row)
        elif attempt.state.is_over:
            await self._finish(entry, attempt)
        else:
            await self._keep_going(entry, attempt, places)

    async def _find_newest(self, entry: OpenAttempt) -> Attempt | None:
        """Find the newest attempt; what follows needs no request, for it may be unreadable."""
        try:
            return await newest_attempt(
                entry.run_id, self.client, self.files, self.rows, must_be_readable=False
            )
        except RunNotFoundError:
            return None

    def _leave_unreadable(self, entry: OpenAttempt, fault: UnreadableDocumentError) -> None:
        """Name an attempt now and then whose rows cannot be read; it lends its place meanwhile."""
        instance = instance_ids.attempt_instance(entry.run_id, entry.number)
        self.seen[instance] = sight_unreadable(self.now)
        if self._is_telemetry_due:
            log.error("cannot look at a run: %s", fault, extra={"run_id": entry.run_id})

    def _mend(self, entry: OpenAttempt, newest: Attempt | None) -> None:
        """Write the row of an attempt anew that cannot be read, or delete it if it is of no use."""
        log.error("cannot read that it is open: %s", entry.fault, extra={"run_id": entry.run_id})
        if newest is not None and newest.number == entry.number:
            self._restore(newest)
        else:
            self.rows.delete(row_keys.RUNS_PARTITION, [entry.row_key])
        earlier = entry.row_key.removeprefix(row_keys.OPEN_PREFIX)
        self.rows.delete(row_keys.EARLIER_OPEN_PARTITION, [earlier])

    def _restore(self, newest: Attempt) -> None:
        """Have the rows say what is true of a run; without its request, that it is open."""
        if newest.fault is None:
            rebuild_run(newest.run_id, self.files, self.rows)
        else:
            self.rows.submit(row_keys.RUNS_PARTITION, [note_of(newest).row])

    def _forget_claim(self, entry: OpenAttempt, newest: Attempt | None) -> None:
        """Forget an attempt that was never claimed, or after which a later one was."""
        if newest is not None and not is_withdrawn(entry, newest):
            # Of one that was never claimed the index says that it goes on.
            change = newest.entry.row if newest.number < entry.number else None
            forget(self.rows, entry, change)
        elif entry.listed_at is not None:
            key = row_keys.index_row(entry.run_id, entry.listed_at)
            if not forget(self.rows, entry, Write(key, mode="delete")):
                forget(self.rows, entry)
        else:
            forget(self.rows, entry)

    async def _keep_going(
        self, entry: OpenAttempt, attempt: Attempt, places: AdmissionState
    ) -> None:
        """Do what an attempt needs that has not ended."""
        instance = instance_ids.attempt_instance(entry.run_id, entry.number)
        runtime = runtime_of(attempt.durable)
        if runtime is None:
            await self._start_left_behind(entry, attempt)
        elif attempt.is_forced:
            await end_by_force(attempt, self.client, self.files, self.rows)
        elif runtime in FINISHED:  # it failed, or could not write its end
            await take_over(attempt, self.client, self.files, self.rows, self.now)
        elif places.has_begun(instance):
            self.seen[instance] = sight(attempt.request, attempt.state, self.now)
            if attempt.state.phase == "queued":
                await wake([instance], self.client)  # whoever made room for it may have died
        self._tell_of_stall(attempt)

    def _tell_of_stall(self, attempt: Attempt) -> None:
        """Warn of a run that should have moved."""
        if not self._is_telemetry_due:
            return
        since = stalled_since(attempt.request, attempt.state, self.now)
        if since is not None:
            log.warning("has not moved since %s", since, extra={"run_id": attempt.run_id})

    async def _start_left_behind(self, entry: OpenAttempt, attempt: Attempt) -> None:
        if self.now - entry.claimed_at <= self.left_behind:
            return
        queue = instance_ids.queue_instance(entry.run_id)
        if entry.is_queued and await is_unfinished(queue, self.client):
            return
        log.warning("starts a run that was claimed and left", extra={"run_id": entry.run_id})
        if attempt.number == 1:  # somebody may have noted another request
            await asyncio.to_thread(confirm_claim, self.rows, attempt.entry)
        await self._start(attempt)

    async def _start(self, attempt: Attempt, *, is_resumed: bool = False) -> None:
        asked = AttemptStart(attempt.run_id, attempt.number, attempt.owner, is_resumed)
        await start_attempt(asked, self.client, self.files)

    async def _finish(self, entry: OpenAttempt, attempt: Attempt) -> None:
        """Let an attempt that has ended do the rest of what follows from its end."""
        instance = instance_ids.attempt_instance(entry.run_id, entry.number)
        durable = await read_status(self.client, instance)
        ended_at = attempt.state.run.end.at if attempt.state.run.end else None
        is_old = ended_at is None or self.now - datetime.fromisoformat(ended_at) > CLOSED_AFTER
        if runtime_of(durable) == "Failed":
            await self._start(attempt, is_resumed=True)
        elif is_old:  # its end could not be announced, however often that was tried
            await asyncio.to_thread(forget, self.rows, entry, attempt.entry.row)

    def _free_places(self) -> list[str]:
        """Free the places of attempts that are not open any more; gives whose turn it is then."""
        # An attempt is open before it asks for a place, so places are read first.
        places = read_places(self.rows)
        still_open = {
            instance_ids.attempt_instance(entry.run_id, entry.number)
            for entry in open_attempts(self.rows)
        }
        gone = {*places.running, *places.waiting, *places.lent} - still_open
        called: list[str] = []
        for instance in sorted(gone):
            log.warning("frees the place of a run that is gone", extra={"run_id": instance})
            called += leave(self.rows, instance, moment_text(self.now))
        return [instance for instance in called if instance not in gone]

    def _lend_places(self, places: AdmissionState) -> list[str]:
        """Let runs that wait have the places of those that stand still; gives whose turn it is."""
        if not places.waiting and not places.lent:
            return []
        at = moment_text(self.now)
        return [*change_places(self.rows, lambda state: lend(state, self.seen, at))]
