"""A run begins when it is its turn, and once, however often it is asked to."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.endings.finish import finish_attempt
from activities.endings.settle import decide_verdict
from activities.planning.begin import admit_and_plan
from activities.planning.scout import Scouting
from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.places import read_places
from fanout.adapters.rows.rows import Rows
from fanout.errors import AttemptOverError
from fanout.governor import control_rules
from fanout.governor.admission import FIRST_WAIT_SECONDS
from fanout.governor.run_state import ControlState, GovernorState
from fanout.messages.beginning import BeginAsk, BeginResult
from fanout.messages.ending import EndedRun, SettleAsk
from fanout.messages.planning import PlanResult
from fanout.messages.run import RunEnd
from fanout.messages.shards import ShardCounts, ShardOrder
from fanout.naming import row_keys
from tests.support.doubles.memory_tables import MemoryTables, memory_rows
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline
from tests.support.replays.torn_writes import torn

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float = 0) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def asking(run_id: str = RUN_ID, seconds: float = 0, **more: Any) -> BeginAsk:
    return BeginAsk(run_id=run_id, at=at(seconds), **more)


def one(width: int = 4) -> LocalRun:
    """A run of ten items in five batches, so wide."""
    items = [{"id": n} for n in range(10)]
    return LocalRun(inline(items, batch={"max_items": 2}, concurrency={"batches": width}))


def state_of(to: Rows, run_id: str = RUN_ID) -> GovernorState:
    return read_attempt(to, run_id, 1).state


def end_of(run_id: str = RUN_ID, **more: Any) -> EndedRun:
    return EndedRun(run_id=run_id, end=RunEnd(outcome="succeeded", at=at(60)), **more)


def again(begun: BeginResult) -> BeginResult:
    """An answer as it is given once more: what it told to begin may have been begun."""
    assert begun.order is not None
    repeated = begun.order.model_copy(update={"is_repeated": True})
    return begun.model_copy(update={"order": repeated})


def told(to: Rows) -> list[Any]:
    assert isinstance(to.tables, MemoryTables)
    return [(partition, key, row) for partition, key, row in to.tables.rows(to.table)]


def test_a_small_run_is_planned_and_its_only_shard_may_begin_at_once() -> None:
    run, to = one(), memory_rows()
    begun = admit_and_plan(asking(), run.files, to)
    assert begun.plan is not None and begun.plan.work.items == 10
    assert begun.order is not None and (begun.order.action, begun.order.cuts) == ("go", 4)
    state = state_of(to)
    assert (state.phase, state.items.pending, state.run.started_at) == ("processing", 10, at())
    assert state.shards["s00"].order == begun.order


def test_shards_of_a_wide_run_ask_themselves() -> None:
    run, to = one(width=40), memory_rows()
    begun = admit_and_plan(asking(), run.files, to)
    assert begun.plan is not None and begun.plan.work.shards > 1
    assert (begun.order, state_of(to).shards) == (None, {})


def test_asked_again_it_gives_what_it_gave_and_changes_nothing() -> None:
    run, to = one(), memory_rows()
    begun = admit_and_plan(asking(), run.files, to)
    before = told(to)
    assert admit_and_plan(asking(seconds=9), run.files, to) == again(begun)
    assert told(to) == before


@pytest.mark.parametrize("max_runs", [0, 1])
def test_torn_anywhere_it_comes_to_the_same(max_runs: int) -> None:
    run = one()
    wanted = admit_and_plan(asking(max_runs=max_runs), run.files, rows := memory_rows())
    cases = 0

    def make() -> tuple[MemoryTables, Callable[[], BeginResult]]:
        to = memory_rows()
        assert isinstance(to.tables, MemoryTables)
        return to.tables, lambda: admit_and_plan(asking(max_runs=max_runs), run.files, to)

    for tables, begun in torn(make):
        cases += 1
        assert begun in (wanted, again(wanted))
        said = [(partition, key, row.values) for partition, key, row in tables.rows(rows.table)]
        assert said == [(partition, key, row.values) for partition, key, row in told(rows)]
    assert cases >= 6


def test_one_that_is_taken_up_leaves_its_shard_to_a_child() -> None:
    run, to = one(), memory_rows()
    begun = admit_and_plan(asking(), run.files, to)
    found = admit_and_plan(asking(is_resumed=True), run.files, to)
    assert (found.plan, found.order) == (begun.plan, None)


def test_what_is_settled_is_not_begun_again() -> None:
    run, to = one(), memory_rows()
    begun = admit_and_plan(asking(), run.files, to)
    decide_verdict(SettleAsk(run_id=RUN_ID, counts=ShardCounts(succeeded=10), at=at(5)), to)
    found = admit_and_plan(asking(), run.files, to)
    assert (found.plan, found.order) == (begun.plan, None)
    assert state_of(to).phase == "finalizing"


def test_one_that_has_ended_says_how() -> None:
    run, to = one(), memory_rows()
    admit_and_plan(asking(), run.files, to)
    finish_attempt(end_of(), to)
    begun = admit_and_plan(asking(), run.files, to)
    assert begun == BeginResult(end=end_of().end)


def test_only_so_many_runs_go_on_and_the_next_begins_when_one_ends() -> None:
    run, to = one(), memory_rows()
    files = run.files

    def ask(run_id: str, seconds: float) -> BeginResult:
        return admit_and_plan(asking(run_id, seconds, max_runs=1), files, to, planned)

    def planned(*_: Any) -> PlanResult:
        return PlanResult()

    assert ask("first", 0).plan is not None
    assert ask("second", 0).wait_seconds == FIRST_WAIT_SECONDS
    assert ask("third", 0).wait_seconds == 2 * FIRST_WAIT_SECONDS, "it is called after the second"
    assert (state_of(to, "second").phase, state_of(to, "first").phase) == ("queued", "processing")
    assert ask("second", 30).wait_seconds == FIRST_WAIT_SECONDS
    events: list[tuple[str, str]] = []
    finish_attempt(end_of("first"), to, lambda *event: events.append(event))
    assert events == [("second", "turn")]
    assert ask("third", 300).wait_seconds is not None, "the second came first"
    assert ask("second", 301).plan is not None
    assert state_of(to, "second").run.started_at == at(0)


def cancelled_while_it_waits() -> tuple[LocalRun, Rows]:
    run, to = one(), memory_rows()
    admit_and_plan(asking("first", max_runs=1), run.files, to, lambda *_: PlanResult())
    assert admit_and_plan(asking(max_runs=1), run.files, to).wait_seconds is not None
    partition = row_keys.attempt_partition(RUN_ID, 1)
    to.change(
        partition,
        row_keys.CONTROL_ROW,
        ControlState,
        lambda known: (control_rules.cancel(known), None),
    )
    return run, to


def test_a_run_that_is_cancelled_while_it_waits_is_planned_and_nothing_of_it_begins() -> None:
    run, to = cancelled_while_it_waits()
    scouting = Scouting(lambda *_: None, 1_000_000)
    begun = admit_and_plan(asking(max_runs=1), run.files, to, scouting=scouting)
    assert begun.plan is not None
    assert begun.plan.work.items == 10
    assert (begun.scout, begun.order) == (None, ShardOrder(action="stop", reason="cancelled"))
    assert read_places(to).running.keys() == {"first"}, "it takes nobody's place"
    assert admit_and_plan(asking(max_runs=1), run.files, to, scouting=scouting) == again(begun)


def test_a_run_that_is_cancelled_while_it_waits_and_cannot_be_planned_is_cancelled() -> None:
    run, to = cancelled_while_it_waits()

    begun = admit_and_plan(
        asking(max_runs=1), run.files, to, lambda *_: PlanResult(refusal="it is gone")
    )
    assert begun.is_cancelled


def test_a_source_that_is_refused_or_wants_scanning_is_not_planned_yet() -> None:
    run, to = one(), memory_rows()
    for found in (
        PlanResult(refusal="it is gone"),
        PlanResult(scans=3),
    ):
        result = admit_and_plan(asking(), run.files, to, lambda *_, it=found: it)
        assert result == BeginResult(plan=found)
        assert state_of(to).run.plan is None


def test_rows_that_an_earlier_run_of_the_same_id_left_are_no_rows_of_this_one() -> None:
    run, to = one(), memory_rows()
    admit_and_plan(asking(claim="of the one before"), run.files, to)
    finish_attempt(end_of(claim="of the one before"), to)
    claim = run.files.claim_of(RUN_ID)
    begun = admit_and_plan(asking(claim=claim), run.files, to)
    assert begun.plan is not None and begun.order is not None
    assert (state_of(to).run.claim, state_of(to).phase) == (claim, "processing")


def test_a_run_that_was_deleted_takes_no_rows_from_a_later_one_of_its_id() -> None:
    run, to = one(), memory_rows()
    claim = run.files.claim_of(RUN_ID)
    begun = admit_and_plan(asking(claim=claim), run.files, to)
    before = told(to)
    with pytest.raises(AttemptOverError):
        admit_and_plan(asking(claim="of the one before"), run.files, to)
    assert told(to) == before
    assert admit_and_plan(asking(claim=claim), run.files, to) == again(begun)
