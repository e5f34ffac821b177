"""What holds of any prediction, by arithmetic that needs no model."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.azure_model import facts
from bench.azure_model.prediction import Backend, Limit, Setup, predict
from bench.azure_model.scheme import Load, plan_run

LOADS = st.builds(
    Load,
    items=st.integers(1, 10**9),
    item_seconds=st.floats(0, 30),
    computes=st.booleans(),
    items_at_once=st.sampled_from([1, 32]),
)
SETUPS = st.builds(
    Setup,
    backend=st.sampled_from(Backend),
    batches=st.integers(1, 6_400),
    instances=st.integers(1, 1_000),
    at_once=st.integers(1, 64),
    partitions=st.integers(1, 16),
)


@given(LOADS, SETUPS)
def test_no_run_is_faster_than_its_items_allow(load: Load, setup: Setup):
    seconds = predict(load, setup).total_seconds
    places = setup.batches * load.items_at_once
    assert seconds * places >= 0.999 * load.items * load.item_seconds / load.items_at_once
    most_cores = min(setup.instances, setup.quota) * setup.cores
    if load.computes:
        outside_boxes = load.items - plan_run(load, setup.batches).scout_items
        assert seconds >= 0.999 * outside_boxes * load.item_seconds / most_cores


@given(LOADS, SETUPS)
def test_instances_stay_within_what_is_set_and_of_use(load: Load, setup: Setup):
    prediction = predict(load, setup)
    assert 1 <= prediction.instances <= min(setup.instances, setup.quota)
    assert (prediction.instances - 1) * setup.at_once < max(setup.batches, 1)
    most = prediction.instances * (prediction.total_seconds + facts.LEAST_BILLED.value)
    assert 0 < prediction.instance_seconds <= 1.001 * most


@given(LOADS, st.integers(1, 6_400))
def test_a_plan_has_room_for_each_item_and_not_for_many_more(load: Load, batches: int):
    plan = plan_run(load, batches)
    rest = load.items - plan.scout_items
    assert 0 <= plan.batches * plan.batch_items - rest < max(1, plan.batch_items)
    assert plan.waves * plan.width * max(1, plan.shards) >= plan.batches


@given(LOADS, SETUPS)
@example(Load(2, 2.0), Setup(Backend.CONSUMPTION, batches=20, instances=1, at_once=20))
def test_ten_times_the_items_take_longer_and_cost_more(load: Load, setup: Setup):
    less, more = predict(load, setup), predict(replace(load, items=10 * load.items), setup)
    assert more.total_seconds >= less.total_seconds
    assert more.dollars >= less.dollars


def test_items_that_compute_take_no_more_instances_than_batches_ask_for():
    load = Load(10**8, 0.001, computes=True)
    assert predict(load, Setup()).instances == 4  # 64 in flight, 16 an instance
    assert predict(load, Setup(at_once=2)).instances == 32


def test_what_binds_a_billion_long_waits_is_the_batches_in_flight():
    load = Load(10**9, 10.0)
    wide = Setup(batches=6_400, instances=400, quota=400)
    assert predict(load, Setup()).limit is Limit.WIDTH
    assert predict(load, wide).limit is Limit.WIDTH
    # Boxes of ten seconds, 6,400 at a time.
    days = 10**9 * 10 / 6_400 / 86_400
    assert predict(load, wide).total_seconds / 86_400 == pytest.approx(days, rel=0.25)


def test_the_scheduler_on_consumption_takes_so_many_activities():
    load, setup = Load(10**7, 0.01), Setup(Backend.CONSUMPTION, 6_400, 1_000, 64, quota=1_000)
    prediction = predict(replace(load, item_bytes=10**6), setup)
    rate = facts.SCHEDULER_CONSUMPTION.value / 2
    assert prediction.total_seconds >= prediction.plan.batches / rate
