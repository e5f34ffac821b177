"""What shards are granted, whatever the order in which they ask and whatever changes meanwhile."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from fanout import governor, leave
from fanout.governor import GovernorState
from fanout.leave import MAX_GROWTH, MAX_NAP_SECONDS, MAX_WIDTH, TARGET_BATCH_MS
from fanout.models.limits import Limits, LimitsChange
from fanout.models.request import Tolerance
from fanout.models.wave import GovernorStart, RunOpening, WaveOrder, WaveReport, WaveTally, Work

START = datetime(2026, 1, 1, tzinfo=UTC)
TOLERANT = Tolerance(percentage=100)


@dataclass
class Shards:
    """Shards that ask one at a time, on a clock that is set by hand.

    Attributes:
        in_flight: Batches that each shard has begun and not ended.
        begun: When how many items were begun, in seconds.
        left: Cuts that each shard has yet to do.
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
    left: dict[int, int] = field(default_factory=dict)
    sequences: dict[int, int] = field(default_factory=dict)
    tallies: dict[int, WaveTally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        work = Work(
            items=int(self.count * self.cuts * self.items_a_cut),
            batches=self.count * self.cuts,
            partitions=self.count,
            batches_per_partition=self.cuts,
            shards=self.count,
            batch_items=self.items_a_cut,
            max_span=self.max_span,
        )
        start = GovernorStart(work=work, limits=self.limits, on_exceeded="stop", at=self.at)
        self.state, _ = governor.open_run(self.state, RunOpening(at=self.at))
        self.state = governor.begin(self.state, start)
        self.left = dict.fromkeys(range(self.count), self.cuts)

    @property
    def at(self) -> str:
        return (START + timedelta(seconds=self.now)).isoformat()

    @property
    def unfinished(self) -> list[int]:
        return [shard for shard, left in self.left.items() if left]

    def ask(self, shard: int, again: int = 0, work_ms: float = 0.0) -> WaveOrder:
        """End what the shard has in flight, report it, and ask for more."""
        self.in_flight.pop(shard, None)
        tally = self.tallies.pop(shard, WaveTally())
        if tally.tried:
            self.sequences[shard] = self.sequences.get(shard, 0) + 1
        report = WaveReport(
            shard=f"s{shard}",
            sequence=self.sequences.get(shard, 0),
            tally=tally.model_copy(update={"work_ms": work_ms}),
            is_done=self.left[shard] == 0 and not again,
            left=self.left[shard],
            again=again,
            at=self.at,
        )
        self.state, order = leave.report(self.state, report)
        if order.action == "go" and not again:
            self._begin(shard, order)
        return order

    def _begin(self, shard: int, order: WaveOrder) -> None:
        self.in_flight[shard] = ceil(order.cuts / order.span)
        self.left[shard] -= order.cuts
        items = round(order.cuts * self.items_a_cut)
        self.begun.append((self.now + order.wait_seconds, items))
        self.tallies[shard] = WaveTally(succeeded=items, tried=items)


@given(
    count=st.integers(1, 12),
    limits=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    seed=st.integers(),
)
def test_all_shards_together_never_have_more_in_flight_than_the_run_may(
    count: int, limits: list[int], seed: int
):
    shards = Shards(Limits(batches=limits[0], tolerance=TOLERANT), count, cuts=15)
    chance = random.Random(seed)
    most, changes = limits[0], limits[1:]
    for _ in range(3000):
        if not shards.unfinished:
            break
        if changes and chance.random() < 0.02:
            before, most = most, changes.pop()
            change = LimitsChange.model_validate({"concurrency": {"batches": most}})
            shards.state = governor.change(shards.state, change)
            # What was granted before may run out first.
            most = max(before, most) if shards.in_flight else most
        shards.ask(chance.choice([*shards.left]))
        assert sum(shards.in_flight.values()) <= most
        assert all(0 < width <= MAX_WIDTH for width in shards.in_flight.values())
    assert shards.unfinished == []


def test_a_lower_limit_is_in_force_once_every_wave_has_ended():
    shards = Shards(Limits(batches=64, tolerance=TOLERANT), cuts=400)
    for shard in range(4):
        shards.ask(shard)
    assert sum(shards.in_flight.values()) == 64
    change = LimitsChange.model_validate({"concurrency": {"batches": 3}})
    shards.state = governor.change(shards.state, change)
    for shard in range(4):
        shards.ask(shard)
    assert sum(shards.in_flight.values()) <= 3


def test_what_a_finished_shard_had_goes_to_the_others():
    shards = Shards(Limits(batches=10, tolerance=TOLERANT), count=2, cuts=100)
    shards.ask(0)
    shards.ask(1)
    assert shards.in_flight == {0: 5, 1: 5}
    shards.left[0] = 0
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
    limits = Limits(batches=16, items_per_second=rate, tolerance=TOLERANT)
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
    slow = Limits(batches=4, items_per_second=0.1, tolerance=TOLERANT)
    shards = Shards(slow, count=1)
    assert shards.ask(0).wait_seconds == 0
    assert shards.ask(0).action == "wait"
    faster = LimitsChange.model_validate({"concurrency": {"items_per_second": None}})
    shards.state = governor.change(shards.state, faster)
    assert shards.state.limits.items_per_second is None
    assert shards.ask(0) == WaveOrder(action="go", cuts=4)


def test_a_retry_round_is_charged_to_the_rate_too():
    shards = Shards(Limits(batches=4, items_per_second=10, tolerance=TOLERANT), count=1, cuts=4)
    assert shards.ask(0).action == "go"
    assert shards.ask(0, again=20).wait_seconds == 4.0
    assert shards.ask(0, again=20).wait_seconds == 6.0


def test_batches_grow_to_about_ten_seconds_of_work():
    shards = Shards(
        Limits(batches=2, tolerance=TOLERANT), count=1, cuts=100_000, items_a_cut=10, max_span=10**6
    )
    spans = []
    for _ in range(8):
        shards.now += 1
        order = shards.ask(0, work_ms=shards.tallies[0].tried * 0.5 if shards.tallies else 0)
        spans.append(order.span)
    assert spans[0] == 1
    assert spans == sorted(spans)
    assert all(later <= MAX_GROWTH * earlier for earlier, later in pairwise(spans))
    assert spans[-1] * 10 * 0.5 == TARGET_BATCH_MS


def test_slow_items_stay_in_small_batches():
    shards = Shards(Limits(batches=4, tolerance=TOLERANT), count=1, cuts=1000, max_span=100)
    for _ in range(5):
        order = shards.ask(0, work_ms=shards.tallies[0].tried * 5000 if shards.tallies else 0)
        assert order.span == 1


def test_large_batches_leave_no_part_of_the_width_idle():
    shards = Shards(Limits(batches=10, tolerance=TOLERANT), count=1, cuts=50, max_span=1000)
    shards.ask(0)
    order = shards.ask(0, work_ms=100 * 100)
    assert (order.cuts, order.span) == (40, 4)


def test_little_work_is_not_spread_over_the_whole_width():
    shards = Shards(Limits(batches=10, tolerance=TOLERANT), count=1, cuts=50, max_span=1000)
    shards.ask(0)
    order = shards.ask(0, work_ms=0.001)
    assert (order.cuts, order.span) == (40, 40)


def test_nothing_begins_while_the_run_is_suspended_and_all_goes_on_when_it_is_resumed():
    shards = Shards(Limits(batches=4, tolerance=TOLERANT), count=2)
    shards.state = governor.suspend(shards.state, shards.at)
    naps = []
    for seconds in (0, 1, 10, 1000):
        shards.now += seconds
        naps.append(shards.ask(0).wait_seconds)
        assert shards.ask(0, again=3).action == "wait"
    assert naps == [1.0, 1.0, 5.5, MAX_NAP_SECONDS]
    shards.state = governor.resume(shards.state)
    assert shards.ask(0).action == "go"


def test_a_cancelled_run_begins_nothing_more_and_keeps_its_counts():
    shards = Shards(Limits(batches=4, tolerance=TOLERANT), count=2)
    shards.ask(0)
    shards.state = governor.cancel(shards.state)
    assert shards.ask(0).action == "stop"
    assert shards.ask(1, again=5).action == "stop"
    assert shards.state.items.succeeded == 20
    verdict = governor.finalizing(shards.state)[1]
    assert verdict.is_cancelled and not governor.settle(shards.state)


def test_a_cancel_does_not_stop_a_compensation():
    shards = Shards(Limits(batches=4), count=1)
    shards.state = governor.cancel(shards.state)
    report = WaveReport(shard="c0", sequence=0, left=5, stage="compensate", at=shards.at)
    assert leave.report(shards.state, report)[1].action == "go"


def test_a_change_before_the_plan_is_in_force_from_the_beginning():
    state, _ = governor.open_run(GovernorState(), RunOpening(at=START.isoformat()))
    state = governor.change(
        state,
        LimitsChange.model_validate({"concurrency": {"batches": 3}, "tolerance": {"count": 9}}),
    )
    start = GovernorStart(
        work=Work(items=1, shards=1), limits=Limits(batches=64), on_exceeded="stop", at="x"
    )
    limits = governor.begin(state, start).limits
    assert (limits.batches, limits.tolerance.count) == (3, 9)
