"""A run that is claimed and admitted as the product does it, and whose beginning sends a scout."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from activities.batches import fence
from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.index import IndexEntry
from fanout.adapters.rows.open_runs import confirm_claim, open_attempts
from fanout.adapters.rows.places import read_places
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import forget_kept
from fanout.governor.run_state import ControlState, GovernorState
from fanout.messages.beginning import BeginAsk, BeginResult
from fanout.messages.run import RunEnd, RunInput
from fanout.models.request import RunRequest
from fanout.naming import blob_paths, row_keys
from fanout.naming.moments import moment_text, parse_moment
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.replays.inline_runs import Inline
from tests.support.replays.local_runs import RUN_ID, LocalRun

CLAIMED_AT = "2026-01-01T00:00:00Z"


class ScoutedRun:
    """A run whose orchestrators are carried out in this thread.

    Args:
        request: What it is to do.
        store: Where its blobs are.
        tables: Where its rows are.
    """

    def __init__(
        self,
        request: RunRequest,
        store: MemoryStore | None = None,
        tables: MemoryTables | None = None,
    ) -> None:
        self.run = LocalRun(request, store=store or MemoryStore())
        self.tables = tables or MemoryTables()
        self.rows = Rows(self.tables, "fanoutruns")
        confirm_claim(
            self.rows, IndexEntry(RUN_ID, parse_moment(CLAIMED_AT), self.run.request.workload)
        )
        self.claim = self.run.files.claim_of(RUN_ID)
        self.inline = Inline(self.run.files, self.rows)
        forget_kept()
        fence._seen.clear()

    @property
    def input(self) -> RunInput:
        """What its orchestration is given."""
        return RunInput(run_id=RUN_ID, claim=self.claim, claimed_at=CLAIMED_AT, max_runs=5)

    def begin(self, **more: Any) -> BeginResult:
        """Carry out `begin`, once."""
        ask = self.input.message(BeginAsk, at=moment_text(parse_moment(CLAIMED_AT)), **more)
        return self.inline.begin(ask)

    def carry_out(self) -> RunEnd:
        """Carry out the run."""
        return self.inline.run(self.input)

    @property
    def state(self) -> GovernorState:
        return read_attempt(self.rows, RUN_ID, 1).state

    def control(self, change: Callable[[ControlState], ControlState]) -> None:
        """Have people ask for something."""
        partition = row_keys.attempt_partition(RUN_ID, 1)
        self.rows.change(
            partition, row_keys.CONTROL_ROW, ControlState, lambda known: (change(known), None)
        )

    def delete(self) -> None:
        """Do what a deletion does: of the run nothing is left."""
        for name in [*self.run.files.names(f"{RUN_ID}/")]:
            self.run.files.delete(name)
        for partition in (row_keys.attempt_partition(RUN_ID, 1), row_keys.RUNS_PARTITION):
            self.rows.clear(partition)

    def left(self) -> list[str]:
        """What there is of it: blobs and rows, those of admission left out."""
        rows = [f"{partition} {key}" for partition, key, _ in self.tables.rows(self.rows.table)]
        known = [row for row in rows if not row.startswith(row_keys.ADMISSION_PARTITION)]
        return [*self.run.files.names(f"{RUN_ID}/"), *known]

    def statuses(self) -> Counter[str]:
        """How many items the result files have of each status."""
        found: Counter[str] = Counter()
        for outcome in self.run.outcomes():
            found[outcome.status] += outcome.count
        return found

    def insist_on_one_end(self, answer: RunEnd) -> None:
        """The row, the summary and the results have one end, and all that follows is done."""
        end = self.state.run.end
        assert end is not None
        assert answer == end
        assert RUN_ID not in read_places(self.rows).running
        assert open_attempts(self.rows) == []
        if not end.is_forced:
            self.insist_on_results(end)

    def insist_on_results(self, end: RunEnd) -> None:
        """Each item has one outcome, and the counts are those of the outcomes."""
        manifest = self.run.manifest()
        assert (manifest.outcome, manifest.items) == (end.outcome, end.items)
        summary = from_json(self.run.files.read(blob_paths.summary_path(RUN_ID)))
        assert (summary["outcome"], summary["items"]) == (end.outcome, end.items.model_dump())
        indices = sorted(
            index
            for outcome in self.run.outcomes()
            for index in range(outcome.index, outcome.index + outcome.count)
        )
        assert indices == list(range(end.items.total))
        counts = end.items.model_dump(exclude={"total"})
        assert self.statuses() == Counter({name: n for name, n in counts.items() if n})
