"""Workloads that enter each call into a journal, a file that any number of workers write to."""

import json
import os
import time
from collections import Counter
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from fanout.errors import PermanentError, TransientError
from fanout.workload import Context, MapWorkload, SagaWorkload, Step, StepContext
from workloads import registry

LONGEST_WAIT_SECONDS = 150


@dataclass(frozen=True)
class Entry:
    """A call, in the worker `pid`, and when it began and ended, in seconds since the epoch.

    `what` is a step, "process" or "undo ..." for one that took effect, "missed" for one to be tried
    again.
    """

    item: str
    what: str
    key: str
    pid: int
    began: float
    ended: float


class Journal:
    """What was done, in the order of doing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def enter(self, entry: Entry) -> None:
        """Append an entry whole, whoever else appends."""
        line = json.dumps(astuple(entry)) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def entries(self) -> list[Entry]:
        """Every entry so far."""
        if not self.path.exists():
            return []
        return [Entry(*json.loads(line)) for line in self.path.read_text().splitlines()]

    def calls(self, what: str = "process") -> Counter[str]:
        """How often each item was called."""
        return Counter(entry.item for entry in self.entries() if entry.what == what)

    def wait_for(self, items: int) -> None:
        """Wait until so many items are processed, or too long."""
        ends = time.monotonic() + LONGEST_WAIT_SECONDS
        while len(self.calls()) < items and time.monotonic() < ends:
            time.sleep(0.1)

    def workers(self) -> set[int]:
        """The processes that have entered anything."""
        return {entry.pid for entry in self.entries()}

    def effects(self, what: str = "process") -> Counter[str]:
        """How many effects each item has where a key takes effect once."""
        once = {(entry.item, entry.key) for entry in self.entries() if entry.what == what}
        return Counter(item for item, _ in once)


class Errand(BaseModel):
    """An item that takes its time, fails so often, and then ends as it says.

    Attributes:
        behind: So many others it waits for, and so sees that they came first.
    """

    model_config = ConfigDict(extra="forbid")

    id: int
    seconds: float = 0.0
    good: int = 1
    behind: int = 0
    ending: Literal["ok", "permanent"] = "ok"


class ErrandParameters(BaseModel):
    """Where the journal is, and how many calls are missed before any takes effect."""

    model_config = ConfigDict(extra="forbid")

    journal: str
    outage: int = 0


class Errands(MapWorkload[Errand, ErrandParameters]):
    """Enters each item."""

    name: ClassVar[str] = "errands"
    item_model = Errand
    parameters_model = ErrandParameters

    def item_id(self, item: Errand) -> str:
        return str(item.id)

    def process(self, item: Errand, context: Context[ErrandParameters]) -> int:
        began = time.time()
        time.sleep(item.seconds)
        journal = Journal(Path(context.parameters.journal))
        journal.wait_for(item.behind)
        missed = journal.calls("missed")
        if context.attempt < item.good or missed.total() < context.parameters.outage:
            _enter(item, "missed", context, began)
            raise TransientError("not yet")
        if item.ending == "permanent":
            raise PermanentError("never")
        _enter(item, "process", context, began)
        return item.id

    def compensate(self, item: Errand, output: int, context: Context[ErrandParameters]) -> None:
        assert output == item.id
        _enter(item, "undo", context, time.time())


class Deliveries(Errands):
    """The same where each item calls a service that may be down."""

    name: ClassVar[str] = "deliveries"
    downstream: ClassVar[str | None] = "courier"


class Trips(SagaWorkload[Errand, ErrandParameters]):
    """Two steps side by side, and a third that fails where the item says so."""

    name: ClassVar[str] = "trips"
    item_model = Errand
    parameters_model = ErrandParameters

    def item_id(self, item: Errand) -> str:
        return str(item.id)

    @property
    def steps(self) -> tuple[Step, ...]:
        return (
            Step("flight", _do("flight"), _undo("flight")),
            Step("hotel", _do("hotel"), _undo("hotel")),
            Step("pay", self._pay, _undo("pay"), after=("flight", "hotel")),
        )

    def _pay(self, item: Errand, context: StepContext[ErrandParameters]) -> str:
        if context.attempt < item.good:
            raise TransientError("not yet")
        if item.ending == "permanent":
            raise PermanentError("never")
        return str(_do("pay")(item, context))


def _do(name: str) -> Any:
    def do(item: Errand, context: StepContext[ErrandParameters]) -> str:
        began = time.time()
        time.sleep(item.seconds)
        _enter(item, name, context, began)
        return name

    return do


def _undo(name: str) -> Any:
    def undo(item: Errand, output: Any, context: StepContext[ErrandParameters]) -> None:
        assert output == name or context.is_doubtful
        _enter(item, f"undo {name}", context, time.time())

    return undo


def _enter(item: Errand, what: str, context: Any, began: float) -> None:
    key = context.idempotency_key
    entry = Entry(str(item.id), what, key, os.getpid(), began, time.time())
    Journal(Path(context.parameters.journal)).enter(entry)


for workload in (Errands(), Deliveries(), Trips()):
    registry.register(workload)
