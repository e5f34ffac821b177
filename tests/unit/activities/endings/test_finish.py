"""How an attempt ended is written once; what follows is done, however often that fails half way."""

from collections.abc import Callable
from typing import Any

import pytest

from activities.endings.finish import close_attempt, finish_attempt
from activities.planning.begin import admit_and_plan
from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.index import MILESTONE
from fanout.adapters.rows.open_runs import open_attempts
from fanout.adapters.rows.rows import Rows
from fanout.governor.run_state import GovernorState
from fanout.messages.beginning import BeginAsk
from fanout.messages.ending import EndedRun
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd
from fanout.models.status import ItemCounts
from fanout.naming import row_keys
from tests.support.doubles.memory_tables import MemoryTables, memory_rows
from tests.support.replays.torn_writes import torn
from tests.support.workloads.kept_runs import note_open

AT = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:01:00Z"
RUN_ID = "r"
ITEMS = ItemCounts(total=10, succeeded=10)


def begun(run_id: str = RUN_ID, claim: str = "c", rows: Rows | None = None) -> Rows:
    """The rows of a run that goes on, the only one that may."""
    to = rows or memory_rows()
    note_open(to, run_id, 1)
    asked = BeginAsk(run_id=run_id, claim=claim, max_runs=1, at=AT)
    plan = PlanResult(work=Work(items=10, cuts=1, partitions=1, shards=1))
    admit_and_plan(asked, None, to, lambda *_: plan)  # type: ignore[arg-type]  # it is not read
    return to


def ending(outcome: Any = "succeeded", **more: Any) -> EndedRun:
    end = RunEnd(outcome=outcome, items=ITEMS, at=LATER)
    return EndedRun(**({"run_id": RUN_ID, "claim": "c", "end": end} | more))


def finish(to: Rows, one: EndedRun | None = None) -> EndedRun:
    """What `finish` does, telling nobody."""
    written = finish_attempt(one or ending(), to)
    assert written is not None
    close_attempt(written, to)
    return written.model_copy(update={"is_announced": True})


def state_of(to: Rows) -> GovernorState:
    return read_attempt(to, RUN_ID, 1).state


def said(to: Rows) -> list[Any]:
    assert isinstance(to.tables, MemoryTables)
    return [(partition, key, row.values) for partition, key, row in to.tables.rows(to.table)]


def test_the_end_is_in_one_row_and_nobody_looks_after_the_attempt_any_more() -> None:
    to = begun()
    assert [one.run_id for one in open_attempts(to)] == [RUN_ID]
    written = finish(to)
    state = state_of(to)
    assert (state.phase, state.items, state.run.is_announced) == ("done", ITEMS, True)
    assert (written.end, written.facts.items) == (state.run.end, ITEMS)
    assert written.facts.started_at == AT
    assert open_attempts(to) == []


def test_until_all_is_done_about_its_end_somebody_looks_after_it() -> None:
    to = begun()
    finish_attempt(ending(), to)
    assert (state_of(to).is_over, state_of(to).run.is_announced) == (True, False)
    assert [one.run_id for one in open_attempts(to)] == [RUN_ID]


def test_a_second_time_changes_nothing_and_the_first_word_stands() -> None:
    to = begun()
    first, before = finish(to), said(to)
    other = RunEnd(outcome="failed", error="otherwise", at="2026-01-01T00:02:00Z")
    assert finish(to, ending(end=other)) == first
    assert said(to) == before


def test_an_end_by_force_is_not_taken_back_by_the_run_itself() -> None:
    to = begun()
    forced = RunEnd(outcome="cancelled", at=AT, is_forced=True)
    finish_attempt(ending(end=forced), to)
    assert finish(to).end == forced


def test_torn_anywhere_it_comes_to_the_same() -> None:
    wanted = begun()
    written = finish(wanted)
    made: list[Rows] = []

    def values(to: Rows) -> list[Any]:
        """What is said; when a run was claimed differs, and its key and what that decides."""
        return [
            (partition, {name: value for name, value in values.items() if name != MILESTONE})
            for partition, _, values in said(to)
        ]

    def make() -> tuple[MemoryTables, Callable[[], EndedRun]]:
        made.append(begun())
        tables = made[-1].tables
        assert isinstance(tables, MemoryTables)
        return tables, lambda: finish(made[-1])

    for _, again in torn(make):
        assert again == written
        assert values(made[-1]) == values(wanted)
    assert len(made) >= 6


def test_it_makes_room_for_the_next_run() -> None:
    to = begun()
    asked = BeginAsk(run_id="next", max_runs=1, at=AT)

    def ask() -> Any:
        plan = PlanResult()
        return admit_and_plan(asked, None, to, lambda *_: plan)  # type: ignore[arg-type]

    assert ask().wait_seconds is not None
    finish(to)
    assert ask().plan is not None


@pytest.mark.parametrize("claim", ["", "another run's"])
def test_a_run_that_was_deleted_ends_no_other_of_its_id(claim: str) -> None:
    to = begun()
    before = said(to)
    assert finish_attempt(ending(claim=claim), to) is None
    assert said(to) == before


def test_an_attempt_that_never_came_to_begin_ends_all_the_same() -> None:
    to = memory_rows()
    end = RunEnd(outcome="failed", error="storage was away", at=LATER)
    written = finish(to, ending(end=end))
    assert (written.end, written.facts.started_at) == (end, None)
    assert state_of(to).run.claim == "c"
    assert to.read_all(row_keys.RUNS_PARTITION) == {}, "somebody has deleted the run"
