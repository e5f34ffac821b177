from collections import Counter
from collections.abc import Container
from dataclasses import replace
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from hypothesis import given
from hypothesis import strategies as st

from activities.batches.compensate_batch import read_values
from fanout.models.request import RunRequest
from fanout.records import Chunk
from fanout.splitting.sizes.budget import Budget
from tests.support.replays.local_runs import LocalRun, halted, inline
from tests.support.workloads.probe_workloads import Probe

NOW = {"base_seconds": 0, "jitter_seconds": 0}
UNDO = {"on_exceeded": "compensate"}
# Items of 300 letters do not fit all at once; or they do, and are more than may stay uncounted.
BATCH_BYTES = [2048, 32_000]
ITEM = st.fixed_dictionaries(
    {
        "ending": st.sampled_from(["ok", "ok", "permanent"]),
        "undo": st.sampled_from(["ok", "ok", "permanent"]),
        "undo_good": st.integers(1, 4),
    }
)


@given(items=st.lists(ITEM, min_size=1, max_size=12), per_batch=st.integers(1, 4), data=st.data())
def test_exactly_what_succeeded_is_compensated_and_every_item_accounted_for(items, per_batch, data):
    values = [item | {"id": n} for n, item in enumerate(items)]
    attempts = data.draw(st.integers(1, 4))
    policy = {"max_attempts": attempts} | NOW
    run = LocalRun(inline(values, batch={"max_items": per_batch}, retry=policy, **UNDO))
    plan = run.plan()
    stopped = halted(plan, data.draw(st.integers(0, plan.work.cuts)))
    run.work_off(stopped)
    results = run.compensate()
    end = run.finalize()
    found = {o.index + n: o.status for o in run.outcomes() for n in range(o.count)}
    for index, item in enumerate(items):
        expected = "failed"
        if index >= stopped.work.cuts * per_batch:
            expected = "pending"
        elif item["ending"] == "ok":
            is_undone = item["undo"] == "ok" and item["undo_good"] <= attempts
            expected = "compensated" if is_undone else "compensation_failed"
        assert found.pop(index) == expected
    assert found == {}
    assert end.items.compensated == sum(r.succeeded for r in results)
    assert end.items.compensation_failed == sum(r.failed for r in results)
    assert end.items.total == len(items)
    assert end.outcome == "compensated"


def test_the_newest_item_is_compensated_first(monkeypatch):
    undone: list[Any] = []
    monkeypatch.setattr(Probe, "compensate", lambda _, item, *__: undone.append(item.id))
    run = LocalRun(inline([{"id": n} for n in range(7)], batch={"max_items": 2}, **UNDO))
    plan = run.plan()
    run.work_off(plan)
    run.compensate()
    assert undone == [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("batch_bytes", BATCH_BYTES)
def test_the_newest_is_first_too_where_items_may_not_stay_in_memory(batch_bytes, monkeypatch):
    undone: list[Any] = []
    portions: list[int] = []

    def note(piece: Chunk, wanted: Container[int]) -> dict[int, Any]:
        found = read_values(piece, wanted)
        portions.append(len(found))
        return found

    monkeypatch.setattr(Probe, "compensate", lambda _, item, *__: undone.append(int(item.id)))
    monkeypatch.setattr("activities.batches.compensate_batch.read_values", note)
    values = [{"id": f"{n:0300}"} for n in range(7)]
    values[3]["ending"] = "permanent"
    run = LocalRun(inline(values, **UNDO))
    run.work_off(run.plan())
    run.files = replace(run.files, budget=Budget(batch_bytes))
    run.compensate()
    assert undone == [6, 5, 4, 2, 1, 0]
    assert len(portions) > 1 and max(portions) < len(undone) == sum(portions)
    assert run.finalize().items.compensated == 6


def test_a_coroutine_compensates_too(monkeypatch):
    undone: list[Any] = []

    async def undo(_: Probe, item: Any, output: Any, context: Any) -> None:
        undone.append((item.id, output["id"], context.idempotency_key))

    monkeypatch.setattr(Probe, "compensate", undo)
    run = LocalRun(inline([{"id": 3}], **UNDO))
    plan = run.plan()
    run.work_off(plan)
    run.compensate()
    assert undone == [(3, 3, "r/item-3/compensate")]


def test_items_of_a_source_that_changed_cannot_be_compensated():
    source = {"kind": "jsonl", "container": "inbox", "blob": "items"}
    run = LocalRun(RunRequest.model_validate({"workload": "probe", "source": source} | UNDO))
    run.store.write("inbox", "items", b'{"id":0}\n')
    plan = run.plan()
    run.work_off(plan)
    run.store.write("inbox", "items", b'{"id":1}\n')
    run.compensate()
    assert run.finalize().items.compensation_failed == 1


def test_while_infrastructure_is_away_no_try_is_lost_and_patience_has_an_end(monkeypatch):
    calls = Counter[int]()

    def meet(_: Probe, item: Any, *__: Any) -> None:
        calls[item.id] += 1
        if item.id == 1 or calls[item.id] <= 6:
            raise ServiceRequestError("no route")

    clock = iter(range(10**6))
    monkeypatch.setattr(Probe, "compensate", meet)
    monkeypatch.setattr("activities.batches.compensate_batch.now_ms", lambda: next(clock) * 10_000)
    policy = {"max_attempts": 2} | NOW
    run = LocalRun(inline([{"id": 0}, {"id": 1}], batch={"max_items": 2}, retry=policy, **UNDO))
    run.work_off(run.plan())
    results = run.compensate()
    run.finalize()
    assert {o.item_id: o.status for o in run.outcomes()} == {
        "item-0": "compensated",
        "item-1": "compensation_failed",
    }
    assert calls[0] == 7 and 20 <= calls[1] <= 61
    assert results[-1].failed == 1 and all(result.retries == 0 for result in results)
