"""Timer triggers: due times, what was missed while the host was down, and one run at a time.

A monitored timer keeps its last and next due time in a file, so that ticks missed while the host
was down are made up for by one run, marked past due.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer and the timer
trigger of the WebJobs SDK extensions.
"""

import asyncio
import contextlib
import json
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from localhost.execution.contract import Executor, FunctionInfo, Invocation, InvocationResult, Retry
from localhost.execution.invoke import invoke
from localhost.triggers.ncrontab import ConstantSchedule, Schedule, ScheduleError, parse
from localhost.triggers.retries import RetryPolicy
from localhost.triggers.time_zones import zoned_schedule

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]
MONITOR_FROM = timedelta(minutes=1)
LONGEST_SLEEP_SECONDS = 60.0
STOP_SECONDS = 10.0


class TimerError(Exception):
    """A timer function cannot be run; the message names it and why."""


@dataclass(frozen=True)
class TimerStatus:
    """What is kept of a timer: when it last ran and is next due. None: it has not run yet."""

    last: datetime | None
    next: datetime
    updated: datetime

    def to_json(self) -> dict[str, str]:
        """The names and texts that the trigger delivers as ScheduleStatus."""
        last = self.last.isoformat() if self.last else "0001-01-01T00:00:00+00:00"
        return {
            "Last": last,
            "Next": self.next.isoformat(),
            "LastUpdated": self.updated.isoformat(),
        }

    @classmethod
    def from_json(cls, document: dict[str, str]) -> "TimerStatus":
        """Read what `to_json` wrote."""
        last = datetime.fromisoformat(document["Last"])
        return cls(
            last=None if last.year == 1 else last,
            next=datetime.fromisoformat(document["Next"]),
            updated=datetime.fromisoformat(document["LastUpdated"]),
        )


