"""Faults on demand (`--faults FILE`): what no emulator does, to try an app against it.

At-least-once delivery made visible: activities delivered twice, completions late and out of order,
workers killed around an activity, storage calls refused. Development only. Every decision is drawn
from one seeded source, so a run of faults can be had again.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from localhost.contract import Done, Executor, FunctionInfo, Invocation, InvocationResult

Share = Annotated[float, Field(ge=0, le=1)]
ACTIVITY = "activityTrigger"


class FaultsError(Exception):
    """The file of faults cannot be used; the message names it, the field and the reason."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ActivityFaults(_Section):
    """What happens to activities.

    Attributes:
        deliver_twice: The share that is run a second time.
        delay_ms: Completions are held back for a time between these two, in milliseconds.
        reorder: Whether completions overtake one another while they are held back.
    """

    deliver_twice: Share = 0
    delay_ms: tuple[float, float] = (0, 0)
    reorder: bool = False

    @field_validator("delay_ms")
    @classmethod
    def _is_a_range(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] <= value[1]:
            raise ValueError("it takes two times, the shorter first")
        return value


class WorkerFaults(_Section):
    """The shares of activities around which a worker is killed with SIGKILL."""

    kill_before_activity: Share = 0
    kill_after_activity: Share = 0


class StorageFaults(_Section):
    """The share of calls to the storage emulator that are answered 503."""

    fail: Share = 0


class Faults(_Section):
    """The file of faults.

    Attributes:
        seed: What every decision is drawn from; None takes another each time.
    """

    seed: int | None = None
    activities: ActivityFaults = ActivityFaults()
    workers: WorkerFaults = WorkerFaults()
    storage: StorageFaults = StorageFaults()

    @classmethod
    def load(cls, path: Path) -> "Faults":
        """Read a file.

        Raises:
            FaultsError: It is missing, no JSON, or asks for something that is not known.
        """
        try:
            return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise FaultsError(f"{path} cannot be read: {error.strerror}.") from error
        except json.JSONDecodeError as error:
            raise FaultsError(
                f"{path}, line {error.lineno}: it is no JSON: {error.msg}."
            ) from error
        except ValidationError as invalid:
            first = invalid.errors()[0]
            field = ".".join(map(str, first["loc"])) or "the document"
            raise FaultsError(f"{path}: {field}: {first['msg']}.") from invalid


class FaultyExecutor:
    """An executor that does to another's activities what the faults say.

    Args:
        inner: The executor that runs user code.
        worker_pids: The processes that may be killed; empty where there are none.
    """

    def __init__(
        self, inner: Executor, faults: Faults, worker_pids: Callable[[], Sequence[int]]
    ) -> None:
        self._inner = inner
        self._faults = faults
        self._worker_pids = worker_pids
        self._random = random.Random(faults.seed)  # noqa: S311  no secret is drawn from it

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def functions(self) -> Sequence[FunctionInfo]:
        """See `Executor`."""
        return self._inner.functions

    async def start(self) -> None:
        """See `Executor`."""
        await self._inner.start()

    async def stop(self) -> None:
        """See `Executor`."""
        await self._inner.stop()

    def submit(self, invocations: Sequence[Invocation], done: Done) -> None:
        """Run these calls, activities with faults."""
        activities = {f.name for f in self.functions if f.trigger_type == ACTIVITY}
        disturbed = [call for call in invocations if call.function in activities]
        calm = [call for call in invocations if call.function not in activities]
        if calm:
            self._inner.submit(calm, done)
        if disturbed:
            self._disturb(disturbed, done)

    def _disturb(self, calls: Sequence[Invocation], done: Done) -> None:
        faults = self._faults
        for call in calls:
            late = self._late(done)
            self._inner.submit([call], late)
            if self._happens(faults.activities.deliver_twice):
                again = replace(call, id=f"{call.id}-again")
                self._inner.submit([again], _as_if_of(call, late))
            if self._happens(faults.workers.kill_before_activity):
                self._kill_a_worker()

    def _late(self, done: Done) -> Done:
        loop = asyncio.get_running_loop()
        low, high = self._faults.activities.delay_ms
        fixed = self._random.uniform(low, high) / 1000

        def hand_over(results: Sequence[InvocationResult]) -> None:
            if self._happens(self._faults.workers.kill_after_activity):
                self._kill_a_worker()
            reorder = self._faults.activities.reorder
            delay = self._random.uniform(low, high) / 1000 if reorder else fixed
            loop.call_later(delay, done, results)

        return hand_over

    def _happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _kill_a_worker(self) -> None:
        pids = self._worker_pids()
        if not pids:
            return
        # One that was killed a moment ago may still be listed.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._random.choice(pids), signal.SIGKILL)


def _as_if_of(call: Invocation, done: Done) -> Done:
    """Hand over a second delivery's completion as the first's: which comes first is open."""

    def hand_over(results: Sequence[InvocationResult]) -> None:
        done([replace(result, id=call.id) for result in results])

    return hand_over
