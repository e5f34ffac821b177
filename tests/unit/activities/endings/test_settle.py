"""What is decided when the shards are through stays so, whoever asks again and whatever changes."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

import activities.endings.finish as finishing
from activities.batches.steer import steer_shard
from activities.endings.finish import finish_attempt
from activities.planning.plan_compensation import plan_undo_once
from fanout.adapters.rows.open_runs import open_attempts
from fanout.errors import AttemptOverError
from fanout.governor import control_rules
from fanout.governor.run_state import ControlState
from fanout.messages.ending import EndedRun, SettleResult
from fanout.messages.fan_in import LayOutAsk
from fanout.messages.run import RunEnd
from fanout.messages.shards import ShardCounts
from fanout.models.limits import LimitsChange
from fanout.models.request import Tolerance
from fanout.naming import blob_paths
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.replays.ending_runs import AT, EndingRun
from tests.support.replays.local_runs import RUN_ID
from tests.support.replays.torn_writes import LostError, calmed, losing, torn


@pytest.fixture(autouse=True)
def _no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told of an end: there is no Service Bus."""
    monkeypatch.setattr(finishing, "messaging", lambda: None)


LATER = "2026-01-01T00:01:00Z"


def tolerate_all(known: ControlState) -> ControlState:
    return control_rules.change_limits(known, LimitsChange(tolerance=Tolerance(percentage=100)))


def test_what_the_shard_did_last_is_counted_and_the_results_are_written_at_once() -> None:
    scene = EndingRun(tolerance={"percentage": 50})
    settled = scene.settle()
    assert settled.layout is not None and settled.layout.end is not None
    assert settled.layout.end.outcome == "partially_succeeded"
    state = scene.state
    assert (state.phase, state.partitions.done) == ("finalizing", state.partitions.total)
    assert (state.items.succeeded, state.items.failed, state.items.pending) == (7, 3, 0)


def test_asked_again_it_gives_the_same_and_changes_nothing() -> None:
    scene = EndingRun(tolerance={"percentage": 50})
    settled, said = scene.settle(), scene.said()
    assert scene.settle(at=LATER) == settled
    assert scene.said() == said


@pytest.mark.parametrize("on_exceeded", ["stop", "compensate"])
def test_torn_anywhere_it_comes_to_the_same(on_exceeded: str) -> None:
    wanted = EndingRun(on_exceeded=on_exceeded)
    settled = wanted.settle()
    scenes: list[EndingRun] = []

    def make() -> tuple[MemoryTables, Callable[[], SettleResult]]:
        scenes.append(EndingRun(on_exceeded=on_exceeded))
        return scenes[-1].tables, scenes[-1].settle

    for _, again in torn(make):
        assert again == settled
        assert scenes[-1].said() == wanted.said()
    assert len(scenes) >= 4


def test_it_rests_on_what_the_orchestrator_holds() -> None:
    scene = EndingRun(on_exceeded="compensate", tolerance={"count": 2})
    assert not scene.settle(counts=ShardCounts(succeeded=10), last=None).verdict.compensates


def test_the_rows_stand_in_for_a_shard_that_failed() -> None:
    scene = EndingRun(on_exceeded="compensate", tolerance={"count": 2})
    steer_shard(scene.last, scene.rows)
    settled = scene.settle(counts=ShardCounts(), failure="it broke", last=None)
    assert settled.verdict.compensates


def test_shards_that_stopped_for_failures_are_believed() -> None:
    scene = EndingRun(on_exceeded="compensate", tolerance={"percentage": 100})
    assert scene.settle(reasons=["done", "exceeded"]).verdict.compensates


def test_where_it_compensates_nothing_is_laid_out() -> None:
    scene = EndingRun(on_exceeded="compensate")
    settled = scene.settle()
    assert (settled.verdict.compensates, settled.layout) == (True, None)
    assert scene.state.phase == "compensating"


@pytest.mark.parametrize("change", [control_rules.cancel, tolerate_all])
def test_what_people_ask_for_afterwards_comes_too_late(
    change: Callable[[ControlState], ControlState],
) -> None:
    scene = EndingRun(on_exceeded="compensate")
    verdict = scene.settle().verdict
    scene.control(change)
    assert not scene.state.control.is_cancelled
    assert scene.settle().verdict == verdict


@pytest.mark.parametrize("change", [control_rules.cancel, tolerate_all])
def test_what_people_asked_for_before_counts(
    change: Callable[[ControlState], ControlState],
) -> None:
    scene = EndingRun(on_exceeded="compensate")
    scene.control(change)
    verdict = scene.settle().verdict
    assert not verdict.compensates
    assert verdict.is_cancelled == (change is control_rules.cancel)
    assert verdict.tolerance == scene.state.limits.tolerance


def test_an_attempt_that_was_ended_by_force_writes_no_results() -> None:
    scene = EndingRun(tolerance={"percentage": 50})
    end = RunEnd(outcome="cancelled", at=AT, is_forced=True)
    finish_attempt(EndedRun(run_id=RUN_ID, claim=scene.claim, end=end), scene.rows)
    with pytest.raises(AttemptOverError):
        scene.settle()
    assert not scene.run.files.exists(blob_paths.results_manifest_path(RUN_ID))


def test_what_there_is_to_undo_is_planned_once() -> None:
    scene = EndingRun(on_exceeded="compensate")
    ref = LayOutAsk(run_id=RUN_ID, claim=scene.claim, verdict=scene.settle().verdict)
    work = plan_undo_once(ref, scene.run.files, scene.rows)
    assert work.items == 10 and scene.state.run.undo == work
    scene.run.compensate()
    again = plan_undo_once(ref, scene.run.files, scene.rows)
    assert again == work, "though nothing is left that succeeded"


def test_a_run_whose_results_are_written_ends_at_once() -> None:
    scene = EndingRun(tolerance={"percentage": 100})
    end = scene.settle_and_end().end
    assert end is not None
    assert (end.outcome, end.items.succeeded, end.items.failed) == ("partially_succeeded", 7, 3)
    assert scene.state.run.end == end
    assert scene.state.run.is_announced
    assert open_attempts(scene.rows) == []


def test_asked_again_after_the_end_it_gives_the_same_end() -> None:
    """The answer was lost; the end is written, and the attempt is over."""
    scene = EndingRun(tolerance={"percentage": 100})
    first = scene.settle_and_end().end
    assert scene.settle_and_end().end == first


@pytest.mark.parametrize("is_heard", [False, True])
@pytest.mark.parametrize("number", range(6))
def test_torn_anywhere_it_ends_all_the_same(number: int, is_heard: bool) -> None:
    """A write of a row is lost, or its answer; the activity is carried out again."""
    scene = EndingRun(tolerance={"percentage": 100})
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
    scene = EndingRun(tolerance={"percentage": 100})
    settled = scene.settle_and_end()
    assert settled.end is None and settled.layout is not None and settled.layout.end is not None
    assert scene.state.run.end is not None and not scene.state.run.is_announced


def test_a_run_that_failed_says_which_shard_broke() -> None:
    end = EndingRun().settle_and_end(failure="the shard broke", last=None).end
    assert end is not None and (end.outcome, end.error) == ("failed", "the shard broke")
