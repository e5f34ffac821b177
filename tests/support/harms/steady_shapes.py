"""Runs of every shape that end the same however often they are disturbed, and how they end."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from rig.web import Answer, Host
from tests.support.workloads.errand_workloads import Entry, Journal
from tests.support.workloads.errands import errands, insist_on_counts

# Of the service that `deliveries` call, in calls a second of all runs.
COURIER_RATE = 6.0
SETTINGS = {
    "FANOUT_DOWNSTREAM_RATES": f"courier={COURIER_RATE}",
    # So small that the outcomes of a wide run fill several.
    "FANOUT_MAX_RESULT_FILE_BYTES": "1500",
}
# So many batches at once are two shards, which are orchestrations of their own.
WIDE = 30
OFTEN = {"max_attempts": 9, "base_seconds": 0.1, "factor": 1, "max_seconds": 0.1}
POLL_SECONDS = 0.2
# What a step of a saga enters into the journal when it is undone, before its own name.
UNDO = "undo "
BAD: dict[str, Any] = {"ending": "permanent"}
CALLS = ("process", "missed")


@dataclass(frozen=True)
class Shape:
    """A run, and what it may do at once.

    Attributes:
        items: What each item does.
        more: What else the request says.
        redrives: Whether it is redriven when it has ended.
        deletes: Whether it is deleted when it has ended.
        batches: How many batches may be under way at any time, and `calls` in each of them.
        rate: Calls a second, if that is limited; `burst` is what may be granted at once.
    """

    items: list[dict[str, Any]]
    more: dict[str, Any] = field(default_factory=dict)
    redrives: bool = False
    deletes: bool = False
    batches: int = 2
    calls: int = 1
    rate: float | None = None
    burst: float = 0.0
    outage: int = 0

    def request(self, run_id: str, journal: Journal) -> dict[str, Any]:
        """Ask for such a run."""
        concurrency: dict[str, Any] = {"batches": self.batches}
        if self.rate and "workload" not in self.more:
            concurrency["items_per_second"] = self.rate
        asked = errands(journal, self.items, run_id=run_id, concurrency=concurrency)
        asked["parameters"]["outage"] = self.outage
        return asked | {"retry": OFTEN} | self.more


SHAPES = {
    "retried": Shape(
        [{"seconds": 0.1, "good": 1 + n % 2} for n in range(24)], batches=3, rate=4.0, burst=8.0
    ),
    "wide": Shape(
        [{"seconds": 0.1, "good": 1 + n % 2} for n in range(40)], batches=WIDE, rate=8.0, burst=30.0
    ),
    "undone": Shape(
        [{"seconds": 0.1}] * 11 + [{"seconds": 0.5} | BAD], {"on_exceeded": "compensate"}, batches=1
    ),
    "wide-undone": Shape(
        [{"seconds": 0.1}] * 39 + [{"behind": 39} | BAD],
        {"on_exceeded": "compensate"},
        batches=WIDE,
    ),
    "sagas": Shape(
        [{"seconds": 0.1} | (BAD if n % 4 == 3 else {}) for n in range(8)],
        {"workload": "trips", "batch": {"max_items": 2}, "tolerance": {"percentage": 100}},
        calls=4,  # two steps of each of two items
    ),
    "served": Shape(
        [{"seconds": 0.1}] * 24,
        {"workload": "deliveries", "batch": {"max_items": 4}},
        rate=COURIER_RATE,
        burst=16.0,
        outage=7,
    ),
    "redrive_to_end": Shape(
        [{"seconds": 0.1, "good": 1 + n % 2} for n in range(8)],
        {"retry": {"max_attempts": 1}, "tolerance": {"percentage": 100}},
        redrives=True,
    ),
    "deleted": Shape([{"seconds": 0.1}] * 4, deletes=True),
}


@dataclass(frozen=True)
class End:
    """What must be the same whatever happens to a run."""

    outcome: str
    items: dict[str, int]
    redrives: int
    effects: dict[str, Counter[str]]

    @classmethod
    def of(cls, status: dict[str, Any], journal: Journal) -> "End":
        """How a run has ended, and what it has brought about."""
        kinds = {entry.what for entry in journal.entries()} - {"missed"}
        effects = {what: journal.effects(what) for what in sorted(kinds)}
        for what in kinds:
            # A step in doubt is undone as well; where it had no effect, neither has its undoing.
            if what.startswith(UNDO):
                effects[what] &= journal.effects(what.removeprefix(UNDO))
        return cls(status["outcome"], status["items"], status["redrive_count"], effects)

    def unlike(self, usual: "End") -> str:
        """What is not as it usually is, shortly; nothing if all is."""
        found = [
            f"{name} {mine}, not {theirs}"
            for name in ("outcome", "items", "redrives")
            if (mine := getattr(self, name)) != (theirs := getattr(usual, name))
        ]
        for what in sorted({*self.effects, *usual.effects}):
            mine, theirs = (one.effects.get(what, Counter()) for one in (self, usual))
            if mine != theirs:
                found.append(f"{what}: more {dict(mine - theirs)}, less {dict(theirs - mine)}")
        return "; ".join(found)


class Caller:
    """Carries out runs as a client does that asks again where it got no answer."""

    def __init__(self, host: Host, poll_seconds: float = POLL_SECONDS) -> None:
        self._host = host
        self._poll_seconds = poll_seconds

    def carry_out(
        self, shape: Shape, run_id: str, journal: Journal, seconds: float
    ) -> dict[str, Any]:
        """Start a run, and redrive or delete it where that belongs to it; its last status."""
        ends = time.monotonic() + seconds
        request = shape.request(run_id, journal)
        while self._post("/api/runs", request) not in (200, 202):
            self._insist(ends, f"{run_id} does not start")
        status = self._ended(run_id, ends)
        if shape.deletes:
            self.delete(run_id, ends - time.monotonic())
        if not shape.redrives:
            return status
        again = {"retry": OFTEN}
        while self._post(f"/api/runs/{run_id}/redrive", again) != 202:
            if (status := self.status(run_id) or {}).get("redrive_count"):
                break
            self._insist(ends, f"{run_id} is not redrive_to_end")
        return self._ended(run_id, ends, redrives=1)

    def delete(self, run_id: str, seconds: float) -> None:
        """Delete a run that is over."""
        ends = time.monotonic() + seconds
        while (answer := self._answer("DELETE", f"/api/runs/{run_id}")) is None or (
            answer.status not in (204, 404)
        ):
            self._insist(ends, f"{run_id} is not deleted: {answer}")

    def status(self, run_id: str) -> dict[str, Any] | None:
        """How a run is; None while there is no answer. Its counts are always possible."""
        answer = self._answer("GET", f"/api/runs/{run_id}")
        if answer is None or answer.status != 200:
            return None
        insist_on_counts(answer.json)
        return dict(answer.json)

    def _ended(self, run_id: str, ends: float, redrives: int = 0) -> dict[str, Any]:
        while True:
            status = self.status(run_id)
            if status and status["phase"] == "done" and status["redrive_count"] == redrives:
                return status
            self._insist(ends, f"{run_id} does not end: {status}")

    def _post(self, path: str, body: Any) -> int | None:
        answer = self._answer("POST", path, body)
        if answer is None or answer.status >= 500 or answer.status in (404, 409, 429):
            return None
        assert answer.status in (200, 202), answer.body
        return answer.status

    def _answer(self, method: str, path: str, body: Any = None) -> Answer | None:
        try:
            content = b"" if body is None else json.dumps(body).encode()
            return self._host.request(method, path, content, {"Content-Type": "application/json"})
        except (OSError, HTTPException):
            return None

    def _insist(self, ends: float, what: str) -> None:
        assert time.monotonic() < ends, what
        time.sleep(self._poll_seconds)


def insist_on_pace(shape: Shape, journal: Journal) -> None:
    """Never were more calls under way, nor more begun in its time, than the run allows."""
    calls = sorted(journal.entries(), key=lambda entry: entry.began)
    assert _most_at_once(calls) <= shape.batches * shape.calls, "too many at once"
    begun = [entry.began for entry in calls if entry.what in CALLS]
    if shape.rate and begun:
        least = (len(begun) - shape.burst) / shape.rate
        assert begun[-1] - begun[0] >= least, f"{len(begun)} calls too fast"


def _most_at_once(calls: Iterable[Entry]) -> int:
    # What ends when another begins ends first.
    moments = sorted(
        moment for one in calls for moment in ((one.began, 1), (max(one.began, one.ended), -1))
    )
    most = now = 0
    for _, step in moments:
        now += step
        most = max(most, now)
    return most
