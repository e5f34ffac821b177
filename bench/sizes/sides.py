"""The checkouts that are compared, each on a host and a storage account of its own."""

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.histories import TurnLog, count_activities, count_events, messages_in_a_row
from bench.host import ROOT, MeasuredHost, cpu_seconds, run_host
from bench.storage_log import LoggedStorage, count_by_kind, run_storage
from fanout.naming.functions import PROCESS_BATCH

WORKERS = int(os.environ.get("BENCH_WORKERS", "2"))
NEW, OLD = "new", "old"
LONGEST_RUN_SECONDS = 900
SMALL_ITEMS, SHORT_POLL_SECONDS, LONG_POLL_SECONDS = 10_000, 0.02, 0.1
WARM_UP = {"workload": "nothing", "source": {"kind": "inline", "items": [{"id": 0, "text": ""}]}}
Request = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """One run: seconds from POST to the end, and processor seconds of host, workers and Azurite."""

    seconds: float
    cpu: float


@dataclass(frozen=True)
class Counts:
    """What one run took.

    Attributes:
        operations: Of storage, by kind, as Azurite's log has them.
        activities: By name, from the host's store.
        waves: Turns that gave out batches.
        messages: How many waited for each other in a row.
        events: Of all histories.
        cpu: Processor seconds of host, workers and Azurite.
    """

    operations: dict[str, int]
    activities: dict[str, int]
    turns: int
    waves: int
    messages: int
    events: dict[str, int]
    cpu: float

    @property
    def total_operations(self) -> int:
        """Storage operations of all kinds."""
        return sum(self.operations.values())

    @property
    def entity_calls(self) -> int:
        """Calls and signals of entities, and events for other orchestrations."""
        return self.events.get("event_sent", 0)

    @property
    def total_activities(self) -> int:
        """Activities of all names."""
        return sum(self.activities.values())


@dataclass
class Side:
    """A checkout that runs.

    Attributes:
        name: `new` for this one.
    """

    name: str
    host: MeasuredHost
    storage: LoggedStorage
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def takes(self, request: Request) -> bool:
        """Whether the API accepts a request; a source may be too large to be in it."""
        status, _ = self.host.request("POST", "/api/runs", {**request, "dry_run": True})
        return status == 200

    def run(self, request: Request, poll_seconds: float) -> Sample:
        """Carry out a run, under a name of its own; it must succeed."""
        before = self._cpu()
        seconds, state = self.host.run(self._add_name(request), poll_seconds)
        if state["outcome"] != "succeeded":
            raise SystemExit(f"the run ended {state['outcome']}: {state}")
        return Sample(seconds, self._cpu() - before)

    def count(self, request: Request) -> Counts:
        """Carry out a run and count what it takes; nobody asks for its status meanwhile."""
        self.storage.wait_until_quiet()
        start, before = self.storage.position(), self._cpu()
        with TurnLog(self.host.data) as log:
            status, answer = self.host.request("POST", "/api/runs", self._add_name(request))
            if status != 202:
                raise SystemExit(f"the run was refused: {answer}")
            log.wait_until_finished(LONGEST_RUN_SECONDS)
            turns = log.turns()
        self.storage.wait_until_quiet()
        events = {kind.name.lower(): count for kind, count in count_events(turns).items()}
        return Counts(
            count_by_kind(self.storage.operations(start)),
            count_activities(turns),
            len(turns),
            sum(PROCESS_BATCH in count_activities([turn]) for turn in turns),
            messages_in_a_row(turns),
            events,
            self._cpu() - before,
        )

    def _add_name(self, request: Request) -> Request:
        return {**request, "run_id": f"{self.name}-{next(self._numbers)}"}

    def _cpu(self) -> float:
        return self.host.cpu_seconds() + cpu_seconds(self.storage.pid)


def poll_seconds(items: int) -> float:
    """How often to ask whether a run has ended: small ones often, or the interval is their time."""
    return SHORT_POLL_SECONDS if items <= SMALL_ITEMS else LONG_POLL_SECONDS


@contextlib.contextmanager
def run_sides(
    old: Path | None, settings: Mapping[str, str] | None = None
) -> Iterator[Sequence[Side]]:
    """Run this checkout, and another if there is one; each has carried out a run."""
    roots = {NEW: ROOT} | ({OLD: old.resolve()} if old else {})
    with contextlib.ExitStack() as stack:
        sides = [
            stack.enter_context(_run_side(name, root, settings or {}))
            for name, root in roots.items()
        ]
        for side in sides:
            side.run(WARM_UP, SHORT_POLL_SECONDS)
        yield sides


@contextlib.contextmanager
def _run_side(name: str, root: Path, settings: Mapping[str, str]) -> Iterator[Side]:
    app = root / "bench" / "apps" / "million"
    with run_storage() as storage:
        environment = {**settings, **storage.settings(app)}
        options = ("--no-stack", "--workers", str(WORKERS))
        with run_host(app, *options, environment=environment, root=root) as host:
            yield Side(name, host, storage)
