"""A batch gives back a rest: whoever carries out what, late, twice or in between, all add up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from activities.batches import process_batch
from activities.batches.boxes import rests
from activities.batches.boxes.stretch import Stretch
from activities.batches.process_batch import process
from fanout.messages.batches import BatchResult, ProcessAsk, TimeBox
from fanout.naming import blob_paths
from fanout.naming.blob_paths import BatchName
from fanout.outcomes.rests import read_rest_record
from fanout.workload import Context, MapWorkload, NoParameters
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline
from workloads import registry

BOX = TimeBox(seconds=1, stuck_seconds=1)
Act = Callable[[], None]


@dataclass
class Script:
    """What happens while items are at work, by the number of the execution and of the item."""

    acts: dict[tuple[int, int], Act] = field(default_factory=dict)
    tried: list[int] = field(default_factory=list)
    executions: list[int] = field(default_factory=list)

    def happen(self, number: int) -> None:
        self.tried.append(number)
        act = self.acts.pop((self.executions[-1], number), None)
        if act is not None:
            act()


script = Script()


class Numbered(BaseModel):
    n: int


class Acting(MapWorkload[Numbered, NoParameters]):
    """Lets something happen while an item is at work."""

    name: ClassVar[str] = "acting"
    item_model = Numbered

    def process(self, item: Numbered, context: Context[NoParameters]) -> Any:
        script.happen(item.n)
        return item.n


registry.register(Acting())


class Boxes:
    """Batches in time boxes that end when a test says so."""

    def __init__(self, items: int) -> None:
        self.run = LocalRun(inline([{"n": n} for n in range(items)], "acting", batch=None))
        assert self.run.plan().work.cuts == items
        self.open: dict[int, tuple[Stretch, Callable[[int], int | None]]] = {}
        self.count = 0
        script.__init__()  # type: ignore[misc]  # a new one for each example

    @contextmanager
    def watch(self, ask: ProcessAsk, stretch: Stretch, files: Any, _: Any) -> Iterator[None]:
        if ask.box is not None:
            give_back = rests.give_back_by(ask, stretch, files)
            self.open[script.executions[-1]] = (stretch, give_back)
        try:
            yield
        finally:
            stretch.close()

    def end_box(self) -> None:
        """The box of the batch at work is over, if it is in one."""
        box = self.open.get(script.executions[-1])
        if box is not None:
            stretch, give_back = box
            stretch.cut_short(give_back)

    def carry_out(
        self,
        first: int,
        span: int,
        acts: dict[int, Act] | None = None,
        granted_at: str | None = None,
    ) -> BatchResult:
        execution, self.count = self.count, self.count + 1
        script.acts |= {(execution, number): act for number, act in (acts or {}).items()}
        script.executions.append(execution)
        box = BOX.model_copy(update={"granted_at": granted_at})
        ask = ProcessAsk(run_id=RUN_ID, partition=0, first_cut=first, span=span, box=box)
        try:
            return process(ask, self.run.files)
        finally:
            script.executions.pop()

    def part(self, first: int, span: int) -> bytes | None:
        name = BatchName(0, first, span)
        return self.run.files.find(blob_paths.part_path(RUN_ID, blob_paths.FIRST, name))

    def insist_that_all_add_up(self, results: list[BatchResult], items: int) -> None:
        outcomes = self.run.outcomes_now()
        assert [outcome.index for outcome in outcomes] == list(range(items))
        assert {outcome.status for outcome in outcomes} == {"succeeded"}, outcomes
        assert [outcome.output for outcome in outcomes] == list(range(items))
        assert sum(result.succeeded for result in results) == items


@pytest.fixture(autouse=True)
def boxes_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_batch, "watch", lambda *asked: current[-1].watch(*asked))


current: list[Boxes] = []


def make_boxes(items: int) -> Boxes:
    current[:] = [Boxes(items)]
    return current[0]


def test_a_batch_keeps_what_it_has_begun_and_others_do_the_rest():
    boxes = make_boxes(5)
    kept = boxes.carry_out(0, 5, {1: boxes.end_box})
    assert (kept.cuts, kept.succeeded, script.tried) == (2, 2, [0, 1])
    record = boxes.part(0, 5)
    assert record is not None
    assert read_rest_record(record) == 2
    rest = boxes.carry_out(2, 3)
    boxes.insist_that_all_add_up([kept, rest], 5)


def test_nothing_is_given_back_that_has_begun():
    boxes = make_boxes(3)
    whole = boxes.carry_out(0, 3, {2: boxes.end_box})
    assert (whole.cuts, whole.succeeded) == (None, 3) or whole.cuts == 3
    boxes.insist_that_all_add_up([whole], 3)


def test_until_somebody_does_it_the_rest_is_pending():
    boxes = make_boxes(4)
    boxes.carry_out(0, 4, {0: boxes.end_box})
    statuses = [outcome.status for outcome in boxes.run.outcomes_now()]
    assert sum(o.count for o in boxes.run.outcomes_now()) == 4
    assert statuses[0] == "succeeded"
    assert set(statuses[1:]) == {"pending"}


def test_what_is_kept_is_pending_too_while_the_batch_is_at_work():
    boxes = make_boxes(4)
    seen: list[tuple[str, int]] = []

    def look() -> None:
        boxes.end_box()
        boxes.carry_out(2, 2)
        found = boxes.run.outcomes_now()
        seen.extend((outcome.status, outcome.count) for outcome in found)

    kept = boxes.carry_out(0, 4, {1: look})
    assert seen == [("pending", 1), ("pending", 1), ("succeeded", 1), ("succeeded", 1)]
    assert kept.cuts == 2


def test_an_execution_that_comes_later_takes_up_what_the_batch_has_kept():
    boxes = make_boxes(4)
    kept = boxes.carry_out(0, 4, {1: boxes.end_box})
    again = boxes.carry_out(0, 4)
    assert (again.cuts, again.succeeded) == (kept.cuts, kept.succeeded)
    assert script.tried == [0, 1]


@pytest.mark.parametrize(("age", "looks"), [(-5, True), (0, False), (5, True), (None, True)])
def test_only_a_batch_that_was_granted_just_now_need_not_look(age: float | None, *, looks: bool):
    boxes = make_boxes(2)
    asked: list[str] = []
    find = boxes.run.files.find

    def note(_: Any, path: str) -> bytes | None:
        asked.append(path)
        return find(path)

    at = None if age is None else (datetime.now(UTC) - timedelta(seconds=age)).isoformat()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(boxes.run.files), "find", note)
        boxes.carry_out(0, 2, granted_at=at)
    assert bool(asked) == looks


def test_a_batch_that_comes_twice_at_once_is_counted_once():
    boxes, at = make_boxes(4), datetime.now(UTC).isoformat()
    kept = boxes.carry_out(0, 4, {1: boxes.end_box}, at)
    again = boxes.carry_out(0, 4, granted_at=at)
    assert (again.cuts, again.succeeded) == (kept.cuts, kept.succeeded)
    rest = boxes.carry_out(2, 2, granted_at=at)
    boxes.insist_that_all_add_up([kept, rest], 4)


def test_one_that_dies_after_giving_back_leaves_what_it_kept_to_the_next():
    boxes = make_boxes(4)

    def fail(*_: Any) -> BatchResult:
        raise OSError("the worker is gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process_batch, "_write_own", fail)
        with pytest.raises(OSError, match="gone"):
            boxes.carry_out(0, 4, {1: boxes.end_box})
    rest = boxes.carry_out(2, 2)
    kept = boxes.carry_out(0, 4)
    assert kept.cuts == 2
    boxes.insist_that_all_add_up([rest, kept], 4)


PLACE = st.integers(0, 7)


@settings(max_examples=200, deadline=None)
@given(
    items=st.integers(1, 8),
    stop=st.none() | PLACE,
    twin_at=st.none() | PLACE,
    twin_stop=st.none() | PLACE,
    rest_at=st.none() | PLACE,
    late=st.booleans(),
)
def test_in_whatever_order_executions_come_each_item_has_one_outcome(
    items: int,
    stop: int | None,
    twin_at: int | None,
    twin_stop: int | None,
    rest_at: int | None,
    *,
    late: bool,
):
    """Twice at once, twice one after the other, and with the rest done in between."""
    boxes = make_boxes(items)
    done: dict[int, BatchResult] = {}

    def do_rest() -> None:
        record = boxes.part(0, items)
        kept = None if record is None else read_rest_record(record)
        if kept is not None and kept not in done:
            done[kept] = boxes.carry_out(kept, items - kept)

    def run_twin() -> None:
        boxes.carry_out(0, items, {} if twin_stop is None else {twin_stop: boxes.end_box})

    acts: dict[int, Act] = {}
    for place, act in ((rest_at, do_rest), (twin_at, run_twin), (stop, boxes.end_box)):
        if place is not None:
            earlier = acts.get(place)
            acts[place] = act if earlier is None else lambda a=act, b=earlier: (a(), b())
    first = boxes.carry_out(0, items, acts)
    if late:
        again = boxes.carry_out(0, items)
        assert (again.cuts, again.succeeded) == (first.cuts, first.succeeded)
    do_rest()
    boxes.insist_that_all_add_up([first, *done.values()], items)
    assert first.succeeded == (items if first.cuts is None else first.cuts)
