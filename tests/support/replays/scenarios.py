"""The runs that replay tests record: each scenario is a run with a script of its own."""

from collections.abc import Callable
from typing import Any

from fanout.errors import SourceChangedError
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.fan_in import RANGES_AT_ONCE, Layout, MergeRef, RangeRef
from fanout.messages.run import RunEnd
from fanout.messages.sagas import (
    FindUndoAsk,
    FindUndoResult,
    SagaRecord,
    SagaTrace,
    SagaUndo,
    StepCall,
    StepPlan,
    StepResult,
)
from fanout.models.outcome import ErrorInfo
from fanout.models.request import RetryPolicy, Tolerance
from fanout.models.status import ErrorGroup, ItemCounts
from orchestrators.calls import MAX_TRIES
from orchestrators.queued_run import MAX_POLLS
from tests.support.replays.scripted_runs import (
    AT_ONCE,
    Behaviour,
    Script,
    planned,
    succeed,
    work_of,
)

# Runs of which only so many go on at once.
QUEUES = {"narrow": 1, "calm": 1, "tolerated": 1, "long": 1}
# Those of them whose event is lost, and those that get one early, before it is their turn.
FORGOTTEN = {"tolerated"}
WOKEN_IN_VAIN = {"calm", "long"}
FAILED = ErrorGroup(type="PermanentError", message="bad item", count=1)


def result(**counts: Any) -> dict[str, Any]:
    return BatchResult(**counts).model_dump(mode="json")


def lost(*batches: int) -> Behaviour:
    """Batches of the first partition whose activity always fails."""

    def behave(ref: BatchRef) -> dict[str, Any]:
        if ref.partition == 0 and ref.first_cut in batches:
            raise OSError("storage is away")
        return succeed(ref)

    return behave


def flaky() -> Behaviour:
    """Batches whose activity fails the first time."""
    seen: set[tuple[int, int]] = set()

    def behave(ref: BatchRef) -> dict[str, Any]:
        if (ref.partition, ref.first_cut) not in seen:
            seen.add((ref.partition, ref.first_cut))
            raise OSError("once")
        return succeed(ref)

    return behave


def lost_range(ref: RangeRef | MergeRef) -> None:
    """The second range is never written."""
    if ref.number == 1:
        raise OSError("no room for results")


def lost_ranges(ref: RangeRef | MergeRef) -> None:
    """No range of the second wave is ever written."""
    if ref.number >= RANGES_AT_ONCE:
        raise OSError("no room for results")


def flaky_fan_in() -> Callable[[RangeRef | MergeRef], None]:
    """Ranges whose activity fails the first time."""
    seen: set[int] = set()

    def behave(ref: RangeRef | MergeRef) -> None:
        if ref.number not in seen:
            seen.add(ref.number)
            raise OSError("once")

    return behave


def patient(ref: BatchRef) -> dict[str, Any]:
    """Odd batches have items to try again for two rounds; they ask to be left alone a while."""
    if ref.first_cut % 2 == 0:
        return succeed(ref) if ref.retry_round == 0 else result()
    if ref.retry_round < 2:
        left = 8 - 2 * ref.retry_round
        retries = left + 2 if ref.retry_round else 0
        return result(succeeded=2, retryable=left, retry_after=0.02, retries=retries)
    return result(succeeded=5, failed=1, errors=[FAILED], retries=6)


def asking(ref: BatchRef) -> dict[str, Any]:
    """The first batch asks to be left alone for a while; the others fail once or twice then."""
    if ref.first_cut == 0:
        left_alone = result(retryable=10, retry_after=QUIET_SECONDS)
        return left_alone if ref.retry_round == 0 else succeed(ref)
    if not ref.is_repeated:
        raise OSError("storage is away")
    return succeed(ref)


def outage(calls: int) -> Behaviour:
    """A downstream that is down for the first calls; what it keeps from its turn loses nothing."""
    left = [calls]

    def behave(ref: BatchRef) -> dict[str, Any]:
        if left[0] > 0:
            left[0] -= 1
            return result(retryable=10, untried=10, has_tripped=True)
        return result(succeeded=10, has_answered=True)

    return behave


# How long a batch asks to be left alone.
QUIET_SECONDS = 3.0
# What the extension says of an orchestration whose turn met no worker.
NO_WORKER = "Non-Deterministic workflow detected"


def fatal(behave: Behaviour, partition: int, retry_round: int) -> Behaviour:
    """Batches that end well and, in one round of a partition, kill whoever hears of the last."""
    left = [1]

    def killing(ref: BatchRef) -> Any:
        made = behave(ref)
        if (ref.partition, ref.retry_round) == (partition, retry_round) and left:
            left.pop()
            return NO_WORKER
        return made

    return killing


