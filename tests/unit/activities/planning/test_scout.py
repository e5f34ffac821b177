"""The scout: a small run is one activity, a large one begins with it, and each item ends once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from math import inf
from threading import Event
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import from_json

from activities.batches import process_batch
from activities.batches.boxes import rests
from activities.batches.boxes.stretch import Stretch
from activities.batches.process_batch import process
from activities.endings.finish import finish_attempt
from activities.planning import begin, plan
from fanout.errors import AttemptOverError
from fanout.governor import control_rules, wave_size
from fanout.governor.run_state import ControlState
from fanout.messages.batches import BatchResult, ProcessAsk
from fanout.messages.beginning import BeginResult
from fanout.messages.ending import EndedRun
from fanout.messages.rests import SCOUT_EVENT, RestNews
from fanout.messages.run import RunEnd
from fanout.models.limits import LimitsChange
from fanout.models.request import RunRequest, Tolerance
from fanout.naming import blob_paths, functions
from fanout.workload import Context, MapWorkload, NoParameters
from tests.support.doubles.counting import CountingStore, CountingTables
from tests.support.doubles.crashes import (
    DeathError,
    DyingStore,
    DyingTables,
    Fuse,
    ShareableTables,
    Stops,
)
from tests.support.replays.local_runs import RUN_ID, inline
from tests.support.replays.scouted_runs import CLAIMED_AT, ScoutedRun
from tests.support.workloads.probe_workloads import Caller, Sum
from tests.support.workloads.saga_workload import Voyage
from workloads import registry

pytestmark = pytest.mark.usefixtures("lone_runs")


@pytest.fixture(autouse=True)
def patient_scouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stalls makes no slow items: boxes end where a test says so, and not before."""
    monkeypatch.setattr(wave_size, "SCOUT_SECONDS", 600.0)


