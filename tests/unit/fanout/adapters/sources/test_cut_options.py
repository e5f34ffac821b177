"""Limits of cuts: what a cut holds fits into memory, and so do the outcomes of its items."""

import pytest

from fanout.adapters.sources.planning import CutOptions
from fanout.models.request import BatchLimits
from fanout.splitting.sizes.budget import Budget
from tests.support.replays.local_runs import LocalRun, RunRequest

MIB = 1_048_576
WIDE = BatchLimits(max_items=1_000_000, max_bytes=64 * MIB)


def test_a_batch_has_no_more_items_than_outcomes_have_room():
    budget = Budget(256 * MIB)
    assert CutOptions(WIDE, budget=budget).fit(WIDE).max_items == 262_144
    assert CutOptions(WIDE, is_chunk=True, budget=budget).fit(WIDE).max_items == 1_000_000


@pytest.mark.parametrize("max_items", [1, 1000, 100_000])
def test_what_has_room_stays_as_it_is(max_items: int):
    limits = BatchLimits(max_items=max_items)
    assert CutOptions(limits).fit(limits) == limits


def test_no_item_of_a_batch_as_wide_as_may_be_fails_for_want_of_room():
    lines = "".join(f'{{"id":{number}}}\n' for number in range(40_000))
    request = {
        "workload": "probe",
        "source": {"kind": "text", "text": lines, "read": "jsonl"},
        "batch": {"max_items": 1_000_000, "max_bytes": 64 * MIB},
    }
    run = LocalRun(RunRequest.model_validate(request))
    run.files = type(run.files)(run.store, run.container, budget=Budget(8 * MIB))  # type: ignore[arg-type]
    run.work_off(run.plan())
    assert sum(result.succeeded for result in run.results) == 40_000
