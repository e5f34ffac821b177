"""What the HTTP API answers beside a run's own status, results and estimate."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fanout.models.limits import Limits
from fanout.models.outcome import Outcome
from fanout.models.schedule import Overlap, Task
from fanout.models.status import RunStatus


class Problem(BaseModel):
    """What went wrong (RFC 9457), as ``application/problem+json``.

    Attributes:
        type: ``urn:fanout:problem:`` and the short name of this sort of problem.
        errors: The fields that are wrong, where it is their fault.
    """

    class FieldFault(BaseModel):
        """A field, as the caller wrote it, and what is wrong with it."""

        field: str
        message: str

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldFault] = Field(default_factory=list)


class Accepted(BaseModel):
    """Something was asked of a run, and where to see what comes of it.

    Attributes:
        attempt: The number of the attempt that a redrive began.
    """

    # With FANOUT_EXPOSE_DURABLE_URLS, those of Durable Functions come along.
    model_config = ConfigDict(extra="allow")

    run_id: str
    status_url: str
    results_url: str
    attempt: int | None = None


class RunPage(BaseModel):
    """Some runs, the newest first; with a continuation there are more."""

    runs: list[RunStatus]
    continuation: str | None = None


class ItemPage(BaseModel):
    """Some outcomes, in source order; with a continuation there are more."""

    items: list[Outcome]
    continuation: str | None = None


class ChangedLimits(BaseModel):
    """The limits of a run after a change."""

    run_id: str
    limits: Limits


class WorkloadDescription(BaseModel):
    """A workload, with the JSON Schemas of its items and parameters.

    Attributes:
        downstream: The service that its items call, if they call one.
    """

    name: str
    description: str
    downstream: str | None = None
    items: dict[str, Any]
    parameters: dict[str, Any]


class WorkloadList(BaseModel):
    """What can be run."""

    workloads: list[WorkloadDescription]


class ScheduleDescription(BaseModel):
    """A schedule.

    Attributes:
        schedule: Six fields of NCRONTAB.
        zone: Where the clock is that it goes by.
        workload: What its runs carry out; None where it does a `task` of the app's own.
        next_at: When it is due next, ISO 8601; None where it is not enabled.
        last_run: The newest of its runs, as far as one is among the newest runs of all.
    """

    name: str
    description: str
    schedule: str
    zone: str
    is_enabled: bool
    on_overlap: Overlap
    workload: str | None = None
    task: Task | None = None
    next_at: str | None = None
    last_run: RunStatus | None = None


class ScheduleList(BaseModel):
    """What the app begins by itself, and when."""

    schedules: list[ScheduleDescription]


class Circuit(BaseModel):
    """How the breaker of a downstream stands, and how far its rate is booked.

    Attributes:
        since: When it opened, ISO 8601; None where it is closed.
        items_per_second: What all runs together may send; None is as fast as they can.
        booked_until: When the last booked item goes, ISO 8601.
    """

    state: str
    since: str | None = None
    items_per_second: float | None = None
    booked_until: str | None = None


class Health(BaseModel):
    """Whether what the app depends on answers.

    Attributes:
        dependencies: ``up``, or ``down`` and why, by name.
        circuits: By downstream.
    """

    status: Literal["up", "down"]
    dependencies: dict[str, str]
    circuits: dict[str, Circuit]