def end_boxes_after(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """Have each batch in a time box give back all but its first items."""

    @contextmanager
    def watch(ask: ProcessAsk, stretch: Stretch, files: Any, _: Any) -> Iterator[None]:
        if ask.box is not None:
            _cut_short_at(
                stretch, stretch.bounds[0] + kept, rests.give_back_by(ask, stretch, files)
            )
        try:
            yield
        finally:
            stretch.close()

    monkeypatch.setattr(process_batch, "watch", watch)


def _cut_short_at(stretch: Stretch, end: int, give_back: Callable[[int], int | None]) -> None:
    begin = stretch.begin

    def begin_and_look(index: int) -> bool:
        may_begin = begin(index)
        if may_begin and index + 1 == end:
            stretch.cut_short(give_back)
        return may_begin

    stretch.begin = begin_and_look  # type: ignore[method-assign]


def asked(items: int, **more: Any) -> RunRequest:
    """A run over items that end well, cut as the product cuts where nobody says how."""
    return inline([{"id": n} for n in range(items)], **({"batch": None} | more))


@pytest.mark.parametrize("width", [101, 200, 1_000])
@pytest.mark.parametrize("items", [17, 100, 1_000])
def test_a_run_of_several_shards_goes_on_when_the_first_is_done(items: int, width: int) -> None:
    """The scout's batch may be all that the first shard has, and not all that there is."""
    scene = ScoutedRun(asked(items, concurrency={"batches": width}))
    end = scene.carry_out()
    scene.insist_on_one_end(end)
    assert (end.items.total, end.items.succeeded) == (items, items)
    assert functions.PROCESS_BATCH in scene.inline.called


def failing(kinds: int, text: str, **more: Any) -> RunRequest:
    """A run whose items fail in so many ways, each with a long text."""
    items = [{"id": f"{n}-{text}", "says": f"{n}-{text}"} for n in range(kinds)]
    return inline(items, **({"batch": None, "tolerance": {"percentage": 100}} | more))


@pytest.mark.parametrize("text", ["x" * 600, "\N{SNOWMAN}" * 600, '"' * 600])
@pytest.mark.parametrize("on_exceeded", ["stop", "continue", "compensate"])
@pytest.mark.parametrize("tolerance", [{"percentage": 0}, {"percentage": 100}])
def test_its_answer_fits_into_a_history_whatever_items_fail_of(
    text: str, on_exceeded: str, tolerance: dict[str, float]
) -> None:
    scene = ScoutedRun(failing(9, text, on_exceeded=on_exceeded, tolerance=tolerance))
    end = scene.carry_out()
    scene.insist_on_one_end(end)
    assert end.items.failed == 9
    assert scene.inline.called.count(functions.BEGIN) == 1, "its answer was too long"


AT_ONCE = {"base_seconds": 0.01, "factor": 1, "max_seconds": 0.01, "jitter_seconds": 0.0}


def mixed(items: int, **more: Any) -> RunRequest:
    """A run whose first items end well at once, at the second try, or never."""
    kinds: list[dict[str, Any]] = [{}, {"good": 2}, {"ending": "permanent"}]
    found = [{"id": n} | kinds[n % 3] for n in range(items)]
    return inline(found, **({"batch": None, "retry": AT_ONCE} | more))


KINDS: dict[str, Callable[[], RunRequest]] = {
    "one item": lambda: asked(1),
    "quick items": lambda: asked(9),
    "fixed batches": lambda: asked(6, batch={"max_items": 2}, concurrency={"batches": 2}),
    "several shards": lambda: asked(6, concurrency={"batches": 17}),
    "no items": lambda: asked(0),
    "fewer than there are": lambda: asked(9, max_items=3),
    "retries": lambda: mixed(7, tolerance={"percentage": 100}),
    "too many failures": lambda: mixed(7),
    "failures at will": lambda: mixed(7, on_exceeded="continue"),
    "compensation": lambda: mixed(7, on_exceeded="compensate"),
    "a rate": lambda: asked(4, concurrency={"items_per_second": 1_000}),
}
TOTALS = {"one item": 1, "quick items": 9, "no items": 0, "fewer than there are": 3, "a rate": 4}
TOTALS |= {"fixed batches": 6, "several shards": 6}


def insist_on(kind: str, scene: ScoutedRun, end: Any) -> None:
    scene.insist_on_one_end(end)
    assert end.items.total == TOTALS.get(kind, 7)
    if kind in TOTALS:
        assert (end.outcome, end.items.succeeded) == ("succeeded", end.items.total)
    elif kind == "compensation":
        assert (end.outcome, end.items.succeeded) == ("compensated", 0)


@pytest.mark.parametrize("kept", [0, 2])
@pytest.mark.parametrize("is_made", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_wherever_it_dies_the_run_ends_as_it_would_have(
    kind: str, kept: int, is_made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice: what died is delivered again, and finds what it left."""
    if kept:
        end_boxes_after(monkeypatch, kept)
    wanted = ScoutedRun(KINDS[kind]()).carry_out()
    for number in count():
        fuse = Fuse()
        scene = ScoutedRun(KINDS[kind](), DyingStore(fuse), DyingTables(fuse))
        fuse.left, fuse.is_made = number, is_made
        end = scene.carry_out()
        if fuse.left is not None:
            break
        insist_on(kind, scene, end)
        assert (end.outcome, end.items) == (wanted.outcome, wanted.items)
    assert number >= 5


class Meddled:
    """A run to which things happen before its writes, counted from the last that happened."""

    def __init__(self, kind: str, stops: list[tuple[int, str]]) -> None:
        self._stops = Stops()
        self.scene = ScoutedRun(
            KINDS[kind](), DyingStore(self._stops), ShareableTables(self._stops)
        )
        self.happened: list[str] = []
        self._stops.set([(number, partial(self._happen, name)) for number, name in stops])

    def _happen(self, name: str) -> None:
        self.happened.append(name)
        match name:
            case "death":
                raise DeathError
            case "begin":
                with suppress(AttemptOverError):
                    self.scene.begin()
            case "cancel":
                self.scene.control(control_rules.cancel)
            case "suspend":
                self.scene.control(lambda known: control_rules.suspend(known, CLAIMED_AT))
            case "resume":
                self.scene.control(control_rules.resume)
            case "limits":
                self.scene.control(tolerate_all)
            case "force":
                end = RunEnd(outcome="failed", at=CLAIMED_AT, is_forced=True)
                ask = EndedRun(run_id=RUN_ID, claim=self.scene.claim, end=end)
                finish_attempt(ask, self.scene.rows)


def tolerate_all(known: ControlState) -> ControlState:
    change = LimitsChange(tolerance=Tolerance(percentage=100))
    return control_rules.change_limits(known, change)


def insist_on_wishes(kind: str, meddled: Meddled, end: RunEnd, wanted: RunEnd) -> None:
    """What people asked for before it was decided has been done, and nothing else."""
    state = meddled.scene.state
    if end.is_forced:
        assert "force" in meddled.happened
        return
    verdict = state.run.verdict
    assert verdict is not None
    assert verdict.is_cancelled == ("cancel" in meddled.happened and state.control.is_cancelled)
    if not {"cancel", "limits"} & {*meddled.happened}:
        assert (end.outcome, end.items) == (wanted.outcome, wanted.items)
    if verdict.is_cancelled and end.items.pending:
        assert end.outcome == "cancelled"
    if not verdict.is_cancelled and kind in TOTALS:
        assert end.items.succeeded == end.items.total


@pytest.mark.parametrize("kept", [0, 2])
@pytest.mark.parametrize("name", ["begin", "cancel", "suspend", "limits", "force"])
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_happens_between_two_writes_there_is_one_end_and_its_results(
    kind: str, name: str, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice at once, out of order, and with people who want something in between."""
    if kept:
        end_boxes_after(monkeypatch, kept)
    wanted = ScoutedRun(KINDS[kind]()).carry_out()
    for number in count():
        then = [(6, "resume")] if name == "suspend" else []
        meddled = Meddled(kind, [(number, name), *then])
        end = meddled.scene.carry_out()
        if not meddled.happened:
            break
        meddled.scene.insist_on_one_end(end)
        insist_on_wishes(kind, meddled, end, wanted)
    assert number >= 5


STOPS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["begin", "death", "cancel", "limits", "force"])),
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from([*KINDS]), stops=STOPS, kept=st.integers(0, 3), twice=st.booleans())
def test_whatever_happens_in_whatever_order_there_is_one_end_and_its_results(
    kind: str, stops: list[tuple[int, str]], kept: int, *, twice: bool
) -> None:
    """Twice, late, out of order, and not at all until the host delivers it again."""
    with pytest.MonkeyPatch.context() as patch:
        if kept:
            end_boxes_after(patch, kept)
        wanted = ScoutedRun(KINDS[kind]()).carry_out()
        meddled = Meddled(kind, stops)
        if twice:
            meddled.scene.inline.repeat = {functions.BEGIN}
        end = meddled.scene.carry_out()
        meddled.scene.insist_on_one_end(end)
        insist_on_wishes(kind, meddled, end, wanted)


