"""What shards are granted, whatever the order in which they ask and whatever changes meanwhile."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.governor import control_rules, grants, run_rules
from fanout.governor.grants import MAX_NAP_SECONDS, Grant
from fanout.governor.run_state import ControlState, GovernorState, PaceState, ShardState
from fanout.governor.wave_size import MAX_GROWTH, MAX_WIDTH, TARGET_BATCH_MS
from fanout.messages.batches import WaveTally
from fanout.messages.ending import SettleAsk
from fanout.messages.planning import Work
from fanout.messages.shards import Retrying, ShardAsk, ShardOrder, ShardWork, Wave
from fanout.models.limits import Limits, LimitsChange
from fanout.models.request import Tolerance
from tests.support.workloads.attempts import begun, controlled, opened, plan_of, shard_of

START = datetime(2026, 1, 1, tzinfo=UTC)
TOLERANT = Tolerance(percentage=100)


@dataclass
class Shards:
    """Shards that ask one at a time, on a clock that is set by hand.

    Attributes:
        in_flight: Batches that each shard has begun and not ended.
        begun: When how many items were begun, in seconds.
        works: Where each shard is.
    """

    limits: Limits
    count: int = 4
    cuts: int = 20
    items_a_cut: float = 10
    max_span: int = 1
    now: float = 0.0
    state: GovernorState = field(default_factory=GovernorState)
    in_flight: dict[int, int] = field(default_factory=dict)
    begun: list[tuple[float, float]] = field(default_factory=list)
    works: dict[int, ShardWork] = field(default_factory=dict)

    def __post_init__(self) -> None:
        work = Work(
            items=int(self.count * self.cuts * self.items_a_cut),
            cuts=self.count * self.cuts,
            partitions=self.count,
            cuts_per_partition=self.cuts,
            shards=self.count,
            items_per_cut=self.items_a_cut,
            max_span=self.max_span,
        )
        self.state = begun(plan_of().model_copy(update={"work": work, "limits": self.limits}))
        self.works = {number: shard_of(self.state, number) for number in range(self.count)}

    @property
    def at(self) -> str:
        return (START + timedelta(seconds=self.now)).isoformat()

    @property
    def unfinished(self) -> list[int]:
        return [shard for shard, work in self.works.items() if not work.is_done]

    @property
    def asking(self) -> list[int]:
        """Shards that have not been told to stop."""
        stopped = {key for key, shard in self.state.shards.items() if shard.reason is not None}
        return [shard for shard, work in self.works.items() if work.key not in stopped]

    def change(self, **concurrency: float | None) -> None:
        change = LimitsChange.model_validate({"concurrency": concurrency})
        self.state = controlled(self.state, control_rules.change_limits(self.state.control, change))

    def ask(self, shard: int, again: int = 0, work_ms: float = 0.0) -> ShardOrder:
        """End what the shard has in flight, report it, and ask for more."""
        asked = self.asked(shard, again, work_ms)
        return self.answered(asked, grants.decide(self.state, asked))

    def asked(self, shard: int, again: int = 0, work_ms: float = 0.0) -> ShardAsk:
        self.in_flight.pop(shard, None)
        work = self.works[shard]
        if again:
            round_ = Retrying(
                first_cuts=[0], items=again, retry_round=1, since=self.at, until=self.at
            )
            work = work.model_copy(
                update={"retrying": round_, "wave": work.wave or Wave(end=work.cuts_here)}
            )
        elif work.wave is not None:
            tally = work.tally.model_copy(update={"work_ms": work_ms})
            is_through = work.wave.end == work.cuts_here
            work = work.model_copy(
                update={
                    "sequence": work.sequence + 1,
                    "counts": work.counts.plus(tally),
                    "tally": tally,
                    "partition": work.partition + work.shards * is_through,
                    "first_cut": 0 if is_through else work.wave.end,
                    "wave": None,
                    "retrying": None,
                }
            )
        self.works[shard] = work = work.model_copy(update={"call": work.call + 1})
        return ShardAsk(work=work, at=self.at)

    def answered(self, asked: ShardAsk, found: Grant) -> ShardOrder:
        state = self.state.with_shard(asked.work.key, found.shard)
        self.state = state.model_copy(update={"pace": found.pace})
        if found.order.action == "go" and asked.work.retrying is None:
            self._begin(asked.work, found.order)
        return found.order

    def _begin(self, work: ShardWork, order: ShardOrder) -> None:
        items = round(order.cuts * self.items_a_cut)
        self.in_flight[work.shard] = ceil(order.cuts / order.span)
        self.begun.append((self.now + order.wait_seconds, items))
        wave = Wave(end=work.first_cut + order.cuts, span=order.span)
        tally = WaveTally(succeeded=items, tried=items)
        self.works[work.shard] = work.model_copy(update={"wave": wave, "tally": tally})

    def tried(self, shard: int) -> int:
        """Items of the wave that a shard is in."""
        work = self.works[shard]
        return work.tally.tried if work.wave is not None else 0


@given(
    count=st.integers(1, 12),
    limits=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    seed=st.integers(),
)
def test_all_shards_together_never_have_more_in_flight_than_the_run_may(
    count: int, limits: list[int], seed: int
):
    shards = Shards(Limits(batches_in_flight=limits[0], tolerance=TOLERANT), count, cuts=15)
    chance = random.Random(seed)
    most, changes = limits[0], limits[1:]
    for _ in range(3000):
        if not shards.unfinished:
            break
        if changes and chance.random() < 0.02:
            before, most = most, changes.pop()
            shards.change(batches=most)
            # What was granted before may run out first.
            most = max(before, most) if shards.in_flight else most
        shards.ask(chance.choice(shards.asking))
        assert sum(shards.in_flight.values()) <= most
        assert all(0 < width <= MAX_WIDTH for width in shards.in_flight.values())
    assert shards.unfinished == []


@given(
    count=st.integers(1, 12),
    limit=st.integers(1, 300),
    finished=st.sets(st.integers(0, 11)),
    seed=st.integers(),
)
def test_nor_when_each_has_read_the_rows_before_others_wrote_theirs(
    count: int, limit: int, finished: set[int], seed: int
):
    """A shard reads all rows after its own last write, and writes its own only.

    Between the two any others may have been granted something, or have finished.
    """
    shards = Shards(Limits(batches_in_flight=limit, tolerance=TOLERANT), count, cuts=15)
    chance = random.Random(seed)
    for number in finished & {*range(count - 1)}:
        done = shards.works[number].model_copy(update={"partition": count})
        shards.works[number] = done
        shards.ask(number)
    reading: dict[int, tuple[ShardAsk, GovernorState]] = {}
    for _ in range(3000):
        if not shards.unfinished:
            break
        shard = chance.choice(shards.asking)
        if shard not in reading:
            reading[shard] = (shards.asked(shard), shards.state)
            continue
        asked, seen = reading.pop(shard)
        shards.answered(asked, grants.decide(seen, asked))
        assert sum(shards.in_flight.values()) <= limit
    assert shards.unfinished == []


@given(limit=st.integers(1, 300), count=st.integers(1, 64), finished=st.sets(st.integers(0, 63)))
def test_shares_of_the_shards_that_go_on_add_up_to_the_limit(
    limit: int, count: int, finished: set[int]
):
    state = begun(
        shards=count,
        partitions=count,
        cuts_per_partition=100,
        cuts=100 * count,
        width=limit,
        tolerance=TOLERANT,
    )
    works = [shard_of(state, number) for number in range(count)]
    for work in (work for work in works if work.shard in finished):
        state = state.with_shard(work.key, ShardState(reason="done"))
    granted = [
        grants.decide(state, ShardAsk(work=work, at=START.isoformat())).order.cuts
        for work in works
        if work.shard not in finished
    ]
    assert sum(granted) == (min(limit, MAX_WIDTH * len(granted)))


def test_a_lower_limit_is_in_force_once_every_wave_has_ended():
    shards = Shards(Limits(batches_in_flight=64, tolerance=TOLERANT), cuts=400)
    for shard in range(4):
        shards.ask(shard)
    assert sum(shards.in_flight.values()) == 64
    shards.change(batches=3)
    for shard in range(4):
        shards.ask(shard)
    assert sum(shards.in_flight.values()) <= 3


def test_what_a_finished_shard_had_goes_to_the_others():
    shards = Shards(Limits(batches_in_flight=10, tolerance=TOLERANT), count=2, cuts=100)
    shards.ask(0)
    shards.ask(1)
    assert shards.in_flight == {0: 5, 1: 5}
    shards.works[0] = shards.works[0].model_copy(update={"partition": 2, "wave": None})
    assert shards.ask(0).action == "stop"
    shards.ask(1)
    assert shards.in_flight == {1: 10}


@given(
    rate=st.floats(1, 5000),
    count=st.integers(1, 6),
    items=st.floats(1, 50),
    seed=st.integers(),
)
def test_the_rate_is_held_over_all_shards(rate: float, count: int, items: float, seed: int):
    chance = random.Random(seed)
    limits = Limits(batches_in_flight=16, items_per_second=rate, tolerance=TOLERANT)
    shards = Shards(limits, count, cuts=12, items_a_cut=items)
    for _ in range(600):
        if not shards.unfinished:
            break
        order = shards.ask(chance.choice(shards.unfinished))
        assert order.wait_seconds <= MAX_NAP_SECONDS
        shards.now += chance.choice([0.0, order.wait_seconds / count, order.wait_seconds])
    assert shards.unfinished == []
    begun = sorted(shards.begun)
    # Whatever began up to a moment had its time, but for the wave that began then.
    before = 0.0
    for at, wave in begun:
        assert before <= rate * at + count + 1e-3 * rate
        before += wave


def test_a_rate_that_is_raised_does_not_serve_the_old_wait():
    slow = Limits(batches_in_flight=4, items_per_second=0.1, tolerance=TOLERANT)
    shards = Shards(slow, count=1)
    assert shards.ask(0).wait_seconds == 0
    assert shards.ask(0).action == "wait"
    shards.change(items_per_second=None)
    assert shards.state.limits.items_per_second is None
    assert shards.ask(0) == ShardOrder(action="go", cuts=4)


def test_a_retry_round_is_charged_to_the_rate_too():
    shards = Shards(
        Limits(batches_in_flight=4, items_per_second=10, tolerance=TOLERANT), count=1, cuts=4
    )
    assert shards.ask(0).action == "go"
    assert shards.ask(0, again=20).wait_seconds == 4.0
    assert shards.ask(0, again=20).wait_seconds == 6.0


def test_batches_grow_to_about_ten_seconds_of_work():
    shards = Shards(
        Limits(batches_in_flight=2, tolerance=TOLERANT),
        count=1,
        cuts=100_000,
        items_a_cut=10,
        max_span=10**6,
    )
    spans = []
    for _ in range(8):
        shards.now += 1
        order = shards.ask(0, work_ms=shards.tried(0) * 0.5)
        spans.append(order.span)
    assert spans[0] == 1
    assert spans == sorted(spans)
    assert all(later <= MAX_GROWTH * earlier for earlier, later in pairwise(spans))
    assert spans[-1] * 10 * 0.5 == TARGET_BATCH_MS


def test_a_time_box_says_when_its_wave_was_asked_for():
    limits = Limits(batches_in_flight=2, tolerance=TOLERANT)
    shards = Shards(limits, count=1, cuts=100_000, items_a_cut=1, max_span=10**6)
    dates = []
    for _ in range(4):
        shards.now += 1
        order = shards.ask(0, work_ms=shards.tried(0) * 50)
        dates.append(order.box is None or order.box.granted_at == shards.at)
    assert order.box is not None
    assert all(dates)


def test_slow_items_stay_in_small_batches():
    shards = Shards(
        Limits(batches_in_flight=4, tolerance=TOLERANT), count=1, cuts=1000, max_span=100
    )
    for _ in range(5):
        order = shards.ask(0, work_ms=shards.tried(0) * 5000)
        assert order.span == 1


def test_large_batches_leave_no_part_of_the_width_idle():
    shards = Shards(
        Limits(batches_in_flight=10, tolerance=TOLERANT), count=1, cuts=50, max_span=1000
    )
    shards.ask(0)
    order = shards.ask(0, work_ms=100 * 100)
    assert (order.cuts, order.span) == (40, 4)


def test_little_work_is_not_spread_over_the_whole_width():
    shards = Shards(
        Limits(batches_in_flight=10, tolerance=TOLERANT), count=1, cuts=50, max_span=1000
    )
    shards.ask(0)
    order = shards.ask(0, work_ms=0.001)
    assert (order.cuts, order.span) == (40, 40)


def test_nothing_begins_while_the_run_is_suspended_and_all_goes_on_when_it_is_resumed():
    shards = Shards(Limits(batches_in_flight=4, tolerance=TOLERANT), count=2)
    control = control_rules.suspend(ControlState(), shards.at)
    shards.state = controlled(shards.state, control)
    naps = []
    for seconds in (0, 1, 10, 1000):
        shards.now += seconds
        naps.append(shards.ask(0).wait_seconds)
        assert shards.ask(1, again=3).action == "wait"
    assert naps == [1.0, 1.0, 5.5, MAX_NAP_SECONDS]
    shards.state = controlled(shards.state, control_rules.resume(control))
    assert shards.ask(0).action == "go"


def test_a_cancelled_run_begins_nothing_more_and_keeps_its_counts():
    shards = Shards(Limits(batches_in_flight=4, tolerance=TOLERANT), count=2)
    shards.ask(0)
    shards.state = controlled(shards.state, control_rules.cancel(shards.state.control))
    assert shards.ask(0).action == "stop"
    assert shards.ask(1, again=5).action == "stop"
    assert shards.state.items.succeeded == 20
    counts = shards.state.counts("process")
    asked = SettleAsk(run_id="r", counts=counts, reasons=["cancelled"], at=shards.at)
    verdict = run_rules.settle(shards.state, asked).run.verdict
    assert verdict is not None and verdict.is_cancelled and not verdict.compensates


def test_a_cancel_does_not_stop_a_compensation():
    state = controlled(begun(), control_rules.cancel(ControlState()))
    undo = Work(items=10, cuts=5, partitions=1, cuts_per_partition=5, shards=1)
    state = state.model_copy(update={"run": run_rules.note_compensation_plan(state.run, undo)})
    asked = ShardAsk(work=shard_of(state, stage="compensate"), at=START.isoformat())
    assert grants.decide(state, asked).order.action == "go"


def test_a_change_before_the_plan_is_in_force_from_the_beginning():
    change = LimitsChange.model_validate({"concurrency": {"batches": 3}, "tolerance": {"count": 9}})
    state = controlled(opened(), control_rules.change_limits(ControlState(), change))
    run = run_rules.note_plan(state.run, plan_of(1, width=64), START.isoformat())
    limits = state.model_copy(update={"run": run}).limits
    assert (limits.batches_in_flight, limits.tolerance.count) == (3, 9)


def test_what_is_changed_twice_is_changed_to_both():
    control = ControlState()
    for change in ({"concurrency": {"batches": 3}}, {"concurrency": {"items_per_second": 7}}):
        control = control_rules.change_limits(control, LimitsChange.model_validate(change))
    limits = controlled(begun(), control).limits
    assert (limits.batches_in_flight, limits.items_per_second, control.changes) == (3, 7, 2)


@pytest.mark.parametrize(("is_due", "seconds"), [(True, 7.5), (False, 0.0)])
def test_what_waits_for_something_else_is_told_how_long(is_due: bool, seconds: float):
    shards = Shards(Limits(batches_in_flight=4, tolerance=TOLERANT))
    asked = shards.asked(0).model_copy(update={"is_due": is_due})
    found = grants.decide(shards.state, asked, postponed=7.5)
    assert (found.order.action, found.order.wait_seconds) == ("wait", seconds)
    assert found.shard.held is None and found.pace == PaceState()


def test_a_probe_begins_with_one_batch():
    shards = Shards(Limits(batches_in_flight=4, tolerance=TOLERANT))
    order = grants.decide(shards.state, shards.asked(0), is_probe=True).order
    assert (order.action, order.cuts, order.is_probe) == ("go", 1, True)