ORDER = [
    StepPlan(name="check", retry=AT_ONCE),
    StepPlan(name="reserve", after=[0], has_undo=True, retry=AT_ONCE),
    StepPlan(name="authorise", after=[0], has_undo=True, retry=AT_ONCE),
    StepPlan(name="capture", after=[1, 2], has_undo=True, retry=AT_ONCE),
    StepPlan(name="ship", after=[3], has_undo=True, retry=AT_ONCE),
]


def troubled(call: StepCall) -> StepResult:
    """Items end in all ways: their index says which step, or undo, fails and how."""
    busy = ErrorInfo(type="TransientError", message="busy", retryable=True)
    refused = ErrorInfo(type="PermanentError", message="no")
    fate = call.saga.index % 10
    if call.mode == "undo":
        return StepResult(error=refused) if fate == 9 and call.step == 2 else StepResult()
    if fate == 6 and call.try_number < 3:
        return StepResult(error=busy)
    if fate == 7 and call.step == 1:
        return StepResult(error=busy)
    if fate in (8, 9) and call.step == 4:
        return StepResult(error=refused)
    if fate == 5 and call.step == 0:
        return StepResult(error=refused)
    return StepResult(output=f"{call.step}-{call.saga.index}")


def breaking_down() -> Callable[[StepCall], StepResult]:
    """Steps whose activity fails the first time."""
    seen: set[tuple[int, int]] = set()

    def step(call: StepCall) -> StepResult:
        if (call.saga.index, call.step) not in seen:
            seen.add((call.saga.index, call.step))
            raise OSError("once")
        return StepResult()

    return step


def unrecorded() -> Callable[[SagaRecord], None]:
    """Ends that are written down at the second try."""
    seen: set[int] = set()

    def record(found: SagaRecord) -> None:
        if found.saga.index not in seen:
            seen.add(found.saga.index)
            raise OSError("once")

    return record


def in_vain(times: int = 1) -> Callable[[], None]:
    """What fails so many times."""
    seen: list[int] = []

    def fail() -> None:
        seen.append(1)
        if len(seen) <= times:
            raise OSError("not yet")

    return fail


def left_by_an_earlier_attempt() -> Callable[[FindUndoAsk], FindUndoResult]:
    """Of the tenth of each batch an undo is left, others may have begun; told at the second try."""
    first = in_vain()
    cause = ErrorInfo(type="PermanentError", message="no")
    trace = SagaTrace(done=[0, 1, 2, 3], failed=[4], undone=[3, 1], undo_failed=[2])

    def find(ask: FindUndoAsk) -> FindUndoResult:
        first()
        fate = ask.saga.index % 10
        outputs = {"authorise": f"2-{ask.saga.index}"}
        undo = SagaUndo(trace=trace, cause=cause, outputs=outputs)
        return FindUndoResult(undo=undo if fate == 9 else None, has_begun=fate in (7, 8))

    return find


def redrives() -> dict[str, Script]:
    """Runs that are over and go on in a later attempt."""
    return {
        "redriven": Script(planned(6, per_partition=3, shards=2, at_once=2), flaky(), attempt=2),
        "redriven-undoing": Script(
            planned(0, shards=0, on_exceeded="compensate", undoes=True),
            undo=lambda ref: result(retryable=1) if ref.retry_round < 1 else result(succeeded=1),
            undo_plan=work_of(3, 2, 2),
            # As often as the host tries it by itself.
            plan_undo=in_vain(MAX_TRIES),
            attempt=3,
        ),
        "redriven-sagas": Script(
            planned(2, is_saga=True),
            lambda _: result(succeeded=6, failed=1, compensated=2, compensation_failed=1),
            steps=ORDER,
            step=troubled,
            find_undo=left_by_an_earlier_attempt(),
            record=unrecorded(),
            attempt=2,
        ),
    }