@pytest.mark.parametrize("kept", [0, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_got_lost_is_given_again_and_no_item_ends_twice(
    kind: str, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice, one after the other: the orchestrator hears only the second."""
    if kept:
        end_boxes_after(monkeypatch, kept)
    wanted = ScoutedRun(KINDS[kind]()).carry_out()
    scene = ScoutedRun(KINDS[kind]())
    scene.inline.repeat = {functions.BEGIN, functions.STEER, functions.PROCESS_BATCH}
    end = scene.carry_out()
    insist_on(kind, scene, end)
    assert (end.outcome, end.items) == (wanted.outcome, wanted.items)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_deleted_while_it_begins_leaves_no_rows_and_does_nothing(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Late: a beginning goes on that was held up, whose run was ended by force and deleted."""
    monkeypatch.setattr(begin, "QUICK_SECONDS", 0.0)
    stops = Stops()
    scene = ScoutedRun(KINDS[kind](), DyingStore(stops), ShareableTables(stops))
    stops.set([(0, scene.delete)])
    with pytest.raises(AttemptOverError, match="deleted while it was planned"):
        scene.begin()
    assert [name for name in scene.left() if "/plan/" not in name] == []


def test_a_run_that_is_deleted_while_it_begins_takes_no_rows_from_the_next_of_its_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(begin, "QUICK_SECONDS", 0.0)
    stops = Stops()
    scene = ScoutedRun(asked(3), DyingStore(stops), ShareableTables(stops))
    others: list[tuple[ScoutedRun, RunEnd]] = []

    def use_again() -> None:
        scene.delete()
        other = ScoutedRun(asked(5), scene.run.store, scene.tables)
        others.append((other, other.carry_out()))

    stops.set([(0, use_again)])
    with pytest.raises(AttemptOverError, match="deleted while it was planned"):
        scene.begin()
    ((other, end),) = others
    other.insist_on_one_end(end)
    assert end.items.succeeded == 5


@pytest.mark.parametrize("number", range(3, 12))
def test_a_run_that_is_deleted_while_its_scout_is_at_work_gets_no_rows_again(number: int) -> None:
    """Late: the scout goes on, though nobody wants to know any more."""
    stops = Stops()
    scene = ScoutedRun(asked(9), DyingStore(stops), ShareableTables(stops))
    happened: list[int] = []
    stops.set([(number, lambda: (happened.append(number), scene.delete()))])
    begun = scene.begin()
    if happened:
        assert [name for name in scene.left() if " " in name] == []
        assert begun.settled is None or begun.settled.end is not None


BEGINNING = [
    "QUERY r!a1",
    "GET !admission places",
    "POST !admission places",
    "GET r/request.json",
    "PUT r/plan/manifest.json",
    "POST r!a1 run s00",
]
ENDING = [
    "PUT r/results/SUCCEEDED-00000.jsonl",
    "PUT r/results/manifest.json",
    "PUT r/summary.json",
    "POST r!a1 control run s00",
    "POST !runs i o",
    "POST !admission places",
]


@pytest.mark.parametrize(
    ("items", "part"), [(1, "b0000"), (100, "b0000n0100"), (1_000, "b0000n1000")]
)
def test_a_small_run_is_one_activity_of_thirteen_requests(
    items: int, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begin, "QUICK_SECONDS", inf)  # a slow one would look at the claim
    requests: list[str] = []
    scene = ScoutedRun(asked(items), CountingStore(requests), CountingTables(requests))
    requests.clear()
    end = scene.carry_out()
    made = ["POST !runs i o" if one.startswith("POST !runs") else one for one in requests]
    own = f"PUT r/parts/a1-p00000-r0-{part}.jsonl"
    assert sorted(made) == sorted([*BEGINNING, own, *ENDING])
    assert scene.inline.called == [functions.BEGIN]
    scene.insist_on_one_end(end)
    assert end.items.succeeded == items
    (shard,) = scene.state.shards.values()
    assert (shard.reason, shard.counts.succeeded) == ("done", items)


TABLE = "day,amount\n" + "".join(f"d{n},{n}\n" for n in range(2_000))


@pytest.mark.parametrize(("rows", "is_one"), [(None, True), (500, False)])
def test_a_table_for_a_chunk_workload_is_scouted_if_it_is_one_cut(
    rows: int | None, *, is_one: bool
) -> None:
    request = RunRequest.model_validate(
        {
            "workload": Sum.name,
            "parameters": {"column": "amount"},
            "source": {"kind": "text", "text": TABLE, "read": "csv"},
            "batch": None if rows is None else {"max_items": rows},
        }
    )
    scene = ScoutedRun(request)
    end = scene.carry_out()
    assert (end.outcome, end.items.succeeded) == ("succeeded", 2_000)
    assert (scene.inline.called == [functions.BEGIN]) == is_one
    data = scene.run.files.read(blob_paths.result_path(RUN_ID, "sum.json"))
    assert from_json(data)["sum"] == sum(range(2_000))


def test_a_saga_and_a_run_of_a_shared_service_begin_without_a_scout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = SimpleNamespace(downstream_rates={})
    monkeypatch.setattr(plan, "settings", lambda: app)
    for request in (
        inline([{"id": "a"}], Voyage.name),
        inline([{"id": 1}], Caller.name, parameters={"url": "http://localhost:9"}),
    ):
        begun = ScoutedRun(request).begin()
        assert begun.order is not None and begun.order.action == "go"
        assert (begun.scout, begun.settled, begun.next_order) == (None, None, None)


class Held(BaseModel):
    n: int


class Holding(MapWorkload[Held, NoParameters]):
    """Holds its second item until it is told to go on."""

    name: ClassVar[str] = "holding"
    item_model = Held
    may_go_on = Event()

    def process(self, item: Held, context: Context[NoParameters]) -> Any:
        assert item.n != 1 or self.may_go_on.wait(120)
        return item.n


registry.register(Holding())


def test_while_a_scout_is_stuck_others_do_its_rest_and_then_it_says_what_it_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At once: a beginning tells of its rest, is asked again, and answers when all is done."""
    monkeypatch.setattr(wave_size, "SCOUT_SECONDS", 0.2)
    scene = ScoutedRun(inline([{"n": n} for n in range(8)], Holding.name, batch=None))
    Holding.may_go_on.clear()
    asked_again: list[BeginResult] = []
    rest: list[BatchResult] = []

    def tell(instance: str, name: str, value: Any = None) -> None:
        if name == SCOUT_EVENT:
            news = RestNews.load(value)
            assert (instance, news and news.cuts) == (RUN_ID, 2)
            asked_again.append(scene.begin())
            ask = ProcessAsk(run_id=RUN_ID, claim=scene.claim, partition=0, first_cut=2, span=6)
            rest.append(process(ask, scene.run.files, scene.rows))
            Holding.may_go_on.set()

    scene.inline.tell = tell
    begun = scene.begin()
    assert begun.scout is not None
    assert (begun.scout.cuts, begun.scout.succeeded, rest[0].succeeded) == (2, 2, 6)
    assert (begun.settled, begun.next_order) == (None, None), "the orchestration goes on itself"
    (again,) = asked_again
    assert again.scout is None and again.order is not None
    assert (again.order.is_repeated, again.order.cuts) == (True, 8)
    assert [outcome.output for outcome in scene.run.outcomes_now()] == [*range(8)]
