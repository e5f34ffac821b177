"""What shards are told, whatever is asked twice or late, refused, lost, or asked meanwhile."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.batches.steer import steer_shard
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.governor import control_rules, run_rules
from fanout.governor.run_state import ControlState, GovernorState
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd, RunRef
from fanout.messages.shards import ShardCounts, ShardOrder, ShardWork
from fanout.models.limits import ConcurrencyChange, Limits, LimitsChange
from fanout.models.request import RetryPolicy, Tolerance
from fanout.naming import row_keys
from tests.support.doubles.memory_tables import MemoryTables, memory_rows
from tests.support.replays.walking_shards import ITEMS_A_CUT, Came, Grant, Walker

START = datetime(2026, 1, 1, tzinfo=UTC)
RUN_ID = "r"
CUTS = 6
DOWNSTREAM = "shop"


class LostError(Exception):
    """A request that never came, or an answer that got lost."""


@dataclass
class Scene:
    """The shards of a run, on a clock that is set by hand.

    Attributes:
        limits: Those that it is planned with.
        downstream_rate: What the service takes that the items call; None calls none.
    """

    count: int
    limits: Limits
    downstream_rate: float | None = None
    rows: Rows = field(default_factory=memory_rows)
    now: float = 0.0
    walkers: list[Walker] = field(default_factory=list)

    def __post_init__(self) -> None:
        work = Work(
            items=self.count * 2 * CUTS * ITEMS_A_CUT,
            cuts=self.count * 2 * CUTS,
            partitions=self.count * 2,
            cuts_per_partition=CUTS,
            shards=self.count,
            items_per_cut=ITEMS_A_CUT,
        )
        plan = PlanResult(
            work=work,
            limits=self.limits,
            retry=RetryPolicy(),
            downstream=None if self.downstream_rate is None else DOWNSTREAM,
            downstream_rate=self.downstream_rate,
        )

        def begun(state: GovernorState) -> tuple[GovernorState, None]:
            run = run_rules.open_run(state.run, self.at, "", is_queued=False)
            run = run_rules.note_plan(run, plan, self.at)
            return state.model_copy(update={"run": run}), None

        change_attempt(self.rows, RUN_ID, 1, begun)
        ref = RunRef(run_id=RUN_ID)
        for shard in range(self.count):
            self.walkers.append(Walker(ShardWork.first(ref, plan, work, shard, "process")))

    @property
    def at(self) -> str:
        return (START + timedelta(seconds=self.now)).isoformat()

    @property
    def state(self) -> GovernorState:
        return read_attempt(self.rows, RUN_ID, 1).state

    @property
    def tables(self) -> MemoryTables:
        assert isinstance(self.rows.tables, MemoryTables)
        return self.rows.tables

    @property
    def rows_now(self) -> list[Any]:
        """Every row, with its ETag."""
        return [*self.tables.rows(self.rows.table)]

    @property
    def said(self) -> list[Any]:
        """What every row says."""
        return [(partition, key, row.values) for partition, key, row in self.rows_now]

    def control(self, change: Callable[[ControlState], ControlState]) -> None:
        def rule(known: ControlState) -> tuple[ControlState, None]:
            return change(known), None

        partition = row_keys.attempt_partition(RUN_ID, 1)
        self.rows.change(partition, row_keys.CONTROL_ROW, ControlState, rule)

    def insist_on_sums(self) -> None:
        """Each wave is counted once, and every item is somewhere."""
        told = ShardCounts()
        for walker in self.walkers:
            told = told.plus(walker.reported)
        state = self.state
        assert state.counts("process") == told
        items = state.items.model_dump()
        total = items.pop("total")
        assert min(items.values()) >= 0 and sum(items.values()) == total
        held = {key: one.batches for key, one in state.held.items()}
        flying = {walker.work.key: walker.in_flight for walker in self.walkers}
        assert held == {key: batches for key, batches in flying.items() if batches}

    def insist_on_same_answers(self) -> None:
        """Whoever asks the last question again hears the same, and nothing changes."""
        before = self.rows_now
        for walker in self.walkers:
            for asked, order in walker.asked[-1:]:
                assert steer_shard(asked, self.rows) == again(order)
        assert self.rows_now == before


def refusing(scene: Scene, number: int, *, is_heard: bool) -> None:
    """Lose the write of this number: its request, or (if it is heard) its answer."""
    writes = count()

    def lose() -> None:
        if next(writes) == number:
            raise LostError

    setattr(scene.tables, "after_write" if is_heard else "before_write", lose)


def again(order: ShardOrder) -> ShardOrder:
    """An answer as it is given once more."""
    return order.model_copy(update={"is_repeated": True})


def calmed(scene: Scene) -> None:
    scene.tables.before_write = scene.tables.after_write = lambda: None


came = st.builds(
    Came,
    failed=st.integers(0, 3),
    again=st.sampled_from([0, 0, 5, 1000]),
    has_tripped=st.sampled_from([False, False, False, True]),
)
tolerances = st.sampled_from([Tolerance(percentage=100), Tolerance(count=4)])
rates = st.sampled_from([None, 3.0, 50.0])
limits = st.builds(
    Limits, batches_in_flight=st.integers(1, 7), items_per_second=rates, tolerance=tolerances
)
seconds = st.sampled_from([0.0, 0.3, 5.0, 31.0])
harms = st.sampled_from(["none", "none", "twice", "late", "request lost", "answer lost"])
controls = st.sampled_from(["", "", "", "", "narrow", "wide", "fast", "suspend", "resume"])
acts = st.tuples(st.integers(0, 3), seconds, came, harms, st.integers(0, 4), controls)
CONTROLS: dict[str, Callable[[ControlState], ControlState]] = {
    "narrow": lambda known: control_rules.change_limits(
        known, LimitsChange(concurrency=ConcurrencyChange(batches=1))
    ),
    "wide": lambda known: control_rules.change_limits(
        known, LimitsChange(concurrency=ConcurrencyChange(batches=9))
    ),
    "fast": lambda known: control_rules.change_limits(
        known, LimitsChange(concurrency=ConcurrencyChange(items_per_second=500))
    ),
    "suspend": lambda known: control_rules.suspend(known, START.isoformat()),
    "resume": control_rules.resume,
}


def harmed(scene: Scene, walker: Walker, came: Came, harm: str, number: int) -> None:
    """Have a shard ask, and what it asks be lost, repeated, or repeated late."""
    asked = walker.question(scene.at)
    if harm in ("request lost", "answer lost"):
        refusing(scene, number, is_heard=harm == "answer lost")
        try:
            steer_shard(asked, scene.rows)
        except LostError:
            pass
        finally:
            calmed(scene)
    walker.heard(asked, steer_shard(asked, scene.rows), came)
    before = scene.rows_now
    if harm == "twice":
        assert steer_shard(asked, scene.rows) == again(walker.asked[-1][1])
    if harm == "late":
        late, _ = walker.asked[number % len(walker.asked)]
        order = steer_shard(late, scene.rows)
        if late != asked:
            assert (order.action, order.work) == ("resume", asked.work)
    assert scene.rows_now == before


@given(
    count=st.integers(1, 4),
    limits=limits,
    downstream_rate=st.sampled_from([None, None, 4.0, 100.0]),
    acts=st.lists(acts, max_size=40),
)
def test_what_is_asked_twice_or_late_or_lost_changes_nothing(
    count: int, limits: Limits, downstream_rate: float | None, acts: list[Any]
):
    scene = Scene(count, limits, downstream_rate)
    clean = Scene(count, limits, downstream_rate)
    for number, passed, next_wave, harm, which, control in acts:
        scene.now += passed
        clean.now = scene.now
        if control:
            scene.control(CONTROLS[control])
            clean.control(CONTROLS[control])
        walker = scene.walkers[number % count]
        if walker.has_stopped:
            continue
        others = scene.state.held
        others.pop(walker.work.key, None)
        harmed(scene, walker, next_wave, harm, which)
        order = clean.walkers[number % count].step(clean.at, next_wave, clean.rows)
        assert walker.asked[-1][1] in (order, again(order))
        assert walker.asked[-1][1] == order or harm in ("request lost", "answer lost")
        assert scene.said == clean.said
        scene.insist_on_sums()
        if order.action == "go" and order.cuts:
            free = scene.state.limits.batches_in_flight - sum(
                one.batches for one in others.values()
            )
            assert walker.in_flight <= free


meetings = st.lists(st.tuples(st.integers(0, 3), came), max_size=12)


@dataclass
class Meeting:
    """Has other shards ask between what one has read and what it writes."""

    scene: Scene
    walker: Walker
    others: Iterator[tuple[int, Came]]
    is_busy: bool = False

    def __call__(self) -> None:
        if self.is_busy:
            return
        for number, next_wave in self.others:
            other = self.scene.walkers[number % self.scene.count]
            if other is not self.walker and not other.has_stopped:
                self.is_busy = True
                other.step(self.scene.at, next_wave, self.scene.rows)
                self.is_busy = False
                return


@given(
    count=st.integers(2, 4),
    limits=limits,
    downstream_rate=st.sampled_from([None, None, 100.0]),
    acts=st.lists(st.tuples(st.integers(0, 3), seconds, came, meetings), max_size=25),
)
def test_shards_that_ask_at_the_same_time_share_what_there_is(
    count: int, limits: Limits, downstream_rate: float | None, acts: list[Any]
):
    scene = Scene(count, limits, downstream_rate)
    for number, passed, next_wave, others in acts:
        scene.now += passed
        walker = scene.walkers[number % count]
        if walker.has_stopped:
            continue
        scene.tables.before_write = Meeting(scene, walker, iter(others))
        walker.step(scene.at, next_wave, scene.rows)
        calmed(scene)
        scene.insist_on_sums()
        assert sum(one.batches for one in scene.state.held.values()) <= limits.batches_in_flight
    scene.insist_on_same_answers()
    grants = [grant for walker in scene.walkers for grant in walker.grants]
    # With both, one that waits longer for the one begins later than the other has room for it.
    if limits.items_per_second is None or downstream_rate is None:
        rate = limits.items_per_second or downstream_rate
        assert rate is None or is_paced(grants, rate)


def is_paced(grants: list[Grant], rate: float) -> bool:
    """Whether no items begin before those before them have had their time."""
    return all(
        later.begins - earlier.begins >= timedelta(seconds=earlier.items / rate - 0.001)
        for earlier, later in pairwise(sorted(grants, key=lambda grant: grant.begins))
    )


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_shards_come_to_their_end_and_every_item_is_counted(limit: int):
    scene = Scene(3, Limits(batches_in_flight=limit, tolerance=Tolerance(percentage=100)))
    rounds = 0
    while not all(walker.has_stopped for walker in scene.walkers):
        rounds += 1
        assert rounds < 1000, "they starve"
        scene.now += 1
        for walker in scene.walkers:
            if not walker.has_stopped:
                walker.step(scene.at, Came(failed=1, again=3), scene.rows)
    items = scene.state.items
    assert (items.pending, items.succeeded + items.failed) == (0, items.total)
    assert scene.state.partitions.done == scene.state.partitions.total
    assert {one.reason for one in scene.state.shards.values()} == {"done"}


def test_a_shard_told_to_probe_has_not_answered_by_what_it_told_before():
    scene = Scene(
        2, Limits(batches_in_flight=2, tolerance=Tolerance(percentage=100)), downstream_rate=100
    )
    first, second = scene.walkers
    first.step(scene.at, Came(), scene.rows)
    second.step(scene.at, Came(has_tripped=True), scene.rows)
    assert second.step(scene.at, Came(), scene.rows).action == "wait"
    scene.now += 5
    asked = first.question(scene.at)
    assert asked.work.has_answered
    refusing(scene, 1, is_heard=False)
    with pytest.raises(LostError):
        steer_shard(asked, scene.rows)
    calmed(scene)
    assert steer_shard(asked, scene.rows).is_probe


def test_one_that_begins_anew_is_told_where_the_one_before_was():
    scene = Scene(1, Limits(batches_in_flight=2, tolerance=Tolerance(percentage=100)))
    (walker,) = scene.walkers
    first = walker.question(scene.at)
    for _ in range(3):
        walker.step(scene.at, Came(again=5), scene.rows)
    last, order = walker.asked[-1]
    resumed = steer_shard(first, scene.rows)
    assert (resumed.action, resumed.work) == ("resume", last.work)
    assert steer_shard(last, scene.rows) == again(order)


def test_another_question_of_the_same_number_is_of_one_that_begins_anew():
    scene = Scene(1, Limits(batches_in_flight=2, tolerance=Tolerance(percentage=100)))
    (walker,) = scene.walkers
    walker.step(scene.at, Came(), scene.rows)
    walker.step(scene.at, Came(), scene.rows)
    asked, _ = walker.asked[-1]
    elsewhere = asked.work.model_copy(update={"first_cut": 0, "sequence": 0})
    resumed = steer_shard(asked.model_copy(update={"work": elsewhere}), scene.rows)
    assert (resumed.action, resumed.work) == ("resume", asked.work)


@pytest.mark.parametrize("claim", ["", "another run's"])
def test_a_shard_of_an_attempt_that_is_over_is_told_to_stop(claim: str):
    scene = Scene(1, Limits(batches_in_flight=2))

    def end(state: GovernorState) -> tuple[GovernorState, None]:
        over = RunEnd(outcome="cancelled", at=scene.at, is_forced=True)
        run = run_rules.finish(state.run, over) if not claim else state.run
        return state.model_copy(update={"run": run}), None

    change_attempt(scene.rows, RUN_ID, 1, end)
    asked = scene.walkers[0].question(scene.at)
    asked = asked.model_copy(update={"work": asked.work.model_copy(update={"claim": claim})})
    before = scene.rows_now
    order = steer_shard(asked, scene.rows)
    assert (order.action, order.reason) == ("stop", "over")
    assert scene.rows_now == before