def scenarios() -> dict[str, Script]:
    one_item = {"tolerance": Tolerance(count=1)}
    failing: Behaviour = lambda _: result(succeeded=9, failed=1, errors=[FAILED])  # noqa: E731
    slow = RetryPolicy(base_seconds=0.2, factor=2, max_seconds=0.3, jitter_seconds=0.1)
    return {
        "calm": Script(planned(5, shards=2, at_once=2)),
        "narrow": Script(planned(6, per_partition=3, at_once=1)),
        "wide": Script(planned(200, per_partition=100, at_once=100)),
        "long": Script(planned(90, per_partition=7, at_once=1)),
        "empty": Script(planned(0, shards=0)),
        "patient": Script(planned(8, per_partition=4, shards=2, at_once=4), patient),
        "backing-off": Script(
            planned(4, per_partition=2, shards=2, at_once=2, retry=slow),
            lambda ref: result(retryable=10) if ref.retry_round < 3 else result(succeeded=10),
        ),
        "asking": Script(planned(3, per_partition=3, at_once=3), asking),
        "long-patient": Script(planned(100, per_partition=100, at_once=60), patient),
        "flaky": Script(planned(6, per_partition=3, shards=2, at_once=3), flaky()),
        "lost": Script(planned(6, per_partition=3, at_once=3), lost(1)),
        "all-lost": Script(planned(4, per_partition=4, at_once=4), lost(0, 1, 2, 3)),
        "stopped": Script(planned(20, per_partition=2, shards=2, at_once=1, **one_item), failing),
        "tolerated": Script(
            planned(6, shards=1, at_once=2, on_exceeded="continue", **one_item), failing
        ),
        "compensated": Script(
            planned(20, per_partition=2, shards=2, at_once=1, on_exceeded="compensate", **one_item),
            failing,
            undo=lambda ref: result(retryable=1) if ref.retry_round < 1 else result(succeeded=1),
            undo_plan=work_of(3, 2, 2),
        ),
        "compensation-not-due": Script(planned(2, on_exceeded="compensate")),
        "compensation-lost": Script(
            planned(4, on_exceeded="compensate", **one_item),
            failing,
            undo=lost(0),
            undo_plan=work_of(4, 2, 1),
        ),
        "paced": Script(planned(6, shards=2, rate=200.0)),
        "adaptive": Script(
            planned(100, per_partition=50, shards=2, max_span=16),
            lambda ref: result(succeeded=10 * ref.span, work_ms=1.0),
        ),
        "downstream-down": Script(
            planned(12, per_partition=6, shards=2, at_once=3, downstream="shop"), outage(4)
        ),
        "rate-limited": Script(
            planned(
                12, per_partition=6, shards=2, at_once=1, downstream="bank", downstream_rate=400
            )
        ),
        "rate-limited-down": Script(
            planned(4, shards=2, at_once=1, downstream="post", downstream_rate=400), outage(2)
        ),
        "scanned": Script(planned(4, scans=130)),
        "scanned-long": Script(planned(140, per_partition=100, at_once=100, scans=200), patient),
        "changed": Script(planned(4, scans=3), refused_scan=1),
        "refused": Script(planned(0, shards=0, refusal=str(SourceChangedError("flights.csv")))),
        "unplanned": Script(OSError("no plan")),
        "unfinished": Script(planned(2), finalize=OSError("no results")),
        "broken-shard": Script(
            planned(4, shards=2, at_once=2),
            lambda ref: "not a result" if ref.partition == 1 else succeed(ref),
            RunEnd(outcome="failed", items=ItemCounts(total=40, succeeded=20, pending=20)),
        ),
        "broken": Script(planned(4), lambda ref: "no result" if ref.partition else succeed(ref)),
        "restarted": Script(planned(8, per_partition=4, shards=2, at_once=4), fatal(patient, 1, 1)),
        "restarted-at-once": Script(
            planned(8, per_partition=4, shards=2, at_once=2), fatal(succeed, 1, 0)
        ),
        "restarted-repairing": Script(
            planned(6, per_partition=3, shards=2, at_once=3), fatal(flaky(), 1, 0)
        ),
        "resumed": Script(planned(8, per_partition=4, at_once=4), patient, dies_after=6),
        "resumed-shards": Script(
            planned(16, per_partition=4, shards=2, at_once=2), patient, dies_after=9
        ),
        "resumed-compensating": Script(
            planned(4, per_partition=2, on_exceeded="compensate", **one_item),
            failing,
            undo=lambda ref: result(retryable=1) if ref.retry_round < 1 else result(succeeded=1),
            undo_plan=work_of(3, 2, 1),
            dies_after=5,
        ),
        "ranges": Script(planned(2), layout=Layout(ranges=3)),
        "many-ranges": Script(planned(2), layout=Layout(ranges=300, has_partials=True)),
        "tree": Script(planned(2), layout=Layout(ranges=17, has_partials=True)),
        "flaky-range": Script(planned(2), layout=Layout(ranges=3), fan_in=flaky_fan_in()),
        "lost-range": Script(planned(2), layout=Layout(ranges=3), fan_in=lost_range),
        "lost-ranges": Script(planned(2), layout=Layout(ranges=60), fan_in=lost_ranges),
        "unpublished": Script(planned(2), publish=OSError("no Service Bus")),
        "queued": Script(planned(2), earlier=2 * MAX_POLLS + 3),
        "queued-for-nothing": Script(planned(2), earlier=0),
        "sagas": Script(
            planned(3, is_saga=True),
            lambda _: result(succeeded=6, failed=1, compensated=2, compensation_failed=1),
            steps=ORDER,
            step=troubled,
        ),
        "sagas-breaking-down": Script(
            planned(1, is_saga=True), steps=ORDER[:3], step=breaking_down(), record=unrecorded()
        ),
        "sagas-unclosed": Script(planned(1, is_saga=True), flaky(), steps=ORDER[:1]),
        "policy": Script(planned(2, retry=AT_ONCE.model_copy(update={"max_attempts": 1}))),
    } | redrives()
