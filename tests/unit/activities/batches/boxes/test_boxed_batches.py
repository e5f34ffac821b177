"""Batches in real time boxes, item by item and some at once: all adds up whatever items do."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import pytest
from pydantic import BaseModel

from activities.batches.async_items import ASYNC_ITEMS_AT_ONCE
from activities.batches.boxes import box_watch
from activities.batches.boxes.box_watch import BoxWatch
from activities.batches.process_batch import process
from fanout.errors import TransientError
from fanout.messages.batches import BatchResult, ProcessAsk, TimeBox
from fanout.messages.rests import RestNews
from fanout.workload import Context, MapWorkload, NoParameters
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline
from workloads import registry

BOX = TimeBox(seconds=0.01, stuck_seconds=0.01)
PATIENCE_SECONDS = 60.0
INSTANCE, EVENT = "r", "rest"
MANY = ASYNC_ITEMS_AT_ONCE + 8


class Boxed(BaseModel):
    """An item that ends at once, waits until the rest is given back, or ruins its event loop."""

    n: int
    act: Literal["end", "wait", "wait and stop", "wait and exit", "wait and fail"] = "end"


has_told = threading.Event()
tries: Counter[int] = Counter()
waiting: set[int] = set()


def _try(item: Boxed) -> None:
    tries[item.n] += 1
    if item.act == "wait and fail" and tries[item.n] == 1:
        raise TransientError("not yet")


class InTurn(MapWorkload[Boxed, NoParameters]):
    """One item after the other."""

    name: ClassVar[str] = "boxed-in-turn"
    item_model = Boxed

    def process(self, item: Boxed, context: Context[NoParameters]) -> Any:
        if item.act != "end":
            waiting.add(item.n)
            assert has_told.wait(PATIENCE_SECONDS)
        _try(item)
        if item.act == "wait and exit":
            raise SystemExit
        return item.n


class AtOnce(InTurn):
    """Some items at once."""

    name: ClassVar[str] = "boxed-at-once"

    async def process(self, item: Boxed, context: Context[NoParameters]) -> Any:
        ends = time.monotonic() + PATIENCE_SECONDS
        if item.act != "end":
            waiting.add(item.n)
        while item.act != "end" and not has_told.is_set():
            assert time.monotonic() < ends
            await asyncio.sleep(0.005)
        _try(item)
        if item.act == "wait and stop" and tries[item.n] == 1:
            asyncio.get_running_loop().stop()
            await asyncio.sleep(0)
        if item.act == "wait and exit":
            raise SystemExit
        return item.n


for workload in (InTurn(), AtOnce()):
    registry.register(workload)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A box is over as soon as all items wait that are to, and no sooner."""
    monkeypatch.setattr(box_watch, "LOOK_EVERY_SECONDS", 0.005)
    monkeypatch.setattr(box_watch, "GRACE_SECONDS", 0.01)
    monkeypatch.setattr(box_watch, "LITTLE_SECONDS", 0.0)
    has_told.clear()
    tries.clear()
    waiting.clear()


def plan(patch: pytest.MonkeyPatch, workload: str, count: int, **acts: str) -> LocalRun:
    items = [{"n": n, "act": acts.get(f"i{n}", "end")} for n in range(count)]
    run = LocalRun(inline(items, workload, batch=None))
    assert run.plan().work.cuts == count
    patch.setattr(BoxWatch, "_is_over", lambda _: len(waiting) == len(acts))
    return run


def carry_out(
    run: LocalRun, first: int, span: int, tell: Callable[[str, str, Any], object] | None = None
) -> BatchResult:
    ask = ProcessAsk(run_id=RUN_ID, partition=0, first_cut=first, span=span)
    if tell is None:
        return process(ask, run.files)
    ask = ask.model_copy(update={"box": BOX, "instance": INSTANCE, "event": EVENT})
    return process(ask, run.files, raise_event=tell)


def carry_out_boxed(run: LocalRun, count: int) -> tuple[BatchResult, RestNews]:
    """Carry out a batch of all; gives its result, and what it told before it ended."""
    told: list[RestNews | None] = []

    def tell(instance: str, event: str, value: Any) -> None:
        assert (instance, event) == (INSTANCE, EVENT)
        told.append(RestNews.load(value))
        has_told.set()

    result = carry_out(run, 0, count, tell)
    (news,) = told
    assert news is not None
    return result, news


def test_what_comes_after_a_slow_item_is_given_back(monkeypatch: pytest.MonkeyPatch):
    run = plan(monkeypatch, "boxed-in-turn", 9, i2="wait")
    result, news = carry_out_boxed(run, 9)
    assert (result.cuts, result.succeeded, news.cuts) == (3, 3, 3)
    assert set(tries) == {0, 1, 2}
    insist_on_all(run, 9, [result, carry_out(run, 3, 6)])


