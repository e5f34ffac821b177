"""Every filter of the list of runs, on real storage, beside a model that knows what there is.

Parts of the index are made so small that each page takes several, and ends anywhere.
"""

import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from fanout.adapters.blob import BlobStore
from fanout.adapters.rows import index
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.index import FIRST, drop_entry, note_deletion
from fanout.adapters.rows.open_runs import close, note_claim
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState, RunState
from fanout.governor.run_status import final_status
from fanout.messages.run import RunEnd
from fanout.models.status import RunOutcome
from fanout.naming import row_keys
from fanout.naming.moments import moment_text
from starters.index import search
from starters.index.pages import read_statuses
from starters.index.search import RunFilter, find_page

WORKLOADS = ("orders", "reports", "rare")
OUTCOMES = get_args(RunOutcome)
WORDS = ("Nightly", "nightly", "adhoc", "x.y_z")
SMALL = {"FIRST_ROWS": 4, "MORE_ROWS": 6, "MAX_ROWS_A_PAGE": 9, "MAX_OPEN": 5, "MAX_FOUND": 3}


@dataclass
class Known:
    """What the model knows of a run: `is_told` where the index has been told how it ended."""

    run_id: str
    workload: str
    claimed_at: datetime
    outcome: str | None = None
    is_told: bool = False


@dataclass
class World:
    """Runs in storage, and the model of them."""

    rows: Rows
    files: RunFiles
    dice: random.Random
    runs: dict[str, Known] = field(default_factory=dict)

    def start(self) -> None:
        """Claim a run, have it begin, and maybe end."""
        workload = self.dice.choices(WORKLOADS, (60, 30, 1))[0]
        run_id = f"{self.dice.choice(WORDS)}-{self.dice.randrange(10**6):06d}"
        if run_id in self.runs:
            return
        entry = note_claim(self.rows, run_id, workload).entry
        at = moment_text(entry.claimed_at)
        run = run_rules.open_run(RunState(), at, "claim", at, is_queued=False)
        change_attempt(self.rows, run_id, 1, lambda _: (GovernorState(run=run), None))
        self.runs[run_id] = Known(run_id, workload, entry.claimed_at)

    def end(self) -> None:
        """End a run that goes on; sometimes a crash comes before the index is told."""
        going_on = [run for run in self.runs.values() if run.outcome is None]
        if not going_on:
            return
        run = self.dice.choice(going_on)
        run.outcome = self.dice.choices(OUTCOMES, (60, 20, 10, 5, 1))[0]
        run.is_told = self.dice.random() < 0.7
        end = RunEnd.model_validate({"outcome": run.outcome, "at": moment_text(datetime.now(UTC))})

        def rule(state: GovernorState) -> tuple[GovernorState, GovernorState]:
            update = {"is_announced": run.is_told}
            ended = run_rules.finish(state.run, end).model_copy(update=update)
            state = state.model_copy(update={"run": ended})
            return state, state

        state = change_attempt(self.rows, run.run_id, 1, rule)
        status = final_status(state)
        assert status is not None
        if run.is_told:
            close(self.rows, run.run_id, 1, run.claimed_at, status)

    def delete(self) -> None:
        """Delete a run that has ended, as the app does."""
        over = [run for run in self.runs.values() if run.is_told]
        if not over:
            return
        run = self.runs.pop(self.dice.choice(over).run_id)
        note_deletion(self.rows, run.run_id, run.claimed_at)
        self.rows.clear(row_keys.attempt_partition(run.run_id, 1))
        drop_entry(self.rows, row_keys.index_row(run.run_id, run.claimed_at))

    def change(self) -> None:
        """Something happens."""
        self.dice.choices([self.start, self.end, self.delete], (3, 3, 2))[0]()

    def matching(self, wanted: RunFilter) -> dict[str, None]:
        """The ids of the runs that are wanted, the newest first."""
        found = [
            run
            for run in self.runs.values()
            if (wanted.workload is None or run.workload == wanted.workload)
            and (wanted.outcome is None or run.outcome == wanted.outcome)
            and (wanted.since is None or run.claimed_at >= wanted.since)
            and wanted.text.lower() in run.run_id.lower()
        ]
        found.sort(key=lambda run: run.run_id)
        found.sort(key=lambda run: run.claimed_at, reverse=True)
        return dict.fromkeys(run.run_id for run in found)

    def some_filter(self) -> RunFilter:
        """Any combination of filters; what is looked for is there, or not."""
        dice, runs = self.dice, [*self.runs.values()]
        since = dice.choice(runs).claimed_at + timedelta(microseconds=dice.choice([-1, 0, 1]))
        some_id = dice.choice(runs).run_id
        first = dice.randrange(len(some_id))
        texts = ["", some_id, some_id.upper(), some_id[first : first + dice.randint(1, 4)], "no'ne"]
        return RunFilter(
            dice.choice([None, *WORKLOADS, "o'brien"]),
            dice.choice([None, *OUTCOMES]),
            dice.choice([None, since]),
            dice.choice(["", *texts]),
        )

    async def pages(self, wanted: RunFilter, change: Callable[[], None]) -> list[str]:
        """What every page shows; something happens after each."""
        shown: list[str] = []
        position: str | None = FIRST
        limit = self.dice.choice([1, 3, 7, 20])
        while position is not None:
            page = find_page(self.rows, wanted, position, limit)
            assert len(page.entries) <= limit
            assert page.going_on <= SMALL["MAX_OPEN"]
            assert page.position is None or page.position > position
            now = datetime.now(UTC)
            found = await read_statuses(page.entries, self.files, self.rows, now, "http://x")
            assert found.unreadable == []
            for status in found.statuses:
                if wanted.has(status):
                    assert status.workload == self.runs[status.run_id].workload
                    assert status.outcome == self.runs[status.run_id].outcome
                    shown.append(status.run_id)
            position = page.position
            change()
        return shown


