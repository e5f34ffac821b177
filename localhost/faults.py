"""Faults on demand (`--faults FILE`): what no emulator does, to try an app against it.

At-least-once delivery made visible: activities delivered twice, completions late and out of order,
turns that lose their state, workers killed around an activity, storage calls refused. Development
only. This module reads the file and draws what happens to each activity;
`execution.faulty_executor` makes it happen, and `durable.engine.tearing` what happens to turns.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(ge=0, le=3_600_000, allow_inf_nan=False)]


def _check_range(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError("it takes two times, the shorter first")
    return value


Range = Annotated[tuple[Milliseconds, Milliseconds], AfterValidator(_check_range)]


class FaultsError(Exception):
    """The file of faults cannot be used; the message names it, the field and the reason."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ActivityFaults(_Section):
    """What happens to activities.

    Attributes:
        deliver_twice: The share that is run a second time.
        delay_ms: Completions are held back for a time between these two, in milliseconds.
        reorder: Whether completions overtake one another while they are held back.
    """

    deliver_twice: Share = 0
    delay_ms: Range = (0, 0)
    reorder: bool = False

    @model_validator(mode="after")
    def _check_overtaking(self) -> "ActivityFaults":
        if self.reorder and self.delay_ms[0] == self.delay_ms[1]:
            raise ValueError("reorder takes a delay_ms of two different times to overtake in")
        return self


class TurnFaults(_Section):
    """What happens to turns of orchestrators and entities.

    Attributes:
        torn: The share of turns whose messages are sent but whose state is lost.
        again_ms: A torn turn is taken again after a time between these two, in milliseconds.
    """

    torn: Share = 0
    again_ms: Range = (200, 3000)


class KillPoints(_Section):
    """The shares of activities around which the worker that has them is killed with SIGKILL.

    Attributes:
        before_activity: When it has just been handed the activity.
        after_activity: When the activity has run, but its result is not yet received: it is lost.
    """

    before_activity: Share = 0
    after_activity: Share = 0


class WorkerFaults(_Section):
    """What happens to worker processes."""

    kill: KillPoints = KillPoints()


class StorageFaults(_Section):
    """The share of calls to the storage emulator's blob service that are answered 503."""

    fail: Share = 0


class Faults(_Section):
    """The file of faults.

    Attributes:
        seed: What every decision is drawn from; another each time if there is none.
    """

    seed: int | None = None
    activities: ActivityFaults = ActivityFaults()
    turns: TurnFaults = TurnFaults()
    workers: WorkerFaults = WorkerFaults()
    storage: StorageFaults = StorageFaults()

    @classmethod
    def from_option(cls, text: str) -> "Faults":
        """Read what `--faults` says: the name of a file, or `torn=P` for `turns.torn` alone.

        Raises:
            FaultsError: See `load`.
        """
        name, separator, share = text.partition("=")
        if not separator or name != "torn":
            return cls.load(Path(text))
        place = f"--faults {text}"
        try:
            value = float(share)
        except ValueError as error:
            raise FaultsError(f"{place}: it takes a share from 0 to 1.") from error
        return cls._read(place, json.dumps({"turns": {"torn": value}}))

    @classmethod
    def load(cls, path: Path) -> "Faults":
        """Read a file.

        Raises:
            FaultsError: It is missing, no JSON, or asks for something that is not known.
        """
        try:
            text = path.read_bytes()
        except OSError as error:
            raise FaultsError(f"{path} cannot be read: {error.strerror}.") from error
        return cls._read(str(path), text)

    @classmethod
    def _read(cls, place: str, text: str | bytes) -> "Faults":
        try:
            faults = cls.model_validate_json(text)
        except ValidationError as invalid:
            problems = (f"{place}: {_problem(error)}." for error in invalid.errors())
            raise FaultsError("\n".join(problems)) from invalid
        if faults.seed is None:
            seed = random.SystemRandom().getrandbits(32)
            return faults.model_copy(update={"seed": seed})
        return faults

    @property
    def may_kill_workers(self) -> bool:
        """Whether any worker may be killed."""
        return self.workers.kill != KillPoints()

    def announcement(self) -> str:
        """Say what will happen and how to have it again."""
        settings_text = json.dumps(self.model_dump(exclude_defaults=True, exclude={"seed"}))
        return (
            "Faults are on (--faults, for development only). Turns, activities, workers and "
            f"storage are disturbed on purpose: {settings_text}. To have the same again: seed "
            f"{self.seed}."
        )


def _problem(error: Any) -> str:
    place = ".".join(map(str, error["loc"])) or "the document"
    if error["type"] == "extra_forbidden":
        return f"{place}: there is no such setting"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one activity.

    Attributes:
        delays: How long the completion of its first and of its second delivery is held back, in
            seconds.
    """

    is_delivered_twice: bool
    delays: tuple[float, float]
    is_killed_before: bool
    is_killed_after: bool


def draw_fates(faults: Faults) -> Iterator[Fate]:
    """Draw the fate of one activity after the other.

    Each fate takes the same count of random numbers, so that another share of one fault leaves all
    other faults as they were.
    """
    source = random.Random(faults.seed)  # noqa: S311 - no secret is drawn from it
    low, high = faults.activities.delay_ms
    kill = faults.workers.kill
    while True:
        yield Fate(
            source.random() < faults.activities.deliver_twice,
            (source.uniform(low, high) / 1000, source.uniform(low, high) / 1000),
            source.random() < kill.before_activity,
            source.random() < kill.after_activity,
        )
