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
        type: ``urn:fanout:problem:`` and the short name of the problem.
        errors: The fields of the request that are wrong; empty if none is.
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
    """A call on a run was accepted.

    Attributes:
        status_url: Where to see what comes of it.
        results_url: Where the results will be.
        attempt: The number of the attempt that a redrive began; None for other calls.
    """

    # With FANOUT_EXPOSE_DURABLE_URLS, those of Durable Functions come along.
    model_config = ConfigDict(extra="allow")

    run_id: str
    status_url: str
    results_url: str
    attempt: int | None = None


class UnreadableRun(BaseModel):
    """A run of which nobody can tell how it stands, for what is kept of it cannot be read.

    Attributes:
        run_id: The run; of an entry of the index that is of no run, its key.
        reason: What cannot be read.
    """

    run_id: str
    reason: str


class RunPage(BaseModel):
    """A page of runs, the newest first.

    Attributes:
        unreadable: Runs of this page of which nobody can tell how they stand.
        continuation: What the next page is asked for with; None on the last page.
    """

    runs: list[RunStatus]
    unreadable: list[UnreadableRun] = Field(default_factory=list)
    continuation: str | None = None


class IndexReport(BaseModel):
    """What the rebuilding of a part of the index of runs came to.

    Attributes:
        looked_at: How many runs, or rows of the index, were looked at.
        written: How many rows were missing or wrong, and have been written.
        dropped: How many rows had no run any more, and have been deleted.
        continuation: What the next part is asked for with; None on the last part.
    """

    looked_at: int
    written: int
    dropped: int
    continuation: str | None = None


class UnreadableLine(BaseModel):
    """A line of a part of which nobody can tell what happened to whose items.

    Attributes:
        part: The part, a blob of the run.
        line: Which line of it, 1-based.
        reason: Why it cannot be read.
    """

    part: str
    line: int
    reason: str


class ItemPage(BaseModel):
    """A page of outcomes, in source order.

    Attributes:
        unreadable: Lines of this page that are no outcomes.
        continuation: What the next page is asked for with; None on the last page.
    """

    items: list[Outcome]
    unreadable: list[UnreadableLine] = Field(default_factory=list)
    continuation: str | None = None


class ChangedLimits(BaseModel):
    """The limits of a run after a change."""

    run_id: str
    limits: Limits


class WorkloadDescription(BaseModel):
    """A workload, with the JSON Schemas of its items and parameters.

    Attributes:
        downstream: The service that its items call; None if they call none.
        items: The JSON Schema of an item.
        parameters: The JSON Schema of its parameters.
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
        zone: The time zone of `schedule`.
        on_overlap: What happens when it is due and its last run has not ended.
        workload: The workload of its runs; None if it has a `task`.
        task: Which chore of the app it does; None if it starts runs.
        next_at: When it is due next, ISO 8601; None if it is not enabled.
        last_run: Its newest run; None if it has none.
        fault: Why its file cannot be used, and it is not in force; None if it can.
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
    fault: str | None = None


class ScheduleList(BaseModel):
    """What the app begins by itself, and when."""

    schedules: list[ScheduleDescription]


class Circuit(BaseModel):
    """The circuit breaker and the rate limiter of a downstream.

    Attributes:
        state: ``closed``, ``open`` or ``half-open``; ``unreadable`` where nobody can tell.
        since: When it opened, ISO 8601; None if it is closed.
        items_per_second: How many items all runs together may send; None sets no limit.
        booked_until: When the last item that is booked may be sent, ISO 8601.
    """

    state: str
    since: str | None = None
    items_per_second: float | None = None
    booked_until: str | None = None


class Health(BaseModel):
    """Whether what the app depends on answers.

    Attributes:
        status: ``up`` if all dependencies are.
        dependencies: By name: ``up``, or ``down`` and why.
        circuits: By the name of the downstream.
    """

    status: Literal["up", "down"]
    dependencies: dict[str, str]
    circuits: dict[str, Circuit]


class Finding(BaseModel):
    """What one check of an installation came to.

    Attributes:
        check: What was looked at, such as ``storage.blobs``.
        level: ``error`` is wrong, ``warning`` may become so.
        message: What was found, without secrets and addresses.
        remedy: What to do; empty where all is well.
    """

    check: str
    level: Literal["ok", "warning", "error"]
    message: str
    remedy: str = ""


class Diagnosis(BaseModel):
    """What the app finds as it looks at itself and at what it depends on.

    Attributes:
        status: The worst level of all findings.
        now: The clock of the app, ISO 8601.
        versions: By name: of Python, of libraries, of the bundle that `host.json` asks for.
    """

    status: Literal["ok", "warning", "error"]
    now: str
    versions: dict[str, str]
    findings: list[Finding]