class StatusFolder:
    """Timer statuses as files, each replaced whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, function: str) -> TimerStatus | None:
        """The status of a function; None if there is none, or a crash left half of one."""
        try:
            return TimerStatus.from_json(json.loads(self._path(function).read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning(
                "the status of timer %s is unreadable, starting anew: %s", function, error
            )
            return None

    def write(self, function: str, status: TimerStatus) -> None:
        """Keep a status."""
        path = self._path(function)
        path.parent.mkdir(parents=True, exist_ok=True)
        staging_path = path.with_suffix(".new")
        staging_path.write_text(json.dumps(status.to_json()))
        staging_path.replace(path)

    def _path(self, function: str) -> Path:
        return self._folder / f"{function}.json"


@dataclass(frozen=True)
class Timer:
    """A timer function, its trigger read."""

    function: str
    schedule: Schedule
    is_monitored: bool
    runs_on_startup: bool
    retry_policy: RetryPolicy | None = None

    @classmethod
    def from_trigger(cls, info: FunctionInfo, now: datetime, zone: tzinfo = UTC) -> "Timer":
        """Read the trigger.

        Raises:
            TimerError: Its schedule is none, or its retry policy cannot be read.
        """
        try:
            schedule = zoned_schedule(parse(str(info.trigger.get("schedule", ""))), zone)
            first = schedule.next_after(now)
            gap = schedule.next_after(first) - first
        except ScheduleError as error:
            raise TimerError(f"Function '{info.name}': {error}") from error
        try:
            retry_policy = RetryPolicy.from_settings(info.retry_policy)
        except ValueError as error:
            raise TimerError(f"Function '{info.name}': its retry policy: {error}") from error
        return cls(
            function=info.name,
            schedule=schedule,
            is_monitored=bool(info.trigger.get("useMonitor", True)) and gap >= MONITOR_FROM,
            runs_on_startup=bool(info.trigger.get("runOnStartup", False)),
            retry_policy=retry_policy,
        )


def first_status(
    timer: Timer, stored: TimerStatus | None, now: datetime
) -> tuple[TimerStatus, bool]:
    """The status of a timer when the host starts, and whether it is past due.

    A stored due time that the schedule would not have given means that the schedule was changed:
    then nothing was missed.
    """
    fresh = TimerStatus(None, timer.schedule.next_after(now), now)
    if stored is None:
        return fresh, False
    since = stored.last or stored.updated
    if timer.schedule.next_after(since) != stored.next:
        return replace(fresh, last=stored.last), False
    return stored, now > stored.next


def payload(status: TimerStatus | None, schedule: Schedule, *, is_past_due: bool) -> str:
    """The JSON text that a timer function is given."""
    return json.dumps(
        {
            "Schedule": {"AdjustForDST": not isinstance(schedule, ConstantSchedule)},
            "ScheduleStatus": None if status is None else status.to_json(),
            "IsPastDue": is_past_due,
        }
    )


class Timers:
    """Runs the timer functions of an app until stopped.

    Args:
        executor: Runs user code.
        folder: Where statuses are kept.
        inputs: Values of further input bindings of a function, by name.
        clock: The time now, aware.
        zone: By whose clock schedules are due.
    """

    def __init__(
        self,
        executor: Executor,
        folder: Path,
        inputs: Callable[[FunctionInfo], dict[str, str]],
        clock: Clock = lambda: datetime.now(UTC),
        zone: tzinfo = UTC,
    ) -> None:
        self._executor = executor
        self._statuses = StatusFolder(folder)
        self._inputs = inputs
        self._clock = clock
        self._zone = zone
        self._tasks: list[asyncio.Task[None]] = []
        self._calling: set[asyncio.Task[Any]] = set()
        self._is_stopping = False

    def start(self, functions: Sequence[FunctionInfo]) -> None:
        """Watch these timer functions.

        Raises:
            TimerError: One has a schedule that is none; none is started then.
        """
        now = self._clock()
        timers = [(info, Timer.from_trigger(info, now, self._zone)) for info in functions]
        self._tasks = [asyncio.create_task(self._watch(*pair)) for pair in timers]

    async def stop(self) -> None:
        """Start nothing more; what runs may end within a grace period."""
        self._is_stopping = True
        calling = self._calling.intersection(self._tasks)
        for task in set(self._tasks) - calling:
            task.cancel()
        if calling:
            await asyncio.wait(calling, timeout=STOP_SECONDS)
        for task in calling:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def run_now(self, info: FunctionInfo) -> InvocationResult:
        """Run a timer function by hand, as `POST /admin/functions/{name}` does."""
        timer = Timer.from_trigger(info, self._clock(), self._zone)
        return await self._invoke(info, timer, self._statuses.read(info.name), is_past_due=False)

    async def _watch(self, info: FunctionInfo, timer: Timer) -> None:
        stored = self._statuses.read(timer.function) if timer.is_monitored else None
        status, is_past_due = first_status(timer, stored, self._clock())
        self._keep(timer, status)
        if is_past_due or timer.runs_on_startup:
            status = await self._run(info, timer, status, is_past_due=is_past_due)
        while not self._is_stopping:
            await self._sleep_until(status.next)
            status = await self._run(info, timer, status, is_past_due=False)

    async def _sleep_until(self, due: datetime) -> None:
        # In steps, because a laptop that sleeps stops the loop's clock but not the wall's.
        while True:
            wait = (due - self._clock()).total_seconds()
            if wait <= 0:
                return
            await asyncio.sleep(min(wait, LONGEST_SLEEP_SECONDS))

    async def _run(
        self, info: FunctionInfo, timer: Timer, status: TimerStatus, *, is_past_due: bool
    ) -> TimerStatus:
        last = self._clock()
        await self._try(info, timer, status, is_past_due=is_past_due)
        # From the run just made, so that a run longer than its period is followed by one, not many.
        after = TimerStatus(last, timer.schedule.next_after(last), self._clock())
        self._keep(timer, after)
        return after

    async def _try(
        self, info: FunctionInfo, timer: Timer, status: TimerStatus, *, is_past_due: bool
    ) -> None:
        """Run it, and again as its retry policy says; failures are logged."""
        policy = timer.retry_policy
        if policy is None:
            await self._invoke(info, timer, status, is_past_due=is_past_due)
            return
        error = None
        for count, pause in enumerate(policy.pauses(), start=1):
            retry = Retry(count - 1, policy.max_count, error)
            result = await self._invoke(info, timer, status, is_past_due=is_past_due, retry=retry)
            error = result.error
            if error is None or not policy.allows(count) or self._is_stopping:
                return
            logger.info(
                "timer %s is tried again in %.1f s (%d of %d)",
                info.name,
                pause,
                count,
                policy.max_count,
            )
            await asyncio.sleep(pause)

    def _keep(self, timer: Timer, status: TimerStatus) -> None:
        if not timer.is_monitored:
            return
        try:
            self._statuses.write(timer.function, status)
        except OSError:  # a timer without its file is better than none
            logger.exception("the status of timer %s cannot be kept", timer.function)

    async def _invoke(
        self,
        info: FunctionInfo,
        timer: Timer,
        status: TimerStatus | None,
        *,
        is_past_due: bool,
        retry: Retry | None = None,
    ) -> InvocationResult:
        schedule_status = status if timer.is_monitored else None
        invocation = Invocation(
            id=str(uuid.uuid4()),
            function=info.name,
            payload=payload(schedule_status, timer.schedule, is_past_due=is_past_due),
            inputs=self._inputs(info),
            metadata={"TimerTrigger": self._clock().isoformat()},
            retry=retry,
        )
        with self._calling_one():
            result = await invoke(self._executor, invocation)
        if result.error is not None:
            logger.error("timer %s failed: %s", info.name, result.error)
        return result

    @contextlib.contextmanager
    def _calling_one(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - whoever awaits is a task
        self._calling.add(task)
        try:
            yield
        finally:
            self._calling.discard(task)


def timer_functions(functions: Sequence[FunctionInfo]) -> list[FunctionInfo]:
    """Those of the functions that a timer triggers."""
    return [info for info in functions if info.trigger_type == "timerTrigger"]
