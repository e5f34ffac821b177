"""What is decided when the shards are through stays so, whoever asks again and whatever changes."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

import activities.endings.finish as finishing
from activities.batches.steer import steer_shard
from activities.endings.finish import finish_attempt
from activities.endings.settle import settle_and_end, settle_run
from activities.planning.begin import admit_and_plan
from activities.planning.plan_compensation import plan_undo_once
from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.open_runs import open_attempts
from fanout.adapters.settings import DEFAULT_MAX_RESULT_FILE_BYTES
from fanout.errors import AttemptOverError
from fanout.governor import control_rules
from fanout.governor.run_state import ControlState, GovernorState
from fanout.messages.batches import WaveTally
from fanout.messages.beginning import BeginAsk
from fanout.messages.ending import EndedRun, SettleAsk, SettleResult
from fanout.messages.fan_in import LayOutAsk
from fanout.messages.run import RunEnd, RunRef
from fanout.messages.shards import ShardAsk, ShardCounts, ShardWork
from fanout.models.limits import LimitsChange
from fanout.models.request import Tolerance
from fanout.naming import blob_paths, row_keys
from tests.support.doubles.memory_tables import MemoryTables, memory_rows
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline
from tests.support.replays.torn_writes import LostError, calmed, losing, torn
from tests.support.workloads.kept_runs import note_open


@pytest.fixture(autouse=True)
def _no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told of an end: there is no Service Bus."""
    monkeypatch.setattr(finishing, "messaging", lambda: None)


AT = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:01:00Z"
FAILS = [0, 1, 2]


class Scene:
    """A run of ten items, three of which fail; its only shard has worked them off."""

    def __init__(self, **more: Any) -> None:
        items = [{"id": n} | ({"ending": "permanent"} if n in FAILS else {}) for n in range(10)]
        self.run = LocalRun(inline(items, concurrency={"batches": 4}, **more))
        self.rows = memory_rows()
        begun = admit_and_plan(BeginAsk(run_id=RUN_ID, at=AT), self.run.files, self.rows)
        assert begun.plan is not None
        self.run.work_off(begun.plan)
        self.plan = begun.plan
        self.first = ShardWork.first(
            RunRef(run_id=RUN_ID), begun.plan, begun.plan.work, 0, "process"
        )

    @property
    def state(self) -> GovernorState:
        return read_attempt(self.rows, RUN_ID, 1).state

    @property
    def tables(self) -> MemoryTables:
        assert isinstance(self.rows.tables, MemoryTables)
        return self.rows.tables

    @property
    def last(self) -> ShardAsk:
        """What the shard tells at its end."""
        tally = WaveTally(succeeded=7, failed=3, tried=10)
        counts = ShardCounts(succeeded=7, failed=3)
        update = {"call": 2, "sequence": 1, "partition": 1, "counts": counts, "tally": tally}
        return ShardAsk(work=self.first.model_copy(update=update | {"partitions_done": 1}), at=AT)

    def ask(self, **more: Any) -> SettleAsk:
        known = {"counts": ShardCounts(succeeded=7, failed=3), "last": self.last, "at": AT}
        return SettleAsk(run_id=RUN_ID, **(known | more))

    def settle(self, **more: Any) -> SettleResult:
        files = self.run.files
        return settle_run(self.ask(**more), files, self.rows, DEFAULT_MAX_RESULT_FILE_BYTES)

    def settle_and_end(self, **more: Any) -> SettleResult:
        files = self.run.files
        return settle_and_end(self.ask(**more), files, self.rows, DEFAULT_MAX_RESULT_FILE_BYTES)

    def control(self, change: Callable[[ControlState], ControlState]) -> None:
        partition = row_keys.attempt_partition(RUN_ID, 1)
        self.rows.change(
            partition, row_keys.CONTROL_ROW, ControlState, lambda known: (change(known), None)
        )

    def said(self) -> list[Any]:
        return [(key, row.values) for _, key, row in self.tables.rows(self.rows.table)]


def tolerate_all(known: ControlState) -> ControlState:
    return control_rules.change_limits(known, LimitsChange(tolerance=Tolerance(percentage=100)))


def test_what_the_shard_did_last_is_counted_and_the_results_are_written_at_once() -> None:
    scene = Scene(tolerance={"percentage": 50})
    settled = scene.settle()
    assert settled.layout is not None and settled.layout.end is not None
    assert settled.layout.end.outcome == "partially_succeeded"
    state = scene.state
    assert (state.phase, state.partitions.done) == ("finalizing", state.partitions.total)
    assert (state.items.succeeded, state.items.failed, state.items.pending) == (7, 3, 0)


def test_asked_again_it_gives_the_same_and_changes_nothing() -> None:
    scene = Scene(tolerance={"percentage": 50})
    settled, said = scene.settle(), scene.said()
    assert scene.settle(at=LATER) == settled
    assert scene.said() == said


@pytest.mark.parametrize("on_exceeded", ["stop", "compensate"])
def test_torn_anywhere_it_comes_to_the_same(on_exceeded: str) -> None:
    wanted = Scene(on_exceeded=on_exceeded)
    settled = wanted.settle()
    scenes: list[Scene] = []

    def make() -> tuple[MemoryTables, Callable[[], SettleResult]]:
        scenes.append(Scene(on_exceeded=on_exceeded))
        return scenes[-1].tables, scenes[-1].settle

    for _, again in torn(make):
        assert again == settled
        assert scenes[-1].said() == wanted.said()
    assert len(scenes) >= 4


