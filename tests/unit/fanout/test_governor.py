import random
from datetime import UTC, datetime

import pytest
from entities.governor import apply
from hypothesis import given
from hypothesis import strategies as st

from fanout import governor, leave
from fanout.governor import MAX_ERROR_KINDS, GovernorState
from fanout.models.limits import Limits
from fanout.models.request import Tolerance
from fanout.models.status import ErrorGroup, ItemCounts
from fanout.models.wave import (
    GovernorStart,
    RunEnd,
    RunOpening,
    WaveReport,
    WaveTally,
    Work,
)

AT = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
WORK = Work(batches=50, partitions=10, batches_per_partition=5, shards=2)


def start(items: int = 100, tolerance: Tolerance | None = None, **more) -> GovernorStart:
    settled = {name: more.pop(name) for name in ("succeeded", "failed") if name in more}
    work = WORK.model_copy(update={"items": items, **settled})
    limits = Limits(batches=16, tolerance=tolerance or Tolerance())
    return GovernorStart(
        **({"work": work, "limits": limits, "on_exceeded": "stop", "at": AT} | more)
    )


def wave(shard: int, sequence: int, at: str = AT, partitions_done: int = 0, **tally) -> WaveReport:
    return WaveReport(
        shard=f"s{shard}",
        sequence=sequence,
        tally=WaveTally(**tally),
        partitions_done=partitions_done,
        left=5,
        at=at,
    )


def test_a_later_attempt_begins_with_what_is_settled():
    state = governor.begin(GovernorState(), start(10, succeeded=6, failed=1))
    assert state.items == ItemCounts(total=10, succeeded=6, failed=1, pending=3)


def test_compensation_is_counted_apart_and_goes_on_beyond_the_tolerance():
    state = governor.begin(GovernorState(), start(10, on_exceeded="compensate"))
    state, order = leave.report(state, wave(0, 1, succeeded=6, failed=1))
    assert order.action == "stop"
    state, is_due = apply(state, "settle", None)
    assert is_due
    state = governor.begin(state, start(stage="compensate"))
    assert state.phase == "compensating"
    told = {"stage": "compensate", "shard": "c0"}
    undone = wave(0, 1, succeeded=4, failed=2).model_copy(update=told)
    for _ in range(2):
        state, order = leave.report(state, undone)
        assert order.action == "go"
    assert state.items == ItemCounts(
        total=10, failed=1, pending=3, compensated=4, compensation_failed=2
    )


@pytest.mark.parametrize("on_exceeded", ["stop", "continue"])
def test_only_a_run_that_is_to_compensate_does(on_exceeded):
    state = governor.begin(GovernorState(), start(10, on_exceeded=on_exceeded))
    state, _ = leave.report(state, wave(0, 1, succeeded=6, failed=1))
    assert apply(state, "settle", None) == (state, False)


def opened() -> GovernorState:
    state, end = governor.open_run(GovernorState(), RunOpening(at=AT))
    assert end is None
    return state


def begun(**more) -> GovernorState:
    return governor.begin(opened(), start(**more))


def group(number: int, count: int = 1) -> ErrorGroup:
    return ErrorGroup(type="Fault", message=str(number), count=count)


tallies = st.builds(
    WaveTally,
    succeeded=st.integers(0, 50),
    failed=st.integers(0, 50),
    retries=st.integers(0, 50),
    lost_batches=st.integers(0, 3),
    errors=st.lists(st.builds(group, st.integers(0, 5), st.integers(1, 9)), max_size=3),
)