@pytest.mark.parametrize("act", ["wait", "wait and stop", "wait and exit"])
def test_of_items_at_once_those_go_on_that_have_begun_whatever_they_do(
    monkeypatch: pytest.MonkeyPatch, act: str
):
    acts = {f"i{n}": "wait" for n in range(ASYNC_ITEMS_AT_ONCE)} | {"i4": act}
    run = plan(monkeypatch, "boxed-at-once", MANY, **acts)
    result, news = carry_out_boxed(run, MANY)
    kept = ASYNC_ITEMS_AT_ONCE
    assert (news.cuts, result.cuts) == (kept, kept)
    assert set(tries) <= set(range(kept)), "what was given back was tried"
    rest = carry_out(run, kept, MANY - kept)
    again = int(act == "wait and exit")
    assert (result.succeeded, result.retryable) == (kept - again, again)
    assert rest.succeeded == MANY - kept
    outcomes = run.outcomes_now()
    assert [outcome.index for outcome in outcomes] == list(range(MANY))
    assert sum(outcome.status == "pending" for outcome in outcomes) == again


def test_an_item_of_a_batch_that_gave_back_its_rest_is_tried_again_in_the_next_round(
    monkeypatch: pytest.MonkeyPatch,
):
    run = plan(monkeypatch, "boxed-in-turn", 6, i1="wait and fail")
    result, _ = carry_out_boxed(run, 6)
    assert (result.cuts, result.succeeded, result.retryable) == (2, 1, 1)
    rest = carry_out(run, 2, 4)
    again = run.batch(0, 0, 1, span=2)
    assert (again.succeeded, again.retries, again.cuts) == (1, 1, None)
    insist_on_all(run, 6, [result, rest, again])
    assert tries == Counter({0: 1, 1: 2, 2: 1, 3: 1, 4: 1, 5: 1})


def insist_on_all(run: LocalRun, count: int, results: list[BatchResult]) -> None:
    outcomes = run.outcomes_now()
    assert [outcome.index for outcome in outcomes] == list(range(count))
    assert [outcome.output for outcome in outcomes] == list(range(count))
    assert sum(result.succeeded for result in results) == count


def test_a_record_whose_answer_got_lost_still_gives_back_the_rest(monkeypatch: pytest.MonkeyPatch):
    run = plan(monkeypatch, "boxed-in-turn", 6, i1="wait")
    write, losses = run.store.write, []

    def lose(container: str, blob: str, data: bytes, **options: Any) -> str:
        etag = write(container, blob, data, **options)
        if not losses:
            losses.append(blob)
            has_told.set()
            raise OSError("the answer is lost")
        return etag

    monkeypatch.setattr(run.store, "write", lose)
    result = carry_out(run, 0, 6, lambda *_: pytest.fail("nobody knows that it was given back"))
    assert len(losses) == 1
    assert (result.cuts, result.succeeded) == (2, 2)
    insist_on_all(run, 6, [result, carry_out(run, 2, 4)])


def test_a_redrive_of_a_run_that_died_with_a_rest_given_back_counts_each_item_once(
    monkeypatch: pytest.MonkeyPatch,
):
    run = plan(monkeypatch, "boxed-in-turn", 8, i1="wait")
    result, _ = carry_out_boxed(run, 8)
    assert result.cuts == 2
    assert carry_out(run, 5, 3).succeeded == 3  # of 2 to 4 nobody left anything
    run.finalize()
    end = run.redrive()
    assert end.items is not None
    assert (end.items.succeeded, end.items.total) == (8, 8)
    insist_on_all(run, 8, [BatchResult(succeeded=8)])
    assert set(tries.values()) == {1}


def test_a_redrive_does_what_a_batch_had_kept_that_died_before_it_wrote_that(
    monkeypatch: pytest.MonkeyPatch,
):
    run = plan(monkeypatch, "boxed-in-turn", 5, i1="wait")
    write = run.store.write

    def die(container: str, blob: str, data: bytes, **options: Any) -> str:
        if blob.endswith("n0002.jsonl"):
            raise OSError("the worker is gone")
        return write(container, blob, data, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.store, "write", die)
        with pytest.raises(OSError, match="gone"):
            carry_out_boxed(run, 5)
    run.finalize()
    assert run.manifest().items.pending == 5
    end = run.redrive()
    assert end.items is not None
    assert (end.items.succeeded, end.items.pending) == (5, 0)
    insist_on_all(run, 5, [BatchResult(succeeded=5)])
