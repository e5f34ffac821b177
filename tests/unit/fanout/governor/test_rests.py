"""What batches give back is shared out within the width; whoever comes later goes on with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.batches.steer import steer_shard
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.governor import control_rules, grants, run_rules
from fanout.governor.run_state import ControlState, GovernorState, RunState
from fanout.governor.shard_work import batches_of_round, begin_round, make_ask, share_out_rest
from fanout.governor.wave_size import MAX_ITEM_DELAY
from fanout.messages.batches import BatchRef
from fanout.messages.run import RunRef
from fanout.messages.shards import Rest, ShardOrder, ShardWork, Wave
from fanout.models.limits import ConcurrencyChange, LimitsChange
from fanout.naming import row_keys
from tests.support.doubles.memory_tables import memory_rows
from tests.support.workloads.attempts import at, plan_of

RUN_ID = "r"
SLOW_MS = 1000.0


def begin_run(*, cuts: int, width: int = 4) -> tuple[Rows, ShardWork]:
    """A run of one shard that is in its first wave: the scout, which takes all cuts."""
    counts = {"cuts": cuts, "partitions": 1, "cuts_per_partition": cuts, "shards": 1}
    plan = plan_of(cuts, width=width, max_span=100, **counts)
    work = ShardWork.first(RunRef(run_id=RUN_ID), plan, plan.work, 0, "process")
    ask = make_ask(work.model_copy(update={"call": 1}), at())

    def rule(state: GovernorState) -> tuple[GovernorState, ShardOrder]:
        run = run_rules.open_run(RunState(), at(), "", is_queued=False)
        run = run_rules.note_plan(run, plan, at())
        state = state.model_copy(update={"run": run})
        grant = grants.decide_scout(state, ask)
        return state.with_shard(work.key, grant.shard), grant.order

    rows = memory_rows()
    return rows, begin_round(ask.work, change_attempt(rows, RUN_ID, 1, rule), at())


def ask_with_rest(
    rows: Rows, work: ShardWork, first: int, end: int, under_way: int = 1
) -> tuple[ShardWork, ShardOrder]:
    """Tell of a rest; gives the shard as it is then, and what it is told."""
    work = work.model_copy(update={"call": work.call + 1})
    rest = Rest(first_cut=first, end=end, item_ms=SLOW_MS, under_way=under_way)
    order = steer_shard(make_ask(work, at(), rest=rest), rows)
    return (share_out_rest(work, order) if order.action == "go" else work), order


def take_up(rows: Rows, work: ShardWork) -> ShardWork:
    """Where an execution comes to that begins anew and asks from the first question on."""
    first = work.model_copy(update={"call": 1, "wave": None, "sequence": 0})
    order = steer_shard(make_ask(first, at()), rows)
    assert order.action == "resume" and order.work is not None
    found = order.work.model_copy(update={"is_resumed": True})
    order = steer_shard(make_ask(found, at()), rows)
    assert (order.action, order.is_repeated) == ("go", True)
    return begin_round(found, order, at())


def names(batches: list[BatchRef]) -> list[tuple[int, int]]:
    return [(batch.first_cut, batch.span) for batch in batches]


def control(rows: Rows, change: ControlState) -> None:
    partition = row_keys.attempt_partition(RUN_ID, 1)
    rows.change(partition, row_keys.CONTROL_ROW, ControlState, lambda _: (change, None))


def test_an_execution_that_begins_anew_has_the_batches_that_took_the_rest():
    rows, work = begin_run(cuts=10)
    work, order = ask_with_rest(rows, work, 1, 10)
    assert (order.action, order.starts) == ("go", [1, 4, 7])
    batches = batches_of_round(take_up(rows, work))
    assert names(batches) == names(batches_of_round(work)) == [(0, 1), (1, 3), (4, 3), (7, 3)]
    assert all(batch.is_repeated for batch in batches)


def test_one_that_begins_anew_while_a_rest_must_wait_repeats_what_had_begun():
    rows, work = begin_run(cuts=10)
    work, _ = ask_with_rest(rows, work, 1, 10)
    begun = names(batches_of_round(work))
    work, order = ask_with_rest(rows, work, 2, 4, under_way=4)
    assert order.action == "wait"
    batches = batches_of_round(take_up(rows, work))
    assert names(batches) == begun
    assert all(batch.is_repeated for batch in batches)


def test_batches_with_the_rest_of_a_first_one_have_a_box_by_what_that_tells_of_its_items():
    """There has been no wave yet that tells how long an item takes; slow ones may be among them."""
    rows, work = begin_run(cuts=10)
    _, order = ask_with_rest(rows, work, 1, 10)
    assert order.span == 3 and order.box is not None
    # Items may take longer than that: the one at work has not ended.
    assert order.box.seconds == MAX_ITEM_DELAY * 3 * SLOW_MS / 1000
    assert order.box.stuck_seconds == MAX_ITEM_DELAY * SLOW_MS / 1000


@pytest.mark.parametrize("reason", ["cancelled", "suspended", "narrow"])
def test_nobody_begins_with_a_rest_when_that_is_not_wanted(reason: str):
    rows, work = begin_run(cuts=10)
    narrow = LimitsChange(concurrency=ConcurrencyChange(batches=1))
    changes = {
        "cancelled": ControlState(is_cancelled=True),
        "suspended": ControlState(suspended_at=at()),
        "narrow": control_rules.change_limits(ControlState(), narrow),
    }
    control(rows, changes[reason])
    before = read_attempt(rows, RUN_ID, 1).state.shards
    _, order = ask_with_rest(rows, work, 1, 10)
    assert order.action == "wait"
    assert read_attempt(rows, RUN_ID, 1).state.shards == before, "nothing was granted"


def test_what_is_no_longer_wanted_of_a_run_that_is_over_stops():
    rows, work = begin_run(cuts=10)

    def end(state: GovernorState) -> tuple[GovernorState, None]:
        run = state.run.model_copy(update={"claim": "of another"})
        return state.model_copy(update={"run": run}), None

    change_attempt(rows, RUN_ID, 1, end)
    assert ask_with_rest(rows, work, 1, 10)[1].action == "stop"


rest_sizes = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 100)), max_size=8)


@given(cuts=st.integers(2, 60), width=st.integers(1, 12), gives=rest_sizes)
def test_rests_of_rests_never_exceed_the_width_and_each_cut_is_in_one_batch(
    cuts: int, width: int, gives: list[tuple[int, int]]
):
    """Whichever batches give back whatever, and whichever of them end meanwhile."""
    rows, work = begin_run(cuts=cuts, width=width)
    kept: dict[int, int] = {0: cuts}
    at_work = {0}
    for which, share in gives:
        long = sorted(first for first in at_work if kept[first] > 1)
        if not long:
            break
        first = long[which % len(long)]
        end, kept[first] = first + kept[first], 1 + share * (kept[first] - 1) // 101
        rest = first + kept[first]
        work, order = ask_with_rest(rows, work, rest, end, under_way=len(at_work))
        if order.action == "wait":
            assert len(at_work) >= width
            kept[first] = end - first  # it goes on, as if the rest had not been given back
        else:
            spans = work.wave.spans(0) if work.wave else {}
            assert set(spans) == {*kept, *order.starts}
            kept |= {start: spans[start] for start in order.starts}
            at_work |= {*order.starts}
        assert len(at_work) <= width
        held = read_attempt(rows, RUN_ID, 1).state.held
        assert all(one.batches <= width for one in held.values())
        insist_on_one_batch_a_cut(work, kept)
        if which % 3 == 0:
            at_work.discard(first)
    if work.wave and work.wave.starts:
        assert names(batches_of_round(take_up(rows, work))) == names(batches_of_round(work))


def insist_on_one_batch_a_cut(work: ShardWork, kept: dict[int, int]) -> None:
    """The batches have every cut of the wave once, and what each has kept is where it begins."""
    assert work.wave is not None
    covered = [cut for first, span in kept.items() for cut in range(first, first + span)]
    assert sorted(covered) == list(range(work.wave.end))
    assert work.wave.spans(0) == {first: kept[first] for first in sorted(kept)}


@given(
    end=st.integers(1, 60),
    first=st.integers(0, 20),
    span=st.integers(1, 30),
    starts=st.lists(st.integers(0, 90), max_size=20),
)
def test_whatever_the_starts_the_batches_of_a_wave_have_every_cut_once(
    end: int, first: int, span: int, starts: list[int]
):
    wave = Wave(end=first + end, span=span, starts=[first + start for start in starts])
    covered = [
        cut
        for at_cut, length in wave.spans(first).items()
        for cut in range(at_cut, at_cut + length)
    ]
    assert covered == list(range(first, first + end))
    assert max(wave.spans(first).values()) <= span