@given(
    st.lists(st.lists(tallies, max_size=6), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_any_order_and_repetition_of_reports_counts_each_wave_once(
    shards: list[list[WaveTally]], chance: random.Random
):
    sent = deliveries(shards, chance)
    total = sum(t.succeeded + t.failed for tallies_ in shards for t in tallies_)
    state = begun(items=total, tolerance=Tolerance(percentage=100))
    for one in sent:
        state, _ = leave.report(state, one)
        assert state.items.succeeded + state.items.failed + state.items.pending == total
        assert state.items.pending >= 0
    everything = [t for tallies_ in shards for t in tallies_]
    assert state.items.succeeded == sum(t.succeeded for t in everything)
    assert state.items.failed == sum(t.failed for t in everything)
    assert state.retries == sum(t.retries for t in everything)
    assert state.lost_batches == sum(t.lost_batches for t in everything)
    assert state.partitions.done == len(everything)
    counted = sum(g.count for g in state.errors.values())
    assert counted == sum(g.count for t in everything for g in t.errors)


def deliveries(shards: list[list[WaveTally]], chance: random.Random) -> list[WaveReport]:
    """Interleave the shards, in order within each; any report may come again, also much later."""
    queues = [
        [wave(n, k, partitions_done=1, **t.model_dump()) for k, t in enumerate(tallies_, 1)]
        for n, tallies_ in enumerate(shards)
    ]
    sent: list[WaveReport] = []
    while any(queues):
        sent.append(chance.choice([queue for queue in queues if queue]).pop(0))
        while chance.random() < 0.4:
            sent.append(chance.choice(sent))
    return sent


@given(st.lists(tallies, min_size=1, max_size=5), st.integers(0, 30))
def test_a_repeated_report_is_answered_as_the_first_was(waves: list[WaveTally], allowed: int):
    state = begun(items=10_000, tolerance=Tolerance(count=allowed))
    for number, tally in enumerate(waves, 1):
        report = wave(0, number, **tally.model_dump())
        state, first = leave.report(state, report)
        state, again = leave.report(state, report)
        assert first == again


@given(st.lists(tallies, max_size=5))
def test_state_survives_the_json_of_the_entity(waves: list[WaveTally]):
    state = begun(items=10_000)
    for number, tally in enumerate(waves, 1):
        state, _ = leave.report(state, wave(3, number, **tally.model_dump()))
    dumped = state.model_dump(mode="json", exclude_defaults=True)
    assert GovernorState.model_validate(dumped) == state
    assert GovernorState.model_validate_json(state.model_dump_json()) == state


def test_beginning_twice_changes_nothing():
    state, _ = leave.report(begun(), wave(0, 1, succeeded=5))
    assert governor.begin(state, start(items=7)) == state


@pytest.mark.parametrize(
    ("tolerance", "failed", "action"),
    [
        (Tolerance(), 0, "go"),
        (Tolerance(), 1, "stop"),
        (Tolerance(count=2), 2, "go"),
        (Tolerance(count=2), 3, "stop"),
        (Tolerance(percentage=2), 2, "go"),
        (Tolerance(percentage=2), 3, "stop"),
        (Tolerance(count=50, percentage=2), 3, "stop"),
        (Tolerance(count=2, percentage=50), 3, "stop"),
    ],
)
def test_the_first_failure_beyond_the_tolerance_stops_the_run(
    tolerance: Tolerance, failed: int, action: str
):
    _, order = leave.report(begun(tolerance=tolerance), wave(0, 1, failed=failed))
    assert order.action == action


def test_every_shard_is_told_to_stop_once_the_tolerance_was_passed():
    state, _ = leave.report(begun(), wave(0, 1, failed=1))
    _, order = leave.report(state, wave(1, 1, succeeded=1))
    assert order.action == "stop"


def test_a_run_that_goes_on_beyond_its_tolerance_is_never_stopped():
    _, order = leave.report(begun(on_exceeded="continue"), wave(0, 1, failed=100))
    assert order.action == "go"


def test_the_most_frequent_kinds_of_failure_are_kept():
    state = begun(items=10_000, tolerance=Tolerance(percentage=100))
    for number in range(MAX_ERROR_KINDS + 10):
        tally = WaveTally(failed=number + 1, errors=[group(number, number + 1)])
        state, _ = leave.report(state, wave(0, number + 1, **tally.model_dump()))
    assert len(state.errors) == MAX_ERROR_KINDS
    assert min(g.count for g in state.errors.values()) == 11


def test_the_end_is_taken_once_and_has_the_last_word_on_counts():
    state, _ = leave.report(begun(), wave(0, 1, succeeded=1))
    counts = ItemCounts(total=100, succeeded=99, failed=1)
    ended = governor.finish(state, RunEnd(outcome="failed", items=counts, at=AT))
    assert (ended.phase, ended.items) == ("done", counts)
    assert governor.finish(ended, RunEnd(outcome="succeeded", at=AT)) == ended
    assert governor.finalizing(ended)[0] == ended


def test_an_end_without_counts_leaves_those_of_the_reports():
    state, _ = leave.report(begun(), wave(0, 1, succeeded=60))
    ended = governor.finish(state, RunEnd(outcome="failed", error="boom", at=AT))
    assert ended.items == ItemCounts(total=100, succeeded=60, pending=40)


def test_a_run_that_is_over_says_so_when_it_is_opened_again():
    end = RunEnd(outcome="succeeded", items=ItemCounts(total=1, succeeded=1), at=AT)
    ended = governor.finish(begun(), end)
    later = RunOpening(at="2027-01-01T00:00:00+00:00")
    assert governor.open_run(ended, later) == (ended, end)
    assert ended.started_at == AT


def test_the_phases_follow_each_other():
    state = GovernorState()
    phases = [state.phase]
    for operation, message in (
        ("open", {"at": AT}),
        ("begin", start().model_dump(mode="json")),
        ("finalizing", None),
        ("finish", RunEnd(outcome="succeeded", at=AT).model_dump(mode="json")),
    ):
        state, answer = apply(state, operation, message)
        phases.append(state.phase)
        assert (answer is None) == (operation not in ("finalizing", "finish"))
    assert phases == ["planning", "planning", "processing", "finalizing", "done"]


def test_an_operation_it_does_not_know_is_an_error():
    with pytest.raises(ValueError, match="dance"):
        apply(GovernorState(), "dance", None)
