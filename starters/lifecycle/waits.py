"""Why runs are queued, and when it is their turn."""

from dataclasses import dataclass
from functools import cached_property

from fanout.adapters.rows.open_runs import find_open
from fanout.adapters.rows.places import read_places
from fanout.adapters.rows.rows import Rows
from fanout.governor.admission import AdmissionState
from fanout.models.status import RunStatus, Wait
from fanout.naming import instance_ids
from fanout.threads import ContextPool

READ_AT_ONCE = 4


def add_waits(statuses: list[RunStatus], rows: Rows) -> list[RunStatus]:
    """Say of each run that is queued why it is; the others are left as they are.

    The row of admission is read once, and only where a run is queued. A page may have a hundred
    that are planned and have not begun: whether they wait is read of several at a time.
    """
    line, scheduled = Line(rows), _find_scheduled(statuses, rows)
    return [_add_wait(status, line, scheduled) for status in statuses]


@dataclass(frozen=True)
class Line:
    """Those that wait for a place, as far as anybody asks.

    Attributes:
        rows: The rows.
    """

    rows: Rows

    @cached_property
    def places(self) -> AdmissionState:
        """Who has a place and who waits."""
        return read_places(self.rows)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where each that waits is, 1 the first."""
        return {instance: number for number, instance in enumerate(self.places.turns(), 1)}


def _add_wait(status: RunStatus, line: Line, scheduled: set[str]) -> RunStatus:
    if status.phase == "queued":
        return status.model_copy(update={"wait": _explain_wait(status, line)})
    if status.run_id not in scheduled:
        return status
    return status.model_copy(update={"phase": "queued", "wait": Wait(reason="schedule")})


def _explain_wait(status: RunStatus, line: Line) -> Wait:
    """Why a run is queued that has asked whether it may begin."""
    attempt = status.redrive_count + 1
    instance = instance_ids.attempt_instance(status.run_id, attempt)
    places = line.places
    if places.has_begun(instance):
        return Wait(reason="start")
    if attempt > 1 and instance not in places.waiting and not places.is_full:
        return Wait(reason="attempt")
    return Wait(
        reason="places",
        position=line.positions.get(instance),
        waiting=len(places.waiting),
        running=len(places.running),
    )


def _find_scheduled(statuses: list[RunStatus], rows: Rows) -> set[str]:
    """The runs that nobody has started yet, because an earlier one of their schedule goes on."""
    asked = [one for one in statuses if one.phase == "planning" and one.started_at is None]
    if not asked:
        return set()
    with ContextPool(READ_AT_ONCE) as pool:
        found = pool.map(lambda one: find_open(rows, one.run_id, one.redrive_count + 1), asked)
        return {attempt.run_id for attempt in found if attempt is not None and attempt.is_queued}
