"""Sagas of a batch together: what is done once stays so, whoever dies and whoever comes later."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.sagas.saga_items import open_batch
from fanout.messages.sagas import SagaStart
from fanout.naming import blob_paths
from tests.support.workloads.saga_batches import SagaBatchRun

STEPS = ("flight", "hotel", "pay", "tell")
CALLS = ["check", *STEPS, "undo flight", "undo hotel", "undo pay"]
FATES = st.one_of(st.sampled_from(["refuse", "busy"]), st.integers(min_value=1, max_value=2))
AT_ONCE = {
    "max_attempts": 3,
    "base_seconds": 0,
    "factor": 1,
    "max_seconds": 0,
    "jitter_seconds": 0,
}
LATER = {"max_attempts": 3, "base_seconds": 60, "max_seconds": 60}


class WorkerDiedError(Exception):
    """The process died before or after it wrote."""


def lines(run: SagaBatchRun) -> dict[str, dict[str, Any]]:
    path = blob_paths.part_path(run.run_id, blob_paths.FIRST, run.ref.name)
    found = [json.loads(line) for line in run.files.read(path).splitlines()]
    return {line["item_id"]: line for line in found}


def what_is_told(run: SagaBatchRun) -> dict[str, Any]:
    """What must be said of each item, be it done together or apart."""
    told = {}
    for item_id, line in lines(run).items():
        saga = {k: sorted(v) if isinstance(v, list) else v for k, v in line["saga"].items()}
        error = line.get("error", {}).get("message")
        told[item_id] = (line["status"], saga, line.get("output"), error)
    return told


@pytest.fixture(autouse=True)
def calm() -> Iterator[None]:
    yield
    SagaBatchRun([{"id": "none"}]).effects.on_call = lambda: None


def test_a_batch_that_nothing_holds_up_is_one_activity_and_undoes_what_fails():
    items = [{"id": "good"}, {"id": "unpaid", "fates": {"pay": "refuse"}}, {"wrong": 1}]
    run = SagaBatchRun(items)
    result = run.carry_out().result
    assert result is not None
    assert (result.succeeded, result.compensated, result.failed) == (1, 1, 1)
    assert run.standing() == {f"good/{step}" for step in STEPS}
    assert lines(run)["unpaid"]["error"]["message"] == "pay: no pay"


def test_a_saga_that_must_wait_goes_on_apart_and_repeats_nothing():
    run = SagaBatchRun([{"id": "quick"}, {"id": "slow", "fates": {"pay": 1}}], retry=LATER)
    found = run.carry_out()
    assert found.result is None and found.sagas == [SagaStart(index=1)]
    assert run.end(found).succeeded == 2
    assert run.effects.calls["slow", "flight"] == 1
    assert run.effects.calls["slow", "pay"] == 2
    assert lines(run)["slow"]["attempts"] == 2


def test_carried_out_again_it_hears_what_it_came_to_and_does_nothing():
    run = SagaBatchRun([{"id": "twice"}, {"id": "twice-bad", "fates": {"tell": "refuse"}}])
    first, log = run.carry_out(), run.log()
    calls = run.effects.calls.total()
    assert run.carry_out() == first
    assert (run.log(), run.effects.calls.total()) == (log, calls)


def test_the_items_stay_as_they_were_when_the_source_changes():
    blob = {"kind": "jsonl", "container": "inbox", "blob": "voyages.jsonl"}
    run = SagaBatchRun([{"id": "kept", "fates": {"pay": 1}}], blob=blob, retry=LATER)
    run.carry_out()
    run.files.store.write("inbox", "voyages.jsonl", b'{"id": "another"}\n')
    assert run.end(run.carry_out()).succeeded == 1
    assert lines(run).keys() == {"kept"}


def test_whoever_comes_later_takes_over_and_the_first_goes_no_further():
    run = SagaBatchRun([{"id": "raced"}])
    answers = []

    def come_later() -> None:
        run.effects.on_call = lambda: None
        answers.append(run.carry_out())

    run.effects.on_call = come_later
    answers.append(run.carry_out())
    assert answers[0] == answers[1] and answers[0].sagas == [SagaStart(index=0)]
    assert run.effects.calls["raced", "flight"] == 0
    assert run.end(answers[0]).succeeded == 1


def test_sagas_that_an_earlier_version_has_begun_go_on_apart():
    run = SagaBatchRun([{"id": "old"}])
    open_batch(run.ref, run.files, ExitStack())
    run.ref = run.ref.model_copy(update={"is_repeated": True})
    found = run.carry_out()
    assert found.sagas == [SagaStart(index=0)] and not run.log()
    assert run.end(found).succeeded == 1


def test_what_an_earlier_run_of_the_same_id_did_is_not_taken_for_its_own():
    run = SagaBatchRun([{"id": "reborn"}])
    run.carry_out()
    run.ref = run.ref.model_copy(update={"claim": '"0x8D/#?"'})
    again = run.carry_out()
    assert again.result is not None and again.result.succeeded == 1
    assert run.effects.calls["reborn", "pay"] == 2


@given(
    st.lists(st.dictionaries(st.sampled_from(CALLS), FATES, max_size=3), min_size=1, max_size=6),
    st.lists(st.tuples(st.booleans(), st.integers(min_value=1, max_value=9)), max_size=3),
)
def test_a_worker_that_dies_anywhere_leaves_nothing_undone_and_does_nothing_again(
    fates: list[dict[str, Any]], deaths: list[tuple[bool, int]]
):
    items = [{"id": f"i{n}", "fates": fate} for n, fate in enumerate(fates)]
    wanted = SagaBatchRun(items, retry=AT_ONCE)
    result = wanted.end(wanted.carry_out())
    run = SagaBatchRun(items, retry=AT_ONCE)
    for is_after, writes in deaths:
        die(run, writes, is_after=is_after)
    assert run.end(run.carry_out()) == result
    assert what_is_told(run) == what_is_told(wanted)
    assert Counter(run.log()) == Counter(wanted.log())
    assert run.standing() == wanted.standing()


def die(run: SagaBatchRun, writes: int, *, is_after: bool) -> None:
    """Carry out the batch by a worker that dies at so many writes of rows, and hears of no more."""
    left = iter(range(writes - 1, -1, -1))

    def count_down() -> None:
        if next(left, 0) == 0:
            raise WorkerDiedError

    hook = "after_write" if is_after else "before_write"
    setattr(run.tables, hook, count_down)
    try:
        run.end(run.carry_out())
    except WorkerDiedError:
        pass
    finally:
        setattr(run.tables, hook, lambda: None)
