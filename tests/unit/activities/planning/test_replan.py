"""Later attempts of a run: over what failed and what is pending, and nothing else."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from fanout.adapters.run_files.part_reader import has_redo
from fanout.messages.planning import PlanResult
from fanout.models.plan import Reopening
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from tests.support.replays.local_runs import RUN_ID, LocalRun, halted, inline
from tests.support.workloads.probe_workloads import Sum

NOW = {"base_seconds": 0, "jitter_seconds": 0}
ALL = {"percentage": 100}
ONCE = {"max_attempts": 1}


def sums(blob: bytes, **more: Any) -> LocalRun:
    source = {"kind": "csv", "container": "inbox", "blob": "table"}
    request = {"workload": Sum.name, "source": source, "parameters": {"column": "n"}}
    run = LocalRun(RunRequest.model_validate(request | {"retry": ONCE, "tolerance": ALL} | more))
    run.store.write("inbox", "table", blob)
    return run


def states(run: LocalRun) -> dict[int, str]:
    """The final state of every item; each has exactly one."""
    found = [
        (index, outcome.status)
        for outcome in run.outcomes()
        for index in range(outcome.index, outcome.index + outcome.count)
    ]
    assert len(found) == len(dict(found))
    return dict(found)


ITEM = st.fixed_dictionaries(
    {"good": st.integers(1, 4), "ending": st.sampled_from(["ok", "ok", "ok", "permanent", "crash"])}
)
POLICY = st.integers(1, 4).map(lambda attempts: {"max_attempts": attempts} | NOW)
FILTER = st.sampled_from([None, ["TransientError"], ["PermanentError", "ZeroDivisionError"]])


@given(
    items=st.lists(ITEM, min_size=1, max_size=12),
    per_batch=st.integers(1, 5),
    worked=st.integers(0, 12),
    policy=POLICY,
    redrives=st.lists(st.tuples(FILTER, POLICY), min_size=1, max_size=3),
    max_bytes=st.sampled_from([1, 700, 1_000_000]),
)
def test_each_item_has_one_final_state_whatever_was_redriven(
    items, per_batch, worked, policy, redrives, max_bytes
):
    values = [item | {"id": n} for n, item in enumerate(items)]
    batch = {"max_items": per_batch} if per_batch < 5 else None
    request = inline(values, batch=batch, retry=policy, tolerance=ALL)
    run = LocalRun(request, spans=(1, 3, 2), max_bytes=max_bytes)
    plan = run.plan()
    # A first attempt that is stopped leaves its later batches pending.
    stopped = halted(plan, worked)
    run.work_off(stopped)
    run.finalize()
    for error_types, policy_now in redrives:
        before = {o.index: o for o in expanded(run)}
        run.claim_redrive(error_types=error_types, retry=policy_now)
        plan = run.plan()
        run.work_off(plan)
        end = run.finalize()
        assert_counts_reconcile(run, plan, end.items.model_dump())
        after = {o.index: o for o in expanded(run)}
        assert sorted(after) == list(range(len(items)))
        for index, outcome in after.items():
            old = before[index]
            if not is_open(old, error_types):
                assert outcome == old
                continue
            assert outcome.attempts <= policy_now["max_attempts"]
            assert outcome.status == ending(items[index], policy_now["max_attempts"])


def expanded(run: LocalRun) -> list[Any]:
    return [
        outcome.model_copy(update={"index": index, "count": 1})
        for outcome in run.outcomes()
        for index in range(outcome.index, outcome.index + outcome.count)
    ]


def is_open(outcome: Any, error_types: list[str] | None) -> bool:
    if outcome.status == "pending":
        return True
    if outcome.status != "failed":
        return False
    return error_types is None or outcome.error.type in error_types


def ending(item: dict[str, Any], attempts: int) -> str:
    return "succeeded" if item["ending"] == "ok" and item["good"] <= attempts else "failed"


def assert_counts_reconcile(run: LocalRun, plan: PlanResult, items: dict[str, int]) -> None:
    """What the governor adds up, from where it begins, is what the files have."""
    assert plan.work.succeeded + sum(r.succeeded for r in run.results) == items["succeeded"]
    assert plan.work.failed + sum(r.failed for r in run.results) == items["failed"]
    assert items["pending"] == 0
    assert items["total"] == plan.work.items == items["succeeded"] + items["failed"]
    assert Counter(states(run).values())["failed"] == items["failed"]


def test_only_batches_with_something_to_redo_are_planned():
    values = [{"id": n, "good": 2 if n == 3 else 1} for n in range(6)]
    run = LocalRun(inline(values, batch={"max_items": 2}, retry=ONCE))
    run.run()
    run.claim_redrive(retry={"max_attempts": 2} | NOW)
    plan = run.plan()
    assert (plan.work.cuts, plan.work.items, plan.work.succeeded, plan.work.failed) == (
        1,
        6,
        5,
        0,
    )
    run.work_off(plan)
    assert run.finalize().outcome == "succeeded"
    left = set(run.store.names("runs", blob_paths.result_path(RUN_ID, "")))
    assert left == {
        blob_paths.result_path(RUN_ID, n) for n in ("manifest.json", "SUCCEEDED-00000.jsonl")
    }
    assert set(states(run).values()) == {"succeeded"}


def test_keys_are_the_same_in_every_attempt():
    run = LocalRun(inline([{"id": 0, "good": 2}], retry=ONCE))
    run.run()
    run.redrive(retry={"max_attempts": 2} | NOW)
    (outcome,) = run.outcomes()
    assert outcome.output["key"] == "r/item-0/process"


def test_a_redrive_takes_its_own_tolerance():
    run = LocalRun(inline([{"id": 0, "ending": "permanent"}, {"id": 1}]))
    assert run.run().outcome == "failed"
    assert run.redrive(tolerance={"count": 1}).outcome == "partially_succeeded"


def test_a_run_tells_whether_it_has_anything_to_redo():
    run = LocalRun(inline([{"id": 0, "ending": "permanent"}], tolerance=ALL))
    run.run()
    assert has_redo(run.files, RUN_ID, 1, Reopening(error_types=None))
    assert has_redo(run.files, RUN_ID, 1, Reopening(error_types=["PermanentError"]))
    assert not has_redo(run.files, RUN_ID, 1, Reopening(error_types=["TransientError"]))


def test_a_chunk_that_was_refused_is_summed_by_the_next_attempt():
    run = sums(b"n\n1\n2\n3\n", parameters={"column": "n", "fail_attempts": 1})
    assert run.run().items.failed == 3
    assert run.redrive(retry={"max_attempts": 2} | NOW).outcome == "succeeded"
    assert total(run) == 6


def test_chunks_that_keep_failing_keep_what_had_succeeded_and_their_partial():
    run = sums(b"n\n1\nx\n3\n4\n", batch={"max_items": 2})
    assert run.run().items.failed == 1
    assert total(run) == 8
    run.claim_redrive()
    plan = run.plan()
    assert (plan.work.cuts, plan.work.succeeded, plan.work.failed) == (1, 3, 0)
    run.work_off(plan)
    end = run.finalize()
    assert (end.items.succeeded, end.items.failed) == (3, 1)
    assert_counts_reconcile(run, plan, end.items.model_dump())
    assert total(run) == 8


@pytest.mark.parametrize("is_permanent", [False, True])
def test_a_chunk_refused_by_a_later_attempt_loses_nothing(is_permanent, monkeypatch):
    run = sums(b"n\n1\nx\n3\n")
    run.run()

    def refuse(*_: Any) -> None:
        raise (ValueError if is_permanent else OSError)("not today")

    monkeypatch.setattr(Sum, "process_chunk", refuse)
    run.claim_redrive(retry={"max_attempts": 3} | NOW)
    plan = run.plan()
    run.work_off(plan)
    end = run.finalize()
    assert_counts_reconcile(run, plan, end.items.model_dump())
    assert states(run) == {0: "succeeded", 1: "failed", 2: "succeeded"}
    assert total(run) == 4


def test_a_source_that_changed_between_attempts_fails_what_was_to_be_redone():
    run = sums(b"n\n1\nx\n3\n")
    run.run()
    run.store.write("inbox", "table", b"n\n1\n2\n3\n")
    run.redrive()
    assert states(run) == {0: "succeeded", 1: "failed", 2: "succeeded"}
    assert total(run) == 4
    assert {o.error.type for o in run.outcomes() if o.error} == {"SourceChangedError"}


def total(run: LocalRun) -> int:
    return from_json(run.files.read(blob_paths.result_path(RUN_ID, "sum.json")))["sum"]
