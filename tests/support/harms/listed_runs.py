"""Runs that are started, ended, redriven and deleted by a process that may die at any write.

What is true of them is read here from their blobs and rows by other means than the app's: which
requests there are, which attempts, and what the rows of the newest one say of its end.
"""

import json
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from activities.endings.finish import close_attempt, finish_attempt
from activities.planning.begin import admit_and_plan
from fanout.adapters.rows.index import FIRST
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import FanoutError
from fanout.messages.beginning import BeginAsk
from fanout.messages.ending import EndedRun
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd, RunInput
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.models.status import ItemCounts
from fanout.naming import instance_ids, row_keys
from starters.index.pages import read_statuses
from starters.index.search import RunFilter, find_page
from starters.lifecycle import deletion
from starters.lifecycle.attempts import newest_attempt
from starters.lifecycle.redrive import redrive_run
from starters.lifecycle.retention import sweep
from starters.lifecycle.start import start_run
from starters.watchdog import Inspection
from tests.support.doubles.crashes import DeathError, DyingStore, DyingTables, Fuse
from tests.support.doubles.durable_client import Client
from tests.support.workloads import probe_workloads

LEFT_BEHIND = timedelta(minutes=2)
PAGE = 3
# A failed run all of whose items have succeeded may be redriven, whatever its parts are.
ITEMS = ItemCounts(total=1, succeeded=1)


@dataclass(frozen=True)
class Shown:
    """What a list is to show of a run."""

    run_id: str
    workload: str
    outcome: str | None
    redrives: int


@dataclass
class ListedRuns:
    """Some runs, and what can be done with them."""

    fuse: Fuse = field(default_factory=Fuse)
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.store, self.tables = DyingStore(self.fuse), DyingTables(self.fuse)
        self.files = RunFiles(self.store, "runs")  # type: ignore[arg-type]  # the double of it
        self.rows = Rows(self.tables, "fanoutruns")

    async def attempt_to(self, act: Callable[[], Awaitable[None]]) -> bool:
        """Do something unless it is refused; tell whether the process survived."""
        try:
            with impatience():
                await act()
        except FanoutError:
            return True
        except DeathError:
            return False
        finally:
            self.fuse.left = None
        return True

    async def start(self, run_id: str, workload: str = probe_workloads.Probe.name) -> None:
        source = {"kind": "inline", "items": [{"id": 0}]}
        asked = {"workload": workload, "run_id": run_id, "source": source}
        await start_run(RunRequest.model_validate(asked), self.client, self.files, self.rows)

    async def begin(self, run_id: str) -> None:
        """What the orchestration of the newest attempt does first."""
        if (run := self._input(run_id)) is not None:
            plan = PlanResult(work=Work(items=1, cuts=1, partitions=1, shards=1))
            ask = BeginAsk(**run.model_dump(), at=now().isoformat())
            admit_and_plan(ask, self.files, self.rows, lambda *_: plan)

    async def finish(self, run_id: str, outcome: Any = "succeeded") -> None:
        """What the orchestration of the newest attempt does last."""
        if (run := self._input(run_id)) is None:
            return
        end = RunEnd(outcome=outcome, items=ITEMS, at=now().isoformat())
        ending = finish_attempt(run.message(EndedRun, end=end), self.rows)
        if ending is not None:
            close_attempt(ending, self.rows)
        self.client.end(instance_ids.attempt_instance(run_id, run.attempt))

    async def redrive(self, run_id: str) -> None:
        await redrive_run(run_id, RedriveRequest(), self.client, self.files, self.rows)

    async def terminate(self, run_id: str) -> None:
        """Somebody has Durable end the newest attempt by force, and the watchdog sees that."""
        if (run := self._input(run_id)) is not None:
            instance = instance_ids.attempt_instance(run_id, run.attempt)
            self.client.end(instance, "Terminated", "enough")
        await self.look()

    async def delete(self, run_id: str) -> None:
        attempt = await newest_attempt(run_id, self.client, self.files, self.rows)
        if not attempt.is_active:
            await deletion.delete_run(attempt, self.client, self.files, self.rows)

    async def sweep(self) -> None:
        older_than = now() + timedelta(days=1)
        await sweep(self.client, self.files, self.rows, older_than)

    async def look(self) -> None:
        """What the watchdog does, hours later."""
        later = now().replace(minute=1) + timedelta(hours=3)
        inspection = Inspection(self.client, self.files, self.rows, later, LEFT_BEHIND)
        await inspection.look_after_all()

    async def shown(self, **wanted: Any) -> list[Shown]:
        """What the pages of the list show."""
        runs: list[Shown] = []
        position: str | None = FIRST
        while position is not None:
            page = find_page(self.rows, RunFilter(**wanted), position, PAGE)
            found = await read_statuses(page.entries, self.files, self.rows, now(), "http://x")
            assert found.unreadable == []
            runs += [
                Shown(one.run_id, one.workload, one.outcome, one.redrive_count)
                for one in found.statuses
                if RunFilter(**wanted).has(one)
            ]
            position = page.position
        return runs

    def truth(self) -> list[Shown]:
        """What there is, the newest first."""
        claims = []
        for path in self.store.names("runs", ""):
            run_id, _, rest = path.partition("/")
            if rest == "request.json":
                claimed_at = self.store.properties("runs", path).metadata["claimed_at"]  # type: ignore[union-attr]
                claims.append((claimed_at, run_id))
        claims.sort(key=lambda claim: claim[1])
        claims.sort(key=lambda claim: claim[0], reverse=True)
        return [self._true(run_id) for _, run_id in claims]

    def _true(self, run_id: str) -> Shown:
        names = [*self.store.names("runs", f"{run_id}/attempts/")]
        number = max((int(name[-10:-5]) for name in names), default=1)
        row = self.tables.read("fanoutruns", f"{run_id}!a{number}", ["run"]).get("run")
        run = json.loads(row.values["json0"]) if row else {}
        request = json.loads(self.store.read("runs", f"{run_id}/request.json"))
        outcome = (run.get("end") or {}).get("outcome")
        return Shown(run_id, request["workload"], outcome, number - 1)

    def indexed(self) -> list[tuple[str, str | None]]:
        """The run and the outcome of each row of the index; no outcome while it is deleted."""
        return [
            (
                key.rpartition("!")[2],
                None if row.values["is_in_deletion"] else row.values["outcome"],
            )
            for _, key, row in self.tables.rows("fanoutruns")
            if row_keys.parse_index_row(key) is not None
        ]

    def _input(self, run_id: str) -> RunInput | None:
        """What the last orchestration of a run was started with, unless that has finished."""
        started = [*zip(self.client.started, self.client.inputs, strict=True)]
        mine = [(name, value) for name, value in started if name.split(":")[0] == run_id]
        if not mine or mine[-1][0] in self.client.statuses:
            return None
        if mine[-1][0] not in self.client.instances:
            return None
        return RunInput.model_validate(mine[-1][1])


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def impatience() -> Any:
    """Wait for nothing that nobody does here."""
    with (
        patch.object(deletion, "ENDING_SECONDS", 0.02),
        patch.object(deletion, "ENDING_PAUSE_SECONDS", 0.005),
    ):
        yield
