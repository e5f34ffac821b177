"""Sagas whose undo meets kills, storage that is away, ends by force and redrives at any place."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fanout.naming import functions
from tests.support.hostile.local_settings import local_settings
from tests.support.hostile.worlds.order_world import WORLD, OrderRun
from tests.support.hostile.worlds.weather import SQUALLS, Squall
from workloads.orders.steps import AUTHORISE, CAPTURE, NOTIFY, RESERVE, SHIP, VALIDATE

DOES = (VALIDATE, RESERVE, AUTHORISE, CAPTURE, SHIP, NOTIFY)
UNDONE = (RESERVE, AUTHORISE, CAPTURE, SHIP)
AT_ONCE = {"max_attempts": 2, "base_seconds": 0, "max_seconds": 0, "jitter_seconds": 0}
SAGA_ACTIVITIES = {
    functions.RUN_SAGAS,
    functions.SAGA_STEP,
    functions.FIND_UNDO,
    functions.RECORD_SAGA,
    functions.CLOSE_SAGAS,
}
MOST_REDRIVES = 12


@pytest.fixture(autouse=True, scope="module")
def settings_of_this_machine() -> Iterator[None]:
    with local_settings():
        yield


FAULTS: st.SearchStrategy[Any] = st.sampled_from(
    [None, "before", "after", "refuse", "away", "away after"]
)
CALLS = st.sampled_from([*DOES, *(f"undo {step}" for step in UNDONE)])
PLANS = st.dictionaries(
    st.tuples(st.sampled_from(["n0", "n1", "n2"]), CALLS),
    st.lists(FAULTS, min_size=1, max_size=4),
    max_size=8,
)
ATTEMPTS = st.lists(
    st.tuples(PLANS, st.booleans(), SQUALLS, st.none() | st.integers(0, 25)),
    min_size=1,
    max_size=4,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(attempts=ATTEMPTS, repeat=st.sets(st.sampled_from(sorted(SAGA_ACTIVITIES))))
def test_whatever_kills_and_redrives_it_meets_every_order_ends_whole(
    attempts: list[Any], repeat: set[str]
):
    run = OrderRun(3, AT_ONCE)
    run.inline.repeat = repeat
    for faults, is_endless, squalls, forced_at in attempts:
        WORLD.faults, WORLD.is_endless = faults, is_endless
        if _carry_out(run, squalls, forced_at):
            break
    WORLD.faults = {}
    for _ in range(MOST_REDRIVES):
        if _carry_out(run):
            break
    if run.has_plan:
        assert {line["status"] for line in run.latest_lines().values()} == {"succeeded"}
        run.insist_on_ledgers()


def _carry_out(run: OrderRun, squalls: list[Squall] | None = None, at: int | None = None) -> bool:
    """Carry out an attempt, and check the ledgers; tell whether nothing is left to be done."""
    if run.attempts and not run.has_plan:
        return True
    if run.attempts and {one["status"] for one in run.latest_lines().values()} == {"succeeded"}:
        return True
    calls = iter(range(10**6))
    WORLD.on_call = lambda: at is not None and next(calls) == at and run.end_by_force()
    run.weather.squalls = squalls or []
    run.carry_out()
    if run.has_plan:
        run.insist_on_ledgers()
    return not run.has_plan


@pytest.mark.parametrize("undo", UNDONE)
@pytest.mark.parametrize("squalls", [["die"], ["die after"], ["away"] * 40, ["away after"]])
def test_an_undo_that_is_cut_off_is_done_once_in_the_end(undo: str, squalls: list[Squall]):
    run = OrderRun(2, AT_ONCE)
    WORLD.faults = {("n1", NOTIFY): ["refuse"]}
    WORLD.on_call = lambda: (
        WORLD.calls[-1] == ("n1", f"undo {undo}")
        and WORLD.calls.count(WORLD.calls[-1]) == 1
        and run.weather.squalls.extend(squalls)
    )
    run.carry_out()
    run.insist_on_ledgers()
    WORLD.on_call = lambda: None
    while run.latest_lines()[1]["status"] != "compensated":
        run.carry_out()
        run.insist_on_ledgers()
    assert sorted(run.latest_lines()[1]["saga"]["undone"]) == sorted(UNDONE)


@pytest.mark.parametrize("step", [VALIDATE, RESERVE, AUTHORISE, CAPTURE, SHIP])
@pytest.mark.parametrize("why", ["refuse", "before", "away"])
def test_what_an_order_had_before_it_was_cut_off_does_not_stand_if_it_fails_then(
    step: str, why: Any
):
    run = OrderRun(2, AT_ONCE)
    WORLD.on_call = lambda: WORLD.calls[-1] == ("n1", SHIP) and run.end_by_force()
    run.carry_out()
    assert run.latest_lines()[1]["status"] == "pending"
    WORLD.on_call, WORLD.is_endless, WORLD.faults = lambda: None, True, {("n1", step): [why]}
    run.carry_out()
    run.insist_on_ledgers()
    assert run.latest_lines()[1]["status"] == "compensated"
    WORLD.faults = {}
    run.carry_out()
    assert {line["status"] for line in run.latest_lines().values()} == {"succeeded"}
    run.insist_on_conservation()


def test_an_order_that_nobody_began_is_not_undone_where_it_is_refused():
    run = OrderRun(2, AT_ONCE)
    run.end_first = True
    run.carry_out()
    assert {line["status"] for line in run.latest_lines().values()} == {"pending"}
    WORLD.faults = {("n1", VALIDATE): ["refuse"]}
    run.carry_out()
    assert run.latest_lines()[1]["status"] == "failed"
    assert not [call for call in WORLD.calls if call[1].startswith("undo")]
