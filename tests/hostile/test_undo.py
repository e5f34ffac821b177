"""Maps that are compensated: whatever keeps an item from being undone, a redrive takes it up."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.planning.plan_compensation import plan_undo
from fanout.errors import RunConflictError
from fanout.messages.run import RunRef
from fanout.naming import blob_paths, functions
from tests.support.hostile.local_settings import local_settings
from tests.support.hostile.worlds.map_world import PROCESS, UNDO, WORLD, MapRun
from tests.support.hostile.worlds.weather import SQUALLS, Squall
from tests.support.replays.local_runs import RUN_ID
from tests.support.workloads.faulty_orders import Fault

GIVEN_UP = {(5, PROCESS): ["refuse"]}
EVERY = {0, 1, 2, 3, 4}
SECOND = blob_paths.BatchName(1, 0)


@pytest.fixture(autouse=True)
def settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("activities.batches.compensate_batch.now_ms", lambda: WORLD.now_ms())
    with local_settings():
        yield


def run_with(faults: dict[tuple[int, str], list[Fault | None]], **more: Any) -> MapRun:
    """A run of six items, the last of which is refused."""
    run = MapRun(6, **more)
    WORLD.faults = {**GIVEN_UP, **faults}  # type: ignore[dict-item]
    WORLD.is_endless = True
    return run


def mend() -> None:
    """Let nothing go wrong any more, and count calls anew."""
    WORLD.faults, WORLD.calls, WORLD.on_undo = {}, Counter(), lambda: None


def undo_calls() -> dict[int, int]:
    assert all(call == UNDO for _, call in WORLD.calls), "nothing is processed any more"
    return {item: count for (item, _), count in WORLD.calls.items()}


@pytest.mark.parametrize("why", ["refuse", "before", "after", "away", "away after"])
def test_a_redrive_takes_up_what_could_not_be_undone_and_nothing_else(why: Fault):
    run = run_with({(1, UNDO): [why], (4, UNDO): [why]})
    end = run.carry_out()
    assert (end.outcome, end.items.compensation_failed, end.items.compensated) == (
        "compensated",
        2,
        3,
    )
    run.insist_on_conservation()
    run.insist_on_results(end)
    mend()
    end = run.carry_out()
    assert (end.outcome, end.items.compensation_failed, end.items.compensated) == (
        "compensated",
        0,
        5,
    )
    assert undo_calls() == {1: 1, 4: 1}
    run.insist_on_conservation()
    run.insist_on_results(end)
    assert not any("error" in line and line["error"] for n, line in run.lines().items() if n != 5)
    with pytest.raises(RunConflictError, match="nothing left to undo; start a new one"):
        run.claim()


def test_a_redrive_that_fails_again_is_followed_by_another_with_tries_of_its_own():
    run = run_with({(1, UNDO): ["before"]})
    run.carry_out()
    for _ in range(2):
        WORLD.calls = Counter()
        end = run.carry_out()
        assert (end.items.compensation_failed, end.items.compensated) == (1, 4)
        assert undo_calls() == {1: 2}
        run.insist_on_results(end)
    mend()
    assert run.carry_out(retry={"max_attempts": 1}).items.compensated == 5


def test_error_types_choose_what_is_undone_again():
    run = run_with({(1, UNDO): ["refuse"], (4, UNDO): ["before"]})
    run.carry_out()
    mend()
    with pytest.raises(RunConflictError, match="nothing left to undo of these types"):
        run.claim(error_types=["KeyError"])
    end = run.carry_out(error_types=["TransientError"])
    assert run.statuses()[1] == "compensation_failed" and undo_calls() == {4: 1}
    run.insist_on_results(end)
    assert run.carry_out().items.compensated == 5
    assert undo_calls() == {4: 1, 1: 1}


@pytest.mark.parametrize("name", [functions.COMPENSATE_BATCH, functions.PLAN_COMPENSATION])
def test_what_infrastructure_kept_from_being_undone_is_undone_by_a_redrive(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    run = run_with({})
    known = run.scouted.inline._activity

    def fail(wanted: str) -> Any:
        if wanted == name:
            raise ConnectionError("storage is away for good")
        return known(wanted)

    monkeypatch.setattr(run.scouted.inline, "_activity", fail)
    end = run.carry_out()
    assert (end.outcome, end.items.succeeded) == ("failed", 5)
    monkeypatch.setattr(run.scouted.inline, "_activity", known)
    mend()
    end = run.carry_out()
    assert (end.outcome, end.items.compensated, end.items.failed) == ("compensated", 5, 1)
    assert undo_calls() == dict.fromkeys(EVERY, 1)
    run.insist_on_results(end)


def test_batches_wait_for_storage_as_long_as_their_items_do():
    run = run_with({})
    stop = iter(range(10**6))
    WORLD.on_undo = lambda: next(stop) == 0 and run.weather.squalls.extend(["away"] * 12)
    end = run.carry_out()
    assert (end.outcome, end.items.compensated) == ("compensated", 5)
    run.insist_on_results(end)


def test_a_redrive_that_is_cancelled_before_it_undoes_anything_can_be_made_again():
    run = run_with({(1, UNDO): ["refuse"]})
    run.carry_out()
    mend()
    run.claim()
    run.change(is_cancelled=True)
    end = run.go_on()
    assert (end.outcome, end.items.compensation_failed) == ("cancelled", 1)
    assert undo_calls() == {}
    end = run.carry_out()
    assert (end.outcome, end.items.compensated) == ("compensated", 5)
    run.insist_on_results(end)


@pytest.mark.parametrize("at", range(1, 6))
@pytest.mark.parametrize("attempt", [1, 2])
def test_what_an_end_by_force_left_is_undone_by_a_redrive(at: int, attempt: int):
    run = run_with({(n, UNDO): ["refuse"] for n in EVERY} if attempt == 2 else {})
    if attempt == 2:
        run.carry_out()
        mend()
    calls = iter(range(10**6))
    WORLD.on_undo = lambda: next(calls) == at - 1 and run.end_by_force()
    end = run.carry_out()
    assert end.is_forced
    undone = {n for n, status in run.statuses().items() if status == "compensated"}
    run.insist_on_conservation()
    mend()
    if len(undone) < len(EVERY):
        end = run.carry_out()
        assert end.outcome == "compensated"
        assert undo_calls() == dict.fromkeys(EVERY - undone, 1)
        run.insist_on_results(end)


def test_a_run_that_goes_on_undoing_is_not_redriven():
    run, refused = run_with({}), []

    def redrive() -> None:
        run.client.instances.add(RUN_ID)
        try:
            run.claim()
        except RunConflictError as conflict:
            refused.append(str(conflict))

    WORLD.on_undo = redrive
    assert run.carry_out().items.compensated == 5
    assert len(refused) == 5 and all("still running" in text for text in refused)


@pytest.mark.parametrize("kind", ["delete", "cut"])
def test_what_is_known_of_an_undo_no_longer_is_undone_again_by_its_key(kind: str):
    run = run_with({(1, UNDO): ["refuse"]})
    run.carry_out()
    part = blob_paths.part_path(RUN_ID, "c1", blob_paths.BatchName(0, 0))
    assert run.files.exists(part)
    if kind == "delete":
        run.files.delete(part)
    else:
        run.files.write(part, run.files.read(part)[:-7])
    mend()
    end = run.carry_out()
    assert (end.outcome, end.items.compensated) == ("compensated", 5)
    assert undo_calls().pop(1) == 1
    run.insist_on_results(end)


def test_a_part_of_the_first_pass_that_is_gone_keeps_no_other_from_being_undone():
    run = run_with({})
    known, damaged = run.scouted.inline.call, blob_paths.part_path(RUN_ID, "a1", SECOND)

    def damage(name: str, message: dict[str, Any]) -> Any:
        if name == functions.PLAN_COMPENSATION:
            run.files.write(damaged, run.files.read(damaged)[:-7])
        return known(name, message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.scouted.inline, "call", damage)
        end = run.carry_out()
    assert end.outcome == "failed" and damaged in str(end.error)
    assert {n for n, stands in WORLD.effects.items() if stands} == {2, 3}


def test_a_plan_that_is_made_once_more_and_late_is_the_same():
    run = run_with({(1, UNDO): ["refuse"], (2, UNDO): ["away"]})
    run.carry_out()
    plans = {path: run.files.read(path) for path in run.files.names(f"{RUN_ID}/plan/c1")}
    plan_undo(RunRef(run_id=RUN_ID), run.files)
    run.carry_out()
    plan_undo(RunRef(run_id=RUN_ID, attempt=1), run.files)
    assert plans == {path: run.files.read(path) for path in run.files.names(f"{RUN_ID}/plan/c1")}


FAULTS: st.SearchStrategy[Any] = st.sampled_from(
    [None, "before", "after", "refuse", "away", "away after"]
)
PLANS = st.dictionaries(
    st.tuples(st.integers(0, 8), st.sampled_from([PROCESS, UNDO])),
    st.lists(FAULTS, min_size=1, max_size=3),
    max_size=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    items=st.integers(1, 9),
    per_batch=st.integers(1, 4),
    batches=st.sampled_from([1, 2, 17]),
    attempts=st.lists(st.tuples(PLANS, st.booleans(), SQUALLS), min_size=1, max_size=4),
    forced=st.none() | st.tuples(st.integers(1, 4), st.integers(1, 9)),
)
def test_every_item_is_undone_in_the_end_once_and_nothing_is_processed_anew(
    items: int, per_batch: int, batches: int, attempts: list[Any], forced: tuple[int, int] | None
):
    run = MapRun(items, per_batch, concurrency={"batches": batches})
    for number, (faults, is_endless, squalls) in enumerate(attempts, start=1):
        WORLD.faults, WORLD.is_endless = faults, is_endless
        if number == 1:
            WORLD.faults[items - 1, PROCESS] = ["refuse"]
        _follow(run, squalls, forced[1] if forced and forced[0] == number else None)
        if not run.has_plan:
            assert WORLD.effects == {}
            return
        if _is_through(run):
            break
    mend()
    while not _is_through(run):
        _follow(run, [])
    if run.has_begun_undo:
        # Of what failed, or was in a batch that was lost, nobody has an output to undo.
        known = {n for n, s in run.statuses().items() if s not in ("failed", "pending")}
        assert not any(WORLD.effects[item] for item in known)


def _follow(run: MapRun, squalls: list[Squall], forced_at: int | None = None) -> None:
    """Carry out an attempt, and check what must hold after each."""
    before = run.statuses() if run.attempt else {}
    is_undo = bool(run.attempt) and run.has_begun_undo
    run.claim()
    WORLD.calls.clear()
    calls = iter(range(10**6))
    WORLD.on_undo = lambda: (
        forced_at is not None and next(calls) == forced_at and run.end_by_force()
    )
    run.weather.squalls = [*squalls]
    end = run.go_on()
    if not run.has_plan:
        return
    run.insist_on_conservation()
    if not end.is_forced and end.items.total and end.outcome != "failed":
        run.insist_on_results(end)
    for index, status in before.items():
        if status == "compensated":
            assert (WORLD.calls[index, UNDO], run.statuses()[index]) == (0, status)
        if is_undo:
            assert WORLD.calls[index, PROCESS] == 0
            assert status not in ("failed", "pending") or run.statuses()[index] == status


def _is_through(run: MapRun) -> bool:
    """Tell whether there is nothing left for a redrive."""
    end, found = run.state.run.end, {*run.statuses().values()}
    if run.has_begun_undo:
        return (
            end is not None and end.outcome == "compensated" and "compensation_failed" not in found
        )
    return found == {"succeeded"}
