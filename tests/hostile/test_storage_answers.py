"""What storage answers while it is away: undo waits for it, and a redrive takes up what is left."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.hostile.local_settings import local_settings
from tests.support.hostile.worlds.order_world import WORLD, OrderRun
from tests.support.workloads.faulty_orders import Fault
from workloads.orders.steps import AUTHORISE, CAPTURE, NOTIFY, RESERVE, SHIP, VALIDATE

DOES = (VALIDATE, RESERVE, AUTHORISE, CAPTURE, SHIP, NOTIFY)
UNDONE = (RESERVE, AUTHORISE, CAPTURE, SHIP)
AT_ONCE = {"max_attempts": 2, "base_seconds": 0, "max_seconds": 0, "jitter_seconds": 0}
# More tries than a step may have, and fewer than the patience of an activity takes.
OUTAGE = 9


@pytest.fixture(autouse=True, scope="module")
def settings_of_this_machine() -> Iterator[None]:
    with local_settings():
        yield


def statuses(run: OrderRun) -> dict[str, str]:
    return {name: line["status"] for name, line in run.lines().items()}


@pytest.mark.parametrize("step", DOES)
def test_a_step_waits_for_storage_and_its_tries_are_its_own(step: str):
    run = OrderRun(3, AT_ONCE)
    WORLD.faults = {("n1", step): ["away"] * OUTAGE + ["before"]}
    assert run.carry_out().outcome == "succeeded"
    assert run.lines()["n1"]["attempts"] == 2
    run.insist_on_conservation()


@pytest.mark.parametrize("undo", UNDONE)
@pytest.mark.parametrize("when", ["away", "away after"])
def test_an_undo_waits_for_storage(undo: str, when: Fault):
    run = OrderRun(3, AT_ONCE)
    WORLD.faults = {("n1", NOTIFY): ["refuse"], ("n1", f"undo {undo}"): [when] * OUTAGE}
    run.carry_out()
    assert statuses(run) == {"n0": "succeeded", "n1": "compensated", "n2": "succeeded"}
    run.insist_on_conservation()


@pytest.mark.parametrize("undo", UNDONE)
@pytest.mark.parametrize("why", ["away", "away after", "before", "refuse"])
def test_a_redrive_takes_up_what_could_not_be_undone_and_nothing_else(undo: str, why: Fault):
    run = OrderRun(2, AT_ONCE)
    WORLD.is_endless = True
    WORLD.faults = {("n1", NOTIFY): ["refuse"], ("n1", f"undo {undo}"): [why]}
    end = run.carry_out()
    assert (end.items.compensation_failed, end.items.succeeded) == (1, 1)
    run.insist_on_conservation()
    left = run.lines()["n1"]["saga"]["undo_failed"]
    WORLD.faults, WORLD.calls = {}, []
    end = run.carry_out()
    assert (end.items.compensated, end.items.compensation_failed) == (1, 0)
    line = run.lines()["n1"]
    assert line["saga"]["take"] == 1 and "undo_failed" not in line["saga"]
    assert sorted(line["saga"]["undone"]) == sorted(UNDONE)
    assert Counter(WORLD.calls) == {("n1", f"undo {step}"): 1 for step in left}
    assert line["error"]["message"] == f"{NOTIFY}: {NOTIFY} is refused"
    run.insist_on_conservation()
    WORLD.calls = []
    assert run.carry_out().outcome == "succeeded"
    assert run.lines()["n1"]["saga"]["take"] == 2
    run.insist_on_conservation()


FAULTS: st.SearchStrategy[Any] = st.sampled_from(
    [None, "before", "after", "refuse", "away", "away after"]
)
CALLS = st.sampled_from([*DOES, *(f"undo {step}" for step in UNDONE)])
PLANS = st.dictionaries(
    st.tuples(st.sampled_from(["n0", "n1", "n2"]), CALLS),
    st.lists(FAULTS, min_size=1, max_size=4),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(plans=st.lists(st.tuples(PLANS, st.booleans()), min_size=1, max_size=4))
def test_pieces_and_money_are_conserved_wherever_undo_is_cut_off_and_redriven(
    plans: list[tuple[dict[tuple[str, str], list[Fault | None]], bool]],
):
    run = OrderRun(3, AT_ONCE)
    for faults, is_endless in plans:
        if run.attempts and set(statuses(run).values()) == {"succeeded"}:
            return
        WORLD.faults, WORLD.is_endless = faults, is_endless
        run.carry_out()
        run.insist_on_conservation()
    WORLD.faults = {}
    for _ in range(2):  # the first undoes what is left of a take, the second begins another
        if set(statuses(run).values()) != {"succeeded"}:
            run.carry_out()
            run.insist_on_conservation()
    assert set(statuses(run).values()) == {"succeeded"}