def test_it_rests_on_what_the_orchestrator_holds() -> None:
    scene = Scene(on_exceeded="compensate", tolerance={"count": 2})
    assert not scene.settle(counts=ShardCounts(succeeded=10), last=None).verdict.compensates


def test_the_rows_stand_in_for_a_shard_that_failed() -> None:
    scene = Scene(on_exceeded="compensate", tolerance={"count": 2})
    steer_shard(scene.last, scene.rows)
    settled = scene.settle(counts=ShardCounts(), failure="it broke", last=None)
    assert settled.verdict.compensates


def test_shards_that_stopped_for_failures_are_believed() -> None:
    scene = Scene(on_exceeded="compensate", tolerance={"percentage": 100})
    assert scene.settle(reasons=["done", "exceeded"]).verdict.compensates


def test_where_it_compensates_nothing_is_laid_out() -> None:
    scene = Scene(on_exceeded="compensate")
    settled = scene.settle()
    assert (settled.verdict.compensates, settled.layout) == (True, None)
    assert scene.state.phase == "compensating"


@pytest.mark.parametrize("change", [control_rules.cancel, tolerate_all])
def test_what_people_ask_for_afterwards_comes_too_late(
    change: Callable[[ControlState], ControlState],
) -> None:
    scene = Scene(on_exceeded="compensate")
    verdict = scene.settle().verdict
    scene.control(change)
    assert not scene.state.control.is_cancelled
    assert scene.settle().verdict == verdict


@pytest.mark.parametrize("change", [control_rules.cancel, tolerate_all])
def test_what_people_asked_for_before_counts(
    change: Callable[[ControlState], ControlState],
) -> None:
    scene = Scene(on_exceeded="compensate")
    scene.control(change)
    verdict = scene.settle().verdict
    assert not verdict.compensates
    assert verdict.is_cancelled == (change is control_rules.cancel)
    assert verdict.tolerance == scene.state.limits.tolerance


def test_an_attempt_that_was_ended_by_force_writes_no_results() -> None:
    scene = Scene(tolerance={"percentage": 50})
    end = RunEnd(outcome="cancelled", at=AT, is_forced=True)
    finish_attempt(EndedRun(run_id=RUN_ID, end=end), scene.rows)
    with pytest.raises(AttemptOverError):
        scene.settle()
    assert not scene.run.files.exists(blob_paths.results_manifest_path(RUN_ID))


def test_what_there_is_to_undo_is_planned_once() -> None:
    scene = Scene(on_exceeded="compensate")
    ref = LayOutAsk(run_id=RUN_ID, verdict=scene.settle().verdict)
    work = plan_undo_once(ref, scene.run.files, scene.rows)
    assert work.items == 10 and scene.state.run.undo == work
    scene.run.compensate()
    again = plan_undo_once(ref, scene.run.files, scene.rows)
    assert again == work, "though nothing is left that succeeded"


def test_a_run_whose_results_are_written_ends_at_once() -> None:
    scene = Scene(tolerance={"percentage": 100})
    note_open(scene.rows, RUN_ID, 1)
    end = scene.settle_and_end().end
    assert end is not None
    assert (end.outcome, end.items.succeeded, end.items.failed) == ("partially_succeeded", 7, 3)
    assert scene.state.run.end == end
    assert scene.state.run.is_announced
    assert open_attempts(scene.rows) == []


def test_asked_again_after_the_end_it_gives_the_same_end() -> None:
    """The answer was lost; the end is written, and the attempt is over."""
    scene = Scene(tolerance={"percentage": 100})
    first = scene.settle_and_end().end
    assert scene.settle_and_end().end == first


@pytest.mark.parametrize("is_heard", [False, True])
@pytest.mark.parametrize("number", range(6))
def test_torn_anywhere_it_ends_all_the_same(number: int, is_heard: bool) -> None:
    """A write of a row is lost, or its answer; the activity is carried out again."""
    scene = Scene(tolerance={"percentage": 100})
    note_open(scene.rows, RUN_ID, 1)
    losing(scene.tables, number, is_heard=is_heard)
    with contextlib.suppress(LostError):
        scene.settle_and_end()
    calmed(scene.tables)
    end = scene.settle_and_end().end
    assert end is not None and end.outcome == "partially_succeeded"
    assert scene.state.run.end == end and scene.state.run.is_announced
    assert open_attempts(scene.rows) == []


def test_an_end_that_cannot_be_announced_is_left_to_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise ConnectionError("the broker is away")

    monkeypatch.setattr(finishing, "messaging", object)
    monkeypatch.setattr(finishing, "announce", refuse)
    scene = Scene(tolerance={"percentage": 100})
    settled = scene.settle_and_end()
    assert settled.end is None and settled.layout is not None and settled.layout.end is not None
    assert scene.state.run.end is not None and not scene.state.run.is_announced


def test_a_run_that_failed_says_which_shard_broke() -> None:
    end = Scene().settle_and_end(failure="the shard broke", last=None).end
    assert end is not None and (end.outcome, end.error) == ("failed", "the shard broke")