@pytest.fixture(params=range(3))
def world(
    request: pytest.FixtureRequest, storage: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    dice = random.Random(request.param)
    monkeypatch.setattr(index, "MILESTONE_EVERY", 4)
    for name, value in SMALL.items():
        monkeypatch.setattr(search, name, value)
    monkeypatch.setattr(search, "MAX_SEARCH_SECONDS", [0.0, 60.0, 0.0][request.param])
    settings = StorageSettings(connection_string=storage)
    rows = Rows(TableStore.connect(settings), f"t{secrets.token_hex(6)}")
    files = RunFiles(BlobStore.connect(settings), f"runs-{secrets.token_hex(6)}")
    world = World(rows, files, dice)
    for _ in range(30):
        world.start()
    for _ in range(25):
        world.end()
    yield world
    assert read_attempt(rows, "nobody", 1).etags == {}


async def test_whatever_is_asked_for_all_that_there_is_is_shown_the_newest_first(world: World):
    for _ in range(30):
        wanted = world.some_filter()
        assert await world.pages(wanted, lambda: None) == [*world.matching(wanted)], wanted


async def test_while_runs_start_end_and_are_deleted_each_is_shown_once_that_was_there_all_along(
    world: World,
):
    for _ in range(20):
        wanted = world.some_filter()
        always = world.matching(wanted)
        ever = dict(always)

        def change() -> None:
            world.change()
            matching = world.matching(wanted)  # noqa: B023 - called at once
            ever.update(matching)  # noqa: B023
            for run_id in [*always]:  # noqa: B023
                if run_id not in matching:
                    del always[run_id]  # noqa: B023

        shown = await world.pages(wanted, change)
        assert len({*shown}) == len(shown), wanted
        assert {*always} <= {*shown} <= {*ever}, wanted
        assert [run_id for run_id in shown if run_id in always] == [*always], wanted


@pytest.mark.parametrize("position", ["i!0 odd", "i!é'\"’%&+#?", "i!0!" + "x" * 500])
def test_a_page_may_begin_after_any_key_that_is_a_position(storage: str, position: str):
    assert row_keys.is_index_position(position)
    tables = TableStore.connect(StorageSettings(connection_string=storage))
    rows = Rows(tables, f"t{secrets.token_hex(6)}")
    run_ids = [note_claim(rows, run_id, "orders").entry.run_id for run_id in ("a", "b")]
    for wanted in (RunFilter(), RunFilter(workload="orders"), RunFilter(text="A")):
        shown = {entry.run_id for entry in find_page(rows, wanted, position, 5).entries}
        assert shown == (
            set(run_ids if position < "i!8" else ()) - ({"b"} if wanted.text else set())
        )
