"""The timeline of a run: bounded, and true to what the shards reported."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fanout.governor.run_state import GovernorState, ShardState
from fanout.governor.timeline import (
    MAX_BUCKETS,
    Timeline,
    extend_to,
    fit_buckets,
    merge_timelines,
    note_ask,
)
from fanout.messages.batches import WaveTally
from fanout.messages.shards import Retrying, ShardAsk, ShardOrder
from fanout.models.request import Tolerance
from tests.support.workloads.attempts import after_wave, begun, decided, shard_of

START = datetime(2026, 1, 1, tzinfo=UTC)
GO = ShardOrder(action="go", cuts=1)
WAIT = ShardOrder(action="wait", wait_seconds=1)
STOP = ShardOrder(action="stop")


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def told(
    timeline: Timeline, seconds: float, order: ShardOrder, *, is_new: bool = False, **report: Any
) -> Timeline:
    """Note that a shard asked, when it is in `again` items of a round that waits, if it is."""
    partitions = report.pop("partitions_done", 0) if is_new else None
    update = {"began_at": at(report.pop("began_at"))} if "began_at" in report else {}
    if "again" in report:
        since = at(report.pop("idle_since", seconds))
        items = report.pop("again")
        update["retrying"] = Retrying(
            first_cuts=[0], items=items, retry_round=1, since=since, until=since
        )
    work = shard_of(GovernorState(), **update, **report)
    asked = ShardAsk(work=work, at=at(seconds))
    return note_ask(timeline, at(0), asked, order, partitions=partitions)


def cells(timeline: Timeline, shard: int = 0) -> str:
    return timeline.lanes[shard].cells


def test_a_wave_shows_from_its_beginning_to_its_report():
    found = told(Timeline(), 0, GO)
    found = told(found, 1, STOP, began_at=0, is_new=True, tally=WaveTally(succeeded=8))
    assert cells(found) == "1111"
    assert found.series == {"succeeded": [2.0, 2.0, 2.0, 2.0]}


def test_a_wait_for_the_rate_shows_before_the_wave():
    found = told(told(Timeline(), 0, GO), 1, STOP, began_at=0.5)
    assert cells(found) == "4411"


def test_a_back_off_shows_between_the_wave_and_its_retry():
    found = told(Timeline(), 0, GO)
    found = told(found, 1, GO, began_at=0, idle_since=0.5, again=3)
    found = told(found, 1.5, STOP, began_at=1, is_new=True)
    assert cells(found) == "114422"


def test_a_shard_whose_downstream_had_it_wait_did_not_work():
    found = told(told(Timeline(), 0, GO), 0.5, GO, began_at=0)
    found = told(found, 1, WAIT, began_at=0)  # it began nothing since its last report
    assert cells(found) == "1144"


def test_suspended_and_starved_shards_wait():
    found = told(told(Timeline(), 0, WAIT), 0.5, STOP)
    assert cells(found) == "44"


def test_compensation_shows_as_such_with_its_retries():
    found = told(Timeline(), 0, GO, stage="compensate")
    found = told(found, 0.5, GO, stage="compensate", again=1, began_at=0)
    found = told(
        found,
        1,
        STOP,
        stage="compensate",
        began_at=0.5,
        is_new=True,
        tally=WaveTally(succeeded=3, failed=1),
    )
    assert cells(found) == "88aa"
    assert sum(found.series["compensated"]) == 3
    assert sum(found.series["failed"]) == 1


def test_a_wave_too_short_for_a_bucket_still_shows():
    found = told(
        told(Timeline(), 0.1, GO),
        0.1,
        STOP,
        began_at=0.1,
        is_new=True,
        tally=WaveTally(succeeded=5),
    )
    assert cells(found) == "1"
    assert found.series["succeeded"] == [5.0]


def test_what_a_shard_does_at_present_shows_up_to_now():
    found = told(Timeline(), 0, GO)
    assert cells(extend_to(found, at(0), at(0.75))) == "111"
    assert cells(extend_to(told(found, 0.25, STOP), at(0), at(5))) == "1"


def test_a_report_from_before_this_version_counts_as_work():
    assert cells(told(told(Timeline(), 0, GO), 0.5, STOP)) == "11"


def test_buckets_widen_as_the_run_goes_on():
    found = fit_buckets(Timeline(series={"failed": [1.0, 2.0, 3.0]}), 0.25 * MAX_BUCKETS)
    assert (found.width_seconds, found.series["failed"]) == (0.5, [3.0, 3.0])


REPORTS = st.lists(
    st.tuples(
        st.integers(0, 63),
        st.floats(0, 5_000, allow_nan=False),
        st.integers(0, 1000),
        st.sampled_from([GO, WAIT, STOP]),
    ),
    max_size=60,
)


@given(REPORTS)
def test_its_size_is_bounded_and_nothing_counted_is_lost(reports: list[Any]):
    rows: dict[int, Timeline] = {}
    seconds, counted = 0.0, 0
    for shard, passed, succeeded, order in reports:
        seconds += passed
        counted += succeeded
        tally = WaveTally(succeeded=succeeded)
        rows[shard] = told(
            rows.get(shard, Timeline()),
            seconds,
            order,
            shard=shard,
            is_new=True,
            tally=tally,
            began_at=seconds - passed / 2,
        )
    found = merge_timelines([*rows.items()])
    assert found.lanes.keys() == rows.keys()
    for one in (found, *rows.values()):
        assert all(len(lane.cells) <= MAX_BUCKETS for lane in one.lanes.values())
        assert all(len(values) <= MAX_BUCKETS for values in one.series.values())
        assert Timeline.model_validate_json(one.model_dump_json()) == one
    assert abs(sum(found.series.get("succeeded", [])) - counted) < 1 + counted * 1e-3
    assert len(found.model_dump_json()) < 16_384
    assert all(len(one.model_dump_json()) < 2_048 for one in rows.values())


def test_what_a_shard_processed_and_what_it_compensated_are_one_lane():
    process = told(told(Timeline(), 0, GO), 0.5, STOP, began_at=0, is_new=True, partitions_done=1)
    undone = told(Timeline(), 1, GO, stage="compensate")
    undone = told(
        undone,
        1.5,
        STOP,
        stage="compensate",
        began_at=1,
        is_new=True,
        partitions_done=2,
        tally=WaveTally(succeeded=3),
    )
    for pair in ([process, undone], [undone, process]):
        found = merge_timelines([(0, one) for one in pair])
        assert cells(found) == "110088"
        assert (found.lanes[0].waves, found.lanes[0].partitions) == (2, 3)
        assert cells(extend_to(found, at(0), at(5))) == "110088"


def test_timelines_of_other_widths_are_put_together():
    short = told(
        told(Timeline(), 0, GO), 0.5, STOP, began_at=0, is_new=True, tally=WaveTally(succeeded=4)
    )
    long = told(
        told(Timeline(), 0, GO, shard=1),
        100,
        STOP,
        shard=1,
        began_at=0,
        is_new=True,
        tally=WaveTally(succeeded=100),
    )
    found = merge_timelines([(0, short), (1, long)])
    assert found.width_seconds == long.width_seconds == 2.0
    assert cells(found) == "1"
    assert found.series["succeeded"][0] == 6.0
    assert sum(found.series["succeeded"]) == 104


def test_a_row_keeps_it_and_counts_a_report_once():
    state = begun(
        items=20,
        cuts=4,
        partitions=2,
        cuts_per_partition=2,
        shards=1,
        width=4,
        tolerance=Tolerance(percentage=100),
    )
    first = shard_of(state)
    state, _ = decided(state, first, 1)
    wave = after_wave(first, partitions=1, succeeded=10).model_copy(update={"began_at": at(1)})
    for _ in range(2):
        state, _ = decided(state, wave, 2)
    lane = state.timeline.lanes[0]
    assert (lane.waves, lane.partitions) == (1, 1)
    assert sum(state.timeline.series["succeeded"]) == 10
    assert lane.cells == "00001111"
    shard = state.shards["s00"]
    assert ShardState.model_validate_json(shard.model_dump_json(exclude_unset=True)) == shard
