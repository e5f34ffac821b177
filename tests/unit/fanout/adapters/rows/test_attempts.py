"""The rows of an attempt: read together, and written as far as they changed."""

import pytest

from fanout.adapters.rows.attempts import (
    change_attempt,
    has_begun_undo,
    read_attempt,
    write_changes,
)
from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import RowConflictError
from fanout.governor import control_rules
from fanout.governor.run_state import ControlState, GovernorState, PaceState, RunState
from fanout.messages.planning import PlanResult
from fanout.messages.run import Verdict
from fanout.models.limits import LimitsChange
from fanout.naming import row_keys
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.attempts import (
    after_wave,
    at,
    begun,
    controlled,
    decided,
    memory_rows,
    shard_of,
)


@pytest.fixture
def to() -> Rows:
    return memory_rows()


def write(to: Rows, state: GovernorState) -> GovernorState:
    change_attempt(to, "r", 1, lambda _: (state, None))
    return state


def limited(state: GovernorState) -> GovernorState:
    change = LimitsChange.model_validate({"concurrency": {"items_per_second": 10}})
    return controlled(state, control_rules.change_limits(state.control, change))


def test_an_attempt_that_has_not_begun_has_no_rows(to: Rows):
    assert read_attempt(to, "r", 1).state == GovernorState()
    change_attempt(to, "r", 1, lambda state: (state, None))
    assert to.read_all(row_keys.attempt_partition("r", 1)) == {}


def test_what_was_written_is_read_row_by_row(to: Rows):
    state = limited(begun(items=100))
    for number in (0, 1):
        state, _ = decided(state, shard_of(state, number))
    write(to, state)
    known = read_attempt(to, "r", 1)
    assert known.state == state
    assert {*known.etags} == {"run", "control", "rate", "s00", "s01"}
    assert read_attempt(to, "r", 2).state == GovernorState()


def test_only_rows_that_changed_are_written(to: Rows):
    state = write(to, decided(begun(items=100), shard_of(begun(items=100)))[0])
    before = read_attempt(to, "r", 1).etags
    state, _ = decided(state, after_wave(shard_of(state), succeeded=3))
    write(to, state)
    after = read_attempt(to, "r", 1).etags
    assert {key for key in after if after[key] != before.get(key)} == {"s00"}


def test_shards_that_answer_at_the_same_time_do_not_contend(to: Rows):
    state = write(to, begun(items=100))
    seen = read_attempt(to, "r", 1)
    for number in (0, 1):  # each has read before the other wrote
        changed, _ = decided(seen.state, shard_of(state, number))
        write_changes(to, "r", 1, seen, changed)
    assert {*read_attempt(to, "r", 1).state.shards} == {"s00", "s01"}


def test_shards_that_share_a_rate_do_and_nothing_of_the_later_is_written(to: Rows):
    state = write(to, limited(begun(items=100)))
    seen = read_attempt(to, "r", 1)
    changed, _ = decided(seen.state, shard_of(state, 0))
    write_changes(to, "r", 1, seen, changed)
    changed, _ = decided(seen.state, shard_of(state, 1))
    with pytest.raises(RowConflictError):
        write_changes(to, "r", 1, seen, changed)
    assert {*read_attempt(to, "r", 1).state.shards} == {"s00"}


def test_a_rule_is_applied_anew_to_what_somebody_else_has_written_meanwhile(to: Rows):
    write(to, begun(items=100))
    tables = to.tables
    assert isinstance(tables, MemoryTables)

    def cancel(state: GovernorState) -> tuple[GovernorState, bool]:
        return controlled(
            state, control_rules.cancel(state.control)
        ), state.control.suspended_at is None

    def meanwhile() -> None:
        tables.before_write = lambda: None
        change_attempt(
            to, "r", 1, lambda s: (controlled(s, control_rules.suspend(s.control, at(1))), 0)
        )

    tables.before_write = meanwhile
    assert change_attempt(to, "r", 1, cancel) is False
    assert read_attempt(to, "r", 1).state.control == ControlState(
        is_cancelled=True, suspended_at=at(1)
    )


def test_rows_have_the_defaults_of_their_models_where_they_are_missing(to: Rows):
    to.create(
        row_keys.attempt_partition("r", 1),
        "s03",
        decided(begun(), shard_of(begun()))[0].shards["s00"],
    )
    found = read_attempt(to, "r", 1).state
    assert (found.run, found.control, found.pace) == (RunState(), ControlState(), PaceState())
    assert {*found.shards} == {"s03"}


def test_the_newest_attempt_that_was_planned_knows_whether_undo_has_begun():
    rows = memory_rows()
    assert not has_begun_undo(rows, "r", 3)
    verdict = Verdict(compensates=True)
    for number, run in enumerate(
        (
            RunState(plan=PlanResult(), verdict=Verdict()),
            RunState(plan=PlanResult(), verdict=verdict),
            RunState(),
            RunState(plan=PlanResult(undoes=True)),
        ),
        start=1,
    ):
        change_attempt(rows, "r", number, lambda _, run=run: (GovernorState(run=run), None))
    assert [has_begun_undo(rows, "r", number) for number in range(1, 6)] == [
        False,
        True,
        True,
        True,
        True,
    ]
