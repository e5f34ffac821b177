"""What comes late of a run that was deleted changes nothing of the next run of its id."""

from typing import Any

import pytest

from activities.endings.finish import finish_attempt
from activities.planning.begin import admit_and_plan
from activities.planning.plan_compensation import plan_undo_once
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import AttemptOverError, RunNotFoundError
from fanout.governor import control_rules, run_rules, run_state
from fanout.governor.run_state import GovernorState, ShardState
from fanout.messages.beginning import BeginAsk
from fanout.messages.ending import EndedRun
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd, RunRef
from fanout.models.request import RunRequest
from fanout.naming import blob_paths, row_keys
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.attempts import at, begun, memory_rows, plan_of

PARTITION = row_keys.attempt_partition("r", 1)
REQUEST = {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}
PLAN = plan_of(10)
OTHER_PLAN = plan_of(77)


@pytest.fixture
def files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    assert files.claim("r", RunRequest.model_validate(REQUEST))
    return files


@pytest.fixture
def to() -> Rows:
    return memory_rows()


def asked(files: RunFiles) -> BeginAsk:
    return BeginAsk(run_id="r", claim=files.claim_of("r"), at=at(0))


def planner(plan: PlanResult = PLAN, before: Any = None) -> Any:
    """Plans without a source; `before` happens while it does."""

    def planned(ref: RunRef, files: RunFiles) -> PlanResult:
        if before is not None:
            before()
        return plan

    return planned


def delete(files: RunFiles, to: Rows) -> None:
    to.clear(PARTITION)
    files.delete(blob_paths.request_path("r"))


def begin_next(files: RunFiles, to: Rows) -> GovernorState:
    """Have another run of the same id begin."""
    assert files.claim("r", RunRequest.model_validate(REQUEST))
    admit_and_plan(asked(files), files, to, planner(OTHER_PLAN))
    return read_attempt(to, "r", 1).state


def test_a_plan_that_comes_after_its_run_was_deleted_leaves_no_row(files: RunFiles, to: Rows):
    with pytest.raises(AttemptOverError):
        admit_and_plan(asked(files), files, to, planner(before=lambda: delete(files, to)))
    assert to.read_all(PARTITION) == {}


def test_a_plan_that_comes_after_the_next_run_has_begun_is_not_its_plan(files: RunFiles, to: Rows):
    known: list[GovernorState] = []

    def meanwhile() -> None:
        delete(files, to)
        known.append(begin_next(files, to))

    with pytest.raises(AttemptOverError):
        admit_and_plan(asked(files), files, to, planner(before=meanwhile))
    assert read_attempt(to, "r", 1).state == known[0]
    assert known[0].run.plan == OTHER_PLAN


def test_a_run_that_was_ended_by_force_while_it_was_planned_stays_so(files: RunFiles, to: Rows):
    end = RunEnd(outcome="failed", error="enough", at=at(1), is_forced=True)

    def meanwhile() -> None:
        def rule(state: GovernorState) -> tuple[GovernorState, None]:
            return state.model_copy(update={"run": run_rules.finish(state.run, end)}), None

        change_attempt(to, "r", 1, rule)

    found = admit_and_plan(asked(files), files, to, planner(before=meanwhile))
    assert (found.end, found.plan) == (end, None)
    assert read_attempt(to, "r", 1).state.run.plan is None


@pytest.mark.parametrize("left", ["end", "plan", "wish"])
def test_rows_that_an_earlier_run_of_the_id_left_are_not_taken_for_its_own(
    files: RunFiles, to: Rows, left: str
):
    state = begun(PLAN).with_shard("s00", ShardState(call=7))
    if left == "end":
        state = state.model_copy(
            update={"run": run_rules.finish(state.run, RunEnd(outcome="failed", at=at(1)))}
        )
    if left == "wish":
        run = run_state.RunState(claim="earlier", started_at=at(0))
        state = GovernorState(run=run, control=control_rules.cancel(state.control))
    change_attempt(to, "r", 1, lambda _: (state, None))
    found = admit_and_plan(asked(files), files, to, planner(OTHER_PLAN))
    assert (found.plan, found.end) == (OTHER_PLAN, None)
    now = read_attempt(to, "r", 1).state
    assert (now.run.claim, now.run.plan) == (files.claim_of("r"), OTHER_PLAN)
    assert (now.control, now.pace) == (run_state.ControlState(), run_state.PaceState())
    assert all(shard == ShardState() for shard in now.shards.values())


def test_an_earlier_run_that_begins_late_takes_no_row_from_the_next(files: RunFiles, to: Rows):
    late = asked(files)
    delete(files, to)
    known = begin_next(files, to)
    with pytest.raises(AttemptOverError):
        admit_and_plan(late, files, to, planner())
    assert read_attempt(to, "r", 1).state == known


def test_a_run_that_is_gone_does_not_begin_over_rows_of_another(files: RunFiles, to: Rows):
    late = asked(files)
    change_attempt(to, "r", 1, lambda _: (begun(PLAN), None))
    files.delete(blob_paths.request_path("r"))
    with pytest.raises((AttemptOverError, RunNotFoundError)):
        admit_and_plan(late, files, to, planner())
    assert read_attempt(to, "r", 1).state == begun(PLAN)


def test_what_is_to_be_undone_comes_too_late_for_a_run_that_is_gone(files: RunFiles, to: Rows):
    ref = RunRef(run_id="r", claim=files.claim_of("r"))
    admit_and_plan(asked(files), files, to, planner())

    def planned(ref: RunRef, files: RunFiles) -> Work:
        delete(files, to)
        begin_next(files, to)
        return Work(items=3, shards=1)

    with pytest.raises(AttemptOverError):
        plan_undo_once(ref, files, to, planned)
    assert read_attempt(to, "r", 1).state.run.undo is None


def test_an_end_that_comes_late_is_none_of_the_next_run_s(files: RunFiles, to: Rows):
    late = EndedRun(run_id="r", claim=files.claim_of("r"), end=RunEnd(outcome="failed", at=at(1)))
    delete(files, to)
    begin_next(files, to)
    assert finish_attempt(late, to) is None
    assert read_attempt(to, "r", 1).state.run.end is None
