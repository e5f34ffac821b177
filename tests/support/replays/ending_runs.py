"""A run whose only shard is through: what is left is to settle and to end it."""

import hashlib
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from activities.endings.known_run import KnownRun, known_run, read_run
from activities.endings.settle import settle_and_end, settle_run
from activities.planning.begin import admit_and_plan
from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.index import IndexEntry
from fanout.adapters.rows.open_runs import confirm_claim
from fanout.adapters.rows.rows import Rows
from fanout.adapters.settings import DEFAULT_MAX_RESULT_FILE_BYTES
from fanout.governor.run_state import ControlState, GovernorState
from fanout.messages.batches import WaveTally
from fanout.messages.beginning import BeginAsk
from fanout.messages.ending import SettleAsk, SettleResult
from fanout.messages.run import RunRef
from fanout.messages.shards import ShardAsk, ShardCounts, ShardWork
from fanout.naming import blob_paths, row_keys
from fanout.naming.moments import parse_moment
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.replays.local_runs import RUN_ID, LocalRun, halted, inline

AT = "2026-01-01T00:00:00Z"
FAILS = (0, 1, 2)


class EndingRun:
    """A run of ten items, three of which fail; its only shard has worked them off.

    Args:
        store: Where its blobs are; by default a double of its own.
        tables: Where its rows are; by default likewise.
        container: What its container is called; its table is called after it.
        lost: How many of the last batches have left no part.
        fails: Which items fail.
        more: What is asked for besides.
    """

    def __init__(
        self,
        store: Any = None,
        tables: Any = None,
        container: str = "runs",
        lost: int = 0,
        fails: tuple[int, ...] = FAILS,
        **more: Any,
    ) -> None:
        items = [{"id": n} | ({"ending": "permanent"} if n in fails else {}) for n in range(10)]
        asked = inline(items, **({"concurrency": {"batches": 4}} | more))
        self.run = LocalRun(asked, store=store or MemoryStore(), container=container)
        self.tables: MemoryTables = tables or MemoryTables()
        self._table = f"{container}rows"
        confirm_claim(self.rows, IndexEntry(RUN_ID, parse_moment(AT), asked.workload))
        self.claim = self.run.files.claim_of(RUN_ID)
        begun = BeginAsk(run_id=RUN_ID, claim=self.claim, claimed_at=AT, max_runs=1, at=AT)
        plan = admit_and_plan(begun, self.run.files, self.rows).plan
        assert plan is not None
        self.plan = plan
        self.run.work_off(halted(plan, plan.work.cuts - lost))
        ref = RunRef(run_id=RUN_ID, claim=self.claim)
        self.first = ShardWork.first(ref, plan, plan.work, 0, "process")

    @property
    def rows(self) -> Rows:
        """Its rows, as yet another process has them: no two wait for each other within one."""
        return Rows(self.tables, self._table)

    @property
    def state(self) -> GovernorState:
        return read_attempt(self.rows, RUN_ID, 1).state

    @property
    def counts(self) -> ShardCounts:
        """What its batches came to."""
        results = self.run.results
        succeeded = sum(result.succeeded for result in results)
        return ShardCounts(succeeded=succeeded, failed=sum(result.failed for result in results))

    @property
    def last(self) -> ShardAsk:
        """What the shard tells at its end."""
        counts, partitions = self.counts, self.plan.work.partitions
        tried = counts.succeeded + counts.failed
        tally = WaveTally(succeeded=counts.succeeded, failed=counts.failed, tried=tried)
        update = {"call": 2, "sequence": 1, "partition": partitions, "counts": counts}
        update |= {"tally": tally, "partitions_done": partitions}
        return ShardAsk(work=self.first.model_copy(update=update), at=AT)

    def ask(self, **more: Any) -> SettleAsk:
        known = {"counts": self.counts, "last": self.last, "at": AT, "claim": self.claim}
        return SettleAsk(run_id=RUN_ID, **(known | more))

    def settle(self, **more: Any) -> SettleResult:
        files = self.run.files
        return settle_run(self.ask(**more), files, self.rows, DEFAULT_MAX_RESULT_FILE_BYTES)

    def settle_and_end(self, known: KnownRun | None = None, **more: Any) -> SettleResult:
        files, max_bytes = self.run.files, DEFAULT_MAX_RESULT_FILE_BYTES
        return settle_and_end(self.ask(**more), files, self.rows, max_bytes, known=known)

    def know(self) -> KnownRun:
        """What whoever has carried out all of it has in hand."""
        ask, files = self.ask(), self.run.files
        known = known_run(ask, read_run(ask, files, self.rows), files, self.rows)
        assert known is not None
        return known

    def control(self, change: Callable[[ControlState], ControlState]) -> None:
        partition = row_keys.attempt_partition(RUN_ID, 1)
        self.rows.change(
            partition, row_keys.CONTROL_ROW, ControlState, lambda known: (change(known), None)
        )

    def said(self) -> list[Any]:
        """What the rows of the attempt say."""
        partition = row_keys.attempt_partition(RUN_ID, 1)
        return [(key, row.values) for key, row in self.rows.read_all(partition).items()]

    def insist_on_results(self) -> None:
        """The results are those of the end that the row has, and every file is as listed."""
        end, files, manifest = self.state.run.end, self.run.files, self.run.manifest()
        assert end is not None
        assert (manifest.outcome, manifest.items) == (end.outcome, end.items)
        summary = from_json(files.read(blob_paths.summary_path(RUN_ID)))
        assert (summary["outcome"], summary["items"]) == (end.outcome, end.items.model_dump())
        for file in manifest.files:
            content = files.read(blob_paths.result_path(RUN_ID, file.name))
            assert hashlib.md5(content).hexdigest() == file.md5
        assert len(self.run.outcomes()) >= 1
