"""The timeline of a run: bounded, and true to what the shards reported."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fanout import governor, leave
from fanout.governor import GovernorState
from fanout.models.limits import Limits
from fanout.models.request import Tolerance
from fanout.models.wave import GovernorStart, RunOpening, WaveOrder, WaveReport, WaveTally, Work
from fanout.timeline import MAX_BUCKETS, Timeline, fitted, noted, up_to

START = datetime(2026, 1, 1, tzinfo=UTC)
GO = WaveOrder(action="go", cuts=1)
WAIT = WaveOrder(action="wait", wait_seconds=1)
STOP = WaveOrder(action="stop")


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def told(
    timeline: Timeline, seconds: float, order: WaveOrder, *, is_new: bool = False, **report: Any
) -> Timeline:
    moments = {name: at(report.pop(name)) for name in ("began_at", "idle_since") if name in report}
    wave = WaveReport(**({"shard": "s0", "sequence": 1, "at": at(seconds)} | moments | report))
    return noted(timeline, at(0), wave, order, is_new=is_new)


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
    found = told(Timeline(), 0, GO, shard="c0", stage="compensate")
    found = told(found, 0.5, GO, shard="c0", stage="compensate", again=1, began_at=0)
    found = told(
        found, 1, STOP, shard="c0", stage="compensate", began_at=0.5, is_new=True,
        tally=WaveTally(succeeded=3, failed=1),
    )  # fmt: skip
    assert cells(found) == "88aa"
    assert sum(found.series["compensated"]) == 3
    assert sum(found.series["failed"]) == 1


def test_a_wave_too_short_for_a_bucket_still_shows():
    found = told(told(Timeline(), 0.1, GO), 0.1, STOP, began_at=0.1, is_new=True,
                 tally=WaveTally(succeeded=5))  # fmt: skip
    assert cells(found) == "1"
    assert found.series["succeeded"] == [5.0]


def test_what_a_shard_does_at_present_shows_up_to_now():
    found = told(Timeline(), 0, GO)
    assert cells(up_to(found, at(0), at(0.75))) == "111"
    assert cells(up_to(told(found, 0.25, STOP), at(0), at(5))) == "1"


def test_a_report_from_before_this_version_counts_as_work():
    assert cells(told(told(Timeline(), 0, GO), 0.5, STOP)) == "11"


def test_buckets_widen_as_the_run_goes_on():
    found = fitted(Timeline(series={"failed": [1.0, 2.0, 3.0]}), 0.25 * MAX_BUCKETS)
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
    found, seconds, counted = Timeline(), 0.0, 0
    for number, (shard, passed, succeeded, order) in enumerate(reports, 1):
        seconds += passed
        counted += succeeded
        tally = WaveTally(succeeded=succeeded)
        found = told(found, seconds, order, shard=f"s{shard}", sequence=number, is_new=True,
                     tally=tally, began_at=seconds - passed / 2)  # fmt: skip
    assert all(len(lane.cells) <= MAX_BUCKETS for lane in found.lanes.values())
    assert all(len(values) <= MAX_BUCKETS for values in found.series.values())
    assert abs(sum(found.series.get("succeeded", [])) - counted) < 1 + counted * 1e-3
    assert len(found.model_dump_json()) < 16_384
    assert Timeline.model_validate_json(found.model_dump_json()) == found


def test_the_governor_keeps_it_and_counts_a_report_once():
    state, _ = governor.open_run(GovernorState(), RunOpening(at=at(0)))
    work = Work(items=20, batches=4, partitions=2, batches_per_partition=2, shards=1)
    limits = Limits(batches=4, tolerance=Tolerance(percentage=100))
    state = governor.begin(
        state, GovernorStart(work=work, limits=limits, on_exceeded="stop", at=at(0))
    )
    state, _ = leave.report(state, WaveReport(shard="s0", sequence=0, left=2, at=at(1)))
    wave = WaveReport(shard="s0", sequence=1, left=2, at=at(2), began_at=at(1), partitions_done=1,
                      tally=WaveTally(succeeded=10))  # fmt: skip
    for _ in range(2):
        state, _ = leave.report(state, wave)
    lane = state.timeline.lanes[0]
    assert (lane.waves, lane.partitions) == (1, 1)
    assert sum(state.timeline.series["succeeded"]) == 10
    assert lane.cells == "00001111"
    dumped = state.model_dump(mode="json", exclude_defaults=True)
    assert GovernorState.model_validate(dumped) == state
