"""Works off the sagas of a batch side by side, one wave of steps after the other."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import BoundedSemaphore

from activities.batches.fence import Fence
from activities.sagas.saga_courses import SagaCourses
from activities.sagas.saga_log import SagaLog, now_ms
from activities.sagas.step_runner import StepRunner
from fanout.messages.sagas import SagaWave, StepCall, StepNote
from fanout.threads import ContextPool

# When that is over, what has not ended goes on in orchestrations of its own.
MAX_SECONDS = 30.0
# Batches under way in this process: more would only keep each other waiting.
BATCHES_AT_ONCE = 2
# Steps of a batch at a time. Where they take long, the others do not wait for their turn: what
# takes long waits for something else, as a rule.
STEPS_AT_ONCE = 4
PATIENCE_SECONDS = 0.5
MAX_THREADS = 64
_batches = BoundedSemaphore(BATCHES_AT_ONCE)


def work_off(
    courses: SagaCourses, runner: StepRunner, log: SagaLog, first: SagaWave, fence: Fence
) -> list[SagaWave]:
    """Carry out waves until no step may begin now, or the time is over, or somebody else took over.

    What a wave came to is in the log before another begins.

    Args:
        courses: Where the sagas are; they follow the log.
        runner: Does the steps.
        log: Of the batch.
        first: Its first entry.
        fence: Nothing begins once it is over.

    Returns:
        The whole log.
    """
    waves = [first]
    with _batches, ContextPool(MAX_THREADS, "saga") as pool:
        ends_at = time.monotonic() + MAX_SECONDS
        while time.monotonic() < ends_at and not fence.is_over:
            calls = courses.calls(now_ms())
            if not calls:
                break
            wave = log.add(len(waves), _do_all(calls, runner, pool))
            if wave is None:
                return log.read()
            waves.append(wave)
            courses.follow([wave])
    return waves


def _do_all(calls: list[StepCall], runner: StepRunner, pool: ContextPool) -> list[StepNote]:
    places = BoundedSemaphore(STEPS_AT_ONCE)

    def do(call: StepCall) -> StepNote:
        with _place(places):
            return StepNote(
                index=call.saga.index,
                step=call.step,
                mode=call.mode,
                try_number=call.try_number,
                result=runner.carry_out(call),
            )

    futures = [pool.submit(copy_context().run, do, call) for call in calls]
    return [future.result() for future in futures]


@contextmanager
def _place(places: BoundedSemaphore) -> Iterator[None]:
    """Wait for a place, but not for long."""
    has_place = places.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        if has_place:
            places.release()
