"""Wherever a process dies, lists show what is true; soon after, the index itself says so."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.models.status import RunOutcome
from tests.support.harms.listed_runs import ListedRuns
from tests.support.workloads import probe_workloads

Act = Callable[[ListedRuns], Awaitable[None]]
OTHER = probe_workloads.AsyncProbe.name


async def insist_on_truth(runs: ListedRuns) -> None:
    """The list and each of its filters show what there is."""
    truth = runs.truth()
    assert await runs.shown() == truth
    for outcome in get_args(RunOutcome):
        expected = [one for one in truth if one.outcome == outcome]
        assert await runs.shown(outcome=outcome) == expected
    assert await runs.shown(text="B-") == [one for one in truth if "b-" in one.run_id.lower()]
    # Where two asked for the same run, and one died, the index may have the workload of the other.
    assert set(await runs.shown(workload=OTHER)) <= {*truth}


async def insist_on_repair(runs: ListedRuns) -> None:
    """The watchdog has the index say of each run what is true; a list drops what is no run's.

    Of a run whose deletion was begun it says so until the run is gone.
    """
    for _ in range(2):
        await runs.look()
    assert [row for row in runs.indexed() if row in expected(runs)] == expected(runs)
    await runs.shown()
    assert runs.indexed() == expected(runs)
    for workload in (OTHER, probe_workloads.Probe.name):
        mine = [one for one in runs.truth() if one.workload == workload]
        assert await runs.shown(workload=workload) == mine


def expected(runs: ListedRuns) -> list[tuple[str, str | None]]:
    """What the index should say of each run there is."""
    is_left = {run_id for run_id, outcome in runs.indexed() if outcome is None}
    return [
        (one.run_id, None if one.run_id in is_left else one.outcome or "") for one in runs.truth()
    ]


async def ended(runs: ListedRuns, outcome: str = "failed") -> None:
    await runs.start("b-1")
    await runs.begin("b-1")
    await runs.finish("b-1", outcome)


async def redriven(runs: ListedRuns) -> None:
    await ended(runs)
    await runs.redrive("b-1")


async def nothing(runs: ListedRuns) -> None:
    pass


async def claimed_before(runs: ListedRuns) -> None:
    """Somebody has noted a run of another workload, and died before claiming it."""
    runs.fuse.left, runs.fuse.is_made = 0, True
    assert not await runs.attempt_to(lambda: runs.start("b-1", OTHER))
    assert [one.run_id for one in runs.truth()] == ["a-0"]


async def claimed(runs: ListedRuns) -> None:
    """Somebody has claimed a run, and died before starting it."""
    runs.fuse.left, runs.fuse.is_made = 1, True
    assert not await runs.attempt_to(lambda: runs.start("b-1"))
    assert {one.run_id for one in runs.truth()} == {"b-1", "a-0"}


async def under_way(runs: ListedRuns) -> None:
    await runs.start("b-1")
    await runs.begin("b-1")


SCENES: dict[str, tuple[Act, Act]] = {
    "started": (nothing, lambda runs: runs.start("b-1")),
    "started again after its end": (ended, lambda runs: runs.start("b-1")),
    "started again after a redrive": (redriven, lambda runs: runs.start("b-1")),
    "asked for by another after its end": (ended, lambda runs: runs.start("b-1", OTHER)),
    "started after somebody who died": (claimed_before, lambda runs: runs.start("b-1")),
    "begun": (lambda runs: runs.start("b-1"), lambda runs: runs.begin("b-1")),
    "ended": (under_way, lambda runs: runs.finish("b-1", "partially_succeeded")),
    "ended by force": (under_way, lambda runs: runs.terminate("b-1")),
    "redriven": (ended, lambda runs: runs.redrive("b-1")),
    "deleted": (ended, lambda runs: runs.delete("b-1")),
    "swept": (ended, lambda runs: runs.sweep()),
    "claimed, never started and deleted": (claimed, lambda runs: runs.delete("b-1")),
}


@pytest.mark.parametrize("repairs_first", [False, True])
@pytest.mark.parametrize("is_made", [False, True])
@pytest.mark.parametrize("scene", SCENES)
async def test_a_run_that_is(scene: str, is_made: bool, repairs_first: bool):
    """Whichever write the process dies at, before it is made or after."""
    prepare, act = SCENES[scene]
    for number in range(100):
        runs = ListedRuns()
        await runs.start("a-0")
        await prepare(runs)
        runs.fuse.left, runs.fuse.is_made = number, is_made
        survived = await runs.attempt_to(lambda: act(runs))  # noqa: B023 - called at once
        if not repairs_first:
            await insist_on_truth(runs)
        await insist_on_repair(runs)
        await insist_on_truth(runs)
        if survived:
            assert number > 1
            return
    raise AssertionError("it writes without end")


NAMES = st.sampled_from(["a-0", "b-1", "B-2", "c.3"])
OUTCOMES = st.sampled_from(get_args(RunOutcome))
ACTS: st.SearchStrategy[Any] = st.one_of(
    st.tuples(st.just("start"), NAMES, st.sampled_from([probe_workloads.Probe.name, OTHER])),
    st.tuples(st.just("begin"), NAMES),
    st.tuples(st.just("finish"), NAMES, OUTCOMES),
    st.tuples(st.just("redrive"), NAMES),
    st.tuples(st.just("terminate"), NAMES),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("look")),
)
DEATHS = st.one_of(st.none(), st.tuples(st.integers(0, 6), st.booleans()))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(ACTS, DEATHS, st.booleans()), max_size=14))
def test_whatever_is_done_and_wherever_it_dies(steps: list[Any]):
    async def carry_out() -> None:
        runs = ListedRuns()
        for (name, *arguments), death, looks in steps:
            if death is not None:
                runs.fuse.left, runs.fuse.is_made = death
            await runs.attempt_to(lambda: getattr(runs, name)(*arguments))  # noqa: B023
            if looks:
                await insist_on_truth(runs)
        await insist_on_repair(runs)
        await insist_on_truth(runs)

    asyncio.run(carry_out())
