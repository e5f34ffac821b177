import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from localhost.execution.contract import FunctionInfo, Invocation, InvocationResult, OnResults
from localhost.triggers.timer import (
    StatusFolder,
    Timer,
    TimerError,
    Timers,
    TimerStatus,
    first_status,
)

NOW = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


def function(schedule: str, **trigger) -> FunctionInfo:
    binding = {"type": "timerTrigger", "name": "timer", "schedule": schedule, **trigger}
    return FunctionInfo("nightly", binding, [binding], is_async=False)


class Recorder:
    """An executor that notes what it was asked to run and says it went well."""

    functions: Sequence[FunctionInfo] = ()

    def __init__(self) -> None:
        self.runs: asyncio.Queue[dict] = asyncio.Queue()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        for invocation in invocations:
            self.runs.put_nowait(json.loads(invocation.payload))
        on_results([InvocationResult(invocation.id) for invocation in invocations])


class ManualClock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


async def first_run(tmp_path, info: FunctionInfo, clock: ManualClock) -> dict | None:
    recorder = Recorder()
    timers = Timers(recorder, tmp_path, lambda _: {}, clock)
    timers.start([info])
    try:
        return await asyncio.wait_for(recorder.runs.get(), timeout=0.2)
    except TimeoutError:
        return None
    finally:
        await timers.stop()


async def test_a_timer_does_not_run_before_it_is_due(tmp_path):
    assert await first_run(tmp_path, function("0 0 * * * *"), ManualClock()) is None


async def test_ticks_missed_while_the_host_was_down_are_run_once_and_marked(tmp_path):
    clock = ManualClock()
    info = function("0 0 * * * *")
    await first_run(tmp_path, info, clock)
    clock.now = NOW + timedelta(hours=5)
    run = await first_run(tmp_path, info, clock)
    assert run is not None and run["IsPastDue"]
    assert run["ScheduleStatus"]["Next"] == "2026-11-23T13:00:00+00:00"
    assert await first_run(tmp_path, info, clock) is None


async def test_a_changed_schedule_has_missed_nothing(tmp_path):
    clock = ManualClock()
    await first_run(tmp_path, function("0 0 * * * *"), clock)
    clock.now = NOW + timedelta(hours=5)
    assert await first_run(tmp_path, function("0 30 * * * *"), clock) is None


async def test_run_on_startup_runs_at_once_and_is_not_past_due(tmp_path):
    run = await first_run(tmp_path, function("0 0 * * * *", runOnStartup=True), ManualClock())
    assert run is not None and not run["IsPastDue"]


async def test_an_unmonitored_timer_has_no_status(tmp_path):
    info = function("0 0 * * * *", runOnStartup=True, useMonitor=False)
    run = await first_run(tmp_path, info, ManualClock())
    assert run is not None and run["ScheduleStatus"] is None
    assert list(tmp_path.iterdir()) == []


def test_a_timer_that_fires_more_than_once_a_minute_is_not_monitored():
    assert not Timer.from_trigger(function("*/20 * * * * *"), NOW).is_monitored
    assert Timer.from_trigger(function("0 * * * * *"), NOW).is_monitored


def test_a_schedule_that_is_none_names_the_function():
    with pytest.raises(TimerError, match="nightly"):
        Timer.from_trigger(function("every day"), NOW)


def test_a_status_survives_its_file_and_half_a_file_is_no_status(tmp_path):
    folder = StatusFolder(tmp_path)
    status = TimerStatus(None, NOW, NOW)
    folder.write("nightly", status)
    assert folder.read("nightly") == status
    folder.write("nightly", replace(status, last=NOW))
    assert folder.read("nightly") == TimerStatus(NOW, NOW, NOW)
    (tmp_path / "nightly.json").write_text('{"Last": ')
    assert folder.read("nightly") is None


def test_a_due_time_in_the_future_is_kept():
    timer = Timer.from_trigger(function("0 0 * * * *"), NOW)
    stored = TimerStatus(None, NOW.replace(hour=13, minute=0, second=0), NOW)
    assert first_status(timer, stored, NOW + timedelta(minutes=1)) == (stored, False)
