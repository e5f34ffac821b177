"""The saga as a state machine: every step fails in turn, every undo too, and time is made up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.messages.sagas import KeptSaga, SagaEnd, SagaUndo, StepPlan, StepResult
from fanout.models.outcome import ErrorInfo
from fanout.models.request import RetryPolicy
from fanout.naming.error_types import ErrorType
from fanout.sagas import machine
from fanout.sagas.machine import MAX_BREAKDOWNS, Breakdown, Call, Move, Saga

ONCE = RetryPolicy(max_attempts=1)
THRICE = RetryPolicy(max_attempts=3, base_seconds=10, factor=2, jitter_seconds=0)
VALIDATE, RESERVE, AUTHORISE, CAPTURE, SHIP, NOTIFY = range(6)
REFUSED = ErrorInfo(type="PermanentError", message="no")
BUSY = ErrorInfo(type="TransientError", message="busy", retryable=True)
Answer = StepResult | Breakdown
Answering = Callable[[Call], Answer]


def orders(retry: RetryPolicy = ONCE) -> list[StepPlan]:
    """The steps of an order: reserve and authorise go side by side, validate has no undo."""
    return [
        StepPlan(name="validate", retry=retry),
        StepPlan(name="reserve", after=[VALIDATE], has_undo=True, retry=retry),
        StepPlan(name="authorise", after=[VALIDATE], has_undo=True, retry=retry),
        StepPlan(name="capture", after=[RESERVE, AUTHORISE], has_undo=True, retry=retry),
        StepPlan(name="ship", after=[CAPTURE], has_undo=True, retry=retry),
        StepPlan(name="notify", after=[SHIP], retry=retry),
    ]


@dataclass
class Played:
    """A saga played to its end: the moves it made, by (mode, step), and how long it waited."""

    end: SagaEnd
    moves: list[list[tuple[str, int]]] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def calls(self, mode: str) -> list[int]:
        return [step for move in self.moves for kind, step in move if kind == mode]


def play(steps: list[StepPlan], answer: Answering, *, has_begun: bool = False) -> Played:
    course = Saga(steps, "run", 7, has_begun=has_begun)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    moves: list[list[tuple[str, int]]] = []
    waited: list[float] = []
    while (move := course.move(now)) != Move():
        if move.until is not None:
            assert move.until > now
            waited.append((move.until - now).total_seconds())
            now = move.until
            continue
        moves.append([(call.mode, call.step) for call in move.calls])
        now += timedelta(milliseconds=5)
        course.note(now, [(call, answer(call)) for call in move.calls])
    return Played(course.end(), moves, waited)


def failing(
    step: int, undo: int | None = None, *, error: ErrorInfo = REFUSED, first: int = RESERVE
) -> Answering:
    """One step fails, and perhaps one undo; of reserve and authorise, `first` is done first."""

    def answer(call: Call) -> Answer:
        if call.step == (step if call.mode == "do" else undo):
            return StepResult(error=error)
        return StepResult(output=f"o{call.step}", ended_ms=1 if call.step == first else 2)

    return answer


def done(_: Call) -> Answer:
    return StepResult()


def test_steps_run_as_soon_as_those_before_them_are_done_and_side_by_side() -> None:
    played = play(orders(), done)
    assert played.moves == [
        [("do", VALIDATE)],
        [("do", RESERVE), ("do", AUTHORISE)],
        [("do", CAPTURE)],
        [("do", SHIP)],
        [("do", NOTIFY)],
    ]
    assert (played.end.status, played.end.error) == ("succeeded", None)
    assert played.end.trace.done == [0, 1, 2, 3, 4, 5]


UNDOS = {
    VALIDATE: [],
    RESERVE: [AUTHORISE],
    AUTHORISE: [RESERVE],
    CAPTURE: [AUTHORISE, RESERVE],
    SHIP: [CAPTURE, AUTHORISE, RESERVE],
    NOTIFY: [SHIP, CAPTURE, AUTHORISE, RESERVE],
}


@pytest.mark.parametrize("step", UNDOS)
def test_whichever_step_is_refused_what_was_done_is_undone_last_first(step: int) -> None:
    played = play(orders(), failing(step))
    assert played.calls("undo") == UNDOS[step] == played.end.trace.undone
    assert played.end.status == ("compensated" if UNDOS[step] else "failed")
    assert played.end.trace.failed == [step]
    assert all(len(move) == 1 for move in played.moves if move[0][0] == "undo")
    assert played.end.error is not None and played.end.error.type == "PermanentError"
    assert played.end.error.message == f"{orders()[step].name}: no"
    assert played.end.outputs == {}


@pytest.mark.parametrize("step", UNDOS)
@pytest.mark.parametrize("error", [REFUSED, BUSY])
def test_of_a_saga_that_was_begun_before_all_that_may_stand_is_undone_last_first(
    step: int, error: ErrorInfo
) -> None:
    played = play(orders(), failing(step, error=error), has_begun=True)
    assert sorted(played.calls("undo")) == [RESERVE, AUTHORISE, CAPTURE, SHIP]
    assert played.calls("undo")[:2] == [SHIP, CAPTURE]
    assert played.end.status == "compensated"
    assert played.end.trace.failed[0] == step
    assert played.end.error is not None
    assert played.end.error.message.startswith(f"{orders()[step].name}: ")


def test_what_could_not_be_undone_of_such_a_saga_is_taken_up_for_the_same_cause() -> None:
    first = play(orders(), failing(VALIDATE, undo=CAPTURE), has_begun=True).end
    assert (first.status, first.trace.undo_failed) == ("compensation_failed", [CAPTURE])
    undo = KeptSaga(attempt=2, end=first, duration_ms=0).undo
    assert undo is not None
    course = Saga(orders(), undo=undo)
    (call,) = course.move(datetime(2026, 1, 1, tzinfo=UTC)).calls
    assert (call.step, call.mode, call.is_doubtful) == (CAPTURE, "undo", True)
    course.note(datetime(2026, 1, 1, tzinfo=UTC), [(call, StepResult())])
    end = course.end()
    assert (end.status, sorted(end.trace.undone)) == ("compensated", [1, 2, 3, 4])
    assert end.error is not None and end.error.message == "validate: no"


def test_a_step_whose_output_an_earlier_version_has_not_kept_is_undone_as_one_in_doubt() -> None:
    first = play(orders(), failing(SHIP, undo=CAPTURE)).end
    assert CAPTURE in first.trace.done
    assert (first.status, first.trace.undo_failed) == ("compensation_failed", [CAPTURE])
    earlier = first.model_copy(update={"cause": None, "outputs": {}})
    undo = KeptSaga(attempt=1, end=earlier, duration_ms=0).undo
    assert undo is not None
    (call,) = Saga(orders(), undo=undo).move(datetime(2026, 1, 1, tzinfo=UTC)).calls
    assert (call.step, call.mode, call.is_doubtful) == (CAPTURE, "undo", True)


def test_a_saga_that_was_begun_before_and_succeeds_undoes_nothing() -> None:
    played = play(orders(), done, has_begun=True)
    assert (played.end.status, played.calls("undo")) == ("succeeded", [])


@pytest.mark.parametrize("step", [CAPTURE, SHIP, NOTIFY])
def test_of_steps_side_by_side_the_one_that_was_done_last_is_undone_first(step: int) -> None:
    played = play(orders(), failing(step, first=AUTHORISE))
    assert played.calls("undo")[-2:] == [RESERVE, AUTHORISE]


@pytest.mark.parametrize("step, undo", [(s, u) for s, undos in UNDOS.items() for u in undos])
def test_whichever_undo_is_refused_too_the_rest_go_on(step: int, undo: int) -> None:
    played = play(orders(), failing(step, undo))
    assert played.calls("undo") == UNDOS[step]
    assert played.end.trace.undone == [n for n in UNDOS[step] if n != undo]
    assert played.end.trace.undo_failed == [undo]
    assert played.end.status == "compensation_failed"
    names = [plan.name for plan in orders()]
    assert played.end.error is not None
    assert played.end.error.message == f"{names[step]}: no; to undo {names[undo]}: no"


@pytest.mark.parametrize("step", UNDOS)
def test_a_step_whose_tries_ended_in_doubt_is_undone_itself(step: int) -> None:
    played = play(orders(THRICE), failing(step, error=BUSY))
    own = [step] if orders()[step].has_undo else []
    assert played.calls("undo") == own + UNDOS[step]
    assert played.calls("do").count(step) == 3
    assert played.waited[:2] == pytest.approx([10, 20])
    assert (played.end.tries, played.end.retries) == (3, 2)


def test_an_undo_knows_whether_its_step_was_done_and_what_it_returned() -> None:
    course, now = Saga(orders(), "run"), datetime(2026, 1, 1, tzinfo=UTC)
    seen = {}
    while (move := course.move(now)).calls:
        seen |= {
            (call.mode, call.step): (call.is_doubtful, course.outputs(call)) for call in move.calls
        }
        course.note(now, [(call, failing(SHIP, error=BUSY)(call)) for call in move.calls])
    assert seen["undo", SHIP] == (True, {})
    assert seen["undo", CAPTURE] == (False, {"capture": "o3"})
    assert seen["do", CAPTURE] == (
        False,
        {"validate": "o0", "reserve": "o1", "authorise": "o2"},
    )


def test_a_sibling_between_two_tries_is_not_tried_again_but_undone() -> None:
    def answer(call: Call) -> Answer:
        if call.mode == "do" and call.step == RESERVE:
            return StepResult(error=BUSY)
        if call.mode == "do" and call.step == AUTHORISE:
            return StepResult(error=REFUSED)
        return StepResult()

    played = play(orders(THRICE), answer)
    assert played.calls("do").count(RESERVE) == 1
    assert played.calls("undo") == [RESERVE]
    assert played.end.error is not None and played.end.error.message == "authorise: no"


def test_a_step_that_fails_for_a_while_succeeds_and_its_sibling_is_done_once() -> None:
    def answer(call: Call) -> Answer:
        is_busy = call.step == RESERVE and call.try_number < 3
        return StepResult(error=BUSY) if is_busy else StepResult()

    played = play(orders(THRICE), answer)
    assert played.end.status == "succeeded"
    assert played.calls("do").count(AUTHORISE) == 1
    assert played.waited == pytest.approx([10, 20])


def test_the_other_side_may_ask_for_a_longer_wait() -> None:
    asked = BUSY.model_copy(update={"retry_after": 99.0})
    assert play(orders(THRICE), failing(SHIP, error=asked)).waited[:2] == pytest.approx([99, 99])


def test_an_undo_is_tried_again_as_its_step_is() -> None:
    def answer(call: Call) -> Answer:
        if call.mode == "do" and call.step == CAPTURE:
            return StepResult(error=REFUSED)
        if call.mode == "undo" and call.step == RESERVE and call.try_number < 3:
            return StepResult(error=BUSY)
        return StepResult()

    played = play(orders(THRICE), answer)
    assert played.calls("undo") == [AUTHORISE, RESERVE, RESERVE, RESERVE]
    assert played.end.status == "compensated"
    assert played.waited == pytest.approx([10, 20])


def test_activities_that_break_down_cost_no_attempt() -> None:
    broken = [MAX_BREAKDOWNS["do"] - 1]

    def answer(call: Call) -> Answer:
        if call.step == SHIP and broken[0]:
            broken[0] -= 1
            return Breakdown("storage is away")
        return StepResult()

    played = play(orders(), answer)
    assert (played.end.status, played.end.tries) == ("succeeded", 1)
    assert played.waited == pytest.approx([machine.FIRST_REPAIR_SECONDS * 2**n for n in range(4)])


def test_a_step_lost_for_good_is_in_doubt_and_undone() -> None:
    played = play(
        orders(),
        lambda call: Breakdown("gone") if (call.mode, call.step) == ("do", SHIP) else StepResult(),
    )
    assert played.calls("do").count(SHIP) == MAX_BREAKDOWNS["do"]
    assert played.calls("undo") == [SHIP, CAPTURE, AUTHORISE, RESERVE]
    assert played.end.error is not None and played.end.error.type == ErrorType.LOST_STEP


def test_an_undo_lost_for_good_has_failed() -> None:
    def answer(call: Call) -> Answer:
        if call.mode == "do":
            return StepResult(error=REFUSED) if call.step == NOTIFY else StepResult()
        return Breakdown("gone") if call.step == CAPTURE else StepResult()

    played = play(orders(), answer)
    assert played.calls("undo").count(CAPTURE) == MAX_BREAKDOWNS["undo"]
    assert played.end.trace.undo_failed == [CAPTURE]
    assert played.end.trace.undone == [SHIP, AUTHORISE, RESERVE]


@st.composite
def graphs(draw: st.DrawFn) -> list[StepPlan]:
    return [
        StepPlan(
            name=f"s{number}",
            after=sorted(draw(st.sets(st.integers(0, number - 1), max_size=3))) if number else [],
            has_undo=draw(st.booleans()),
            retry=RetryPolicy(max_attempts=draw(st.integers(1, 3)), base_seconds=1),
        )
        for number in range(draw(st.integers(1, 8)))
    ]


ANSWERS = st.sampled_from(["done", "done", "done", "done", "refused", "busy", "lost"])


@given(graphs(), st.data())
def test_whatever_happens_every_effect_is_kept_or_undone_in_reverse(
    steps: list[StepPlan], data: st.DataObject
) -> None:
    done: list[int] = []
    undone: list[int] = []
    doubtful: set[int] = set()

    def answer(call: Call) -> Answer:
        what = data.draw(ANSWERS)
        if call.mode == "do":
            assert call.step not in done and set(steps[call.step].after) <= set(done)
        if what == "done":
            (done if call.mode == "do" else undone).append(call.step)
            return StepResult(ended_ms=len(done))
        if call.mode == "do" and what != "refused":
            doubtful.add(call.step)
        return {"refused": StepResult(error=REFUSED), "busy": StepResult(error=BUSY)}.get(
            what, Breakdown("lost")
        )

    end = play(steps, answer).end
    if end.status == "succeeded":
        assert sorted(done) == list(range(len(steps))) and not undone
        return
    doubtful -= set(done)
    wanted = {n for n in (*done, *doubtful) if steps[n].has_undo}
    handled = [*end.trace.undone, *end.trace.undo_failed]
    assert len(handled) == len(set(handled))
    assert set(handled) == wanted
    assert end.trace.undone == undone
    kept = [n for n in end.trace.undone if n in done]
    assert kept == sorted(kept, key=done.index, reverse=True)
    assert (end.status == "compensation_failed") == bool(end.trace.undo_failed)
    assert (end.status == "compensated") == bool(undone and not end.trace.undo_failed)


AWAY = ErrorInfo(type="HttpResponseError", message="403", retryable=True)


def test_outages_cost_no_attempt_and_are_waited_for_with_longer_and_longer_rests() -> None:
    left = [8]

    def answer(call: Call) -> Answer:
        if call.step == SHIP and left[0]:
            left[0] -= 1
            return StepResult(error=AWAY, is_outage=True)
        return StepResult()

    played = play(orders(), answer)
    assert (played.end.status, played.end.tries, played.end.retries) == ("succeeded", 1, 0)
    assert played.waited[0] == pytest.approx(2, abs=0.1) and max(played.waited) == 30
    assert played.waited == sorted(played.waited)


@pytest.mark.parametrize("mode", ["do", "undo"])
def test_an_outage_is_waited_for_as_long_as_activities_are(mode: str) -> None:
    def answer(call: Call) -> Answer:
        if call.mode == "do" and call.step == NOTIFY:
            return StepResult(error=REFUSED)
        if (call.mode, call.step) == (mode, CAPTURE):
            return StepResult(error=AWAY, is_outage=True)
        return StepResult()

    played = play(orders(), answer)
    assert 600 <= sum(played.waited) <= 630
    if mode == "do":
        assert played.calls("undo") == [CAPTURE, AUTHORISE, RESERVE]
    else:
        assert played.end.trace.undo_failed == [CAPTURE]
        assert played.end.outputs == {}


def test_an_outage_after_own_tries_neither_adds_to_them_nor_forgets_them() -> None:
    answers = [BUSY, AWAY, AWAY, BUSY, AWAY, BUSY]

    def answer(call: Call) -> Answer:
        if call.mode == "do" and call.step == SHIP:
            error = answers.pop(0)
            return StepResult(error=error, is_outage=error is AWAY)
        return StepResult()

    played = play(orders(THRICE), answer)
    assert not answers and played.end.status == "compensated"
    assert (played.end.tries, played.end.retries) == (3, 2)


@given(graphs(), st.data())
def test_what_was_not_undone_is_all_that_a_later_attempt_undoes(
    steps: list[StepPlan], data: st.DataObject
) -> None:
    def answer(call: Call) -> Answer:
        is_done = data.draw(st.booleans())
        return StepResult(output=call.step) if is_done else StepResult(error=REFUSED)

    end = play(steps, answer).end
    kept = KeptSaga(attempt=1, end=end, duration_ms=0)
    assert (kept.undo is not None) == (end.status == "compensation_failed")
    if kept.undo is None:
        return
    undo = SagaUndo.model_validate_json(kept.undo.model_dump_json())
    course, now = Saga(steps, "run", 7, undo=undo), datetime(2026, 1, 1, tzinfo=UTC)
    undone = []
    while calls := course.move(now).calls:
        assert [call.mode for call in calls] == ["undo"]
        undone += [call.step for call in calls]
        assert course.outputs(calls[0]) == {steps[calls[0].step].name: calls[0].step}
        course.note(now, [(call, StepResult()) for call in calls])
    again = course.end()
    assert sorted(undone) == end.trace.undo_failed
    assert again.status == "compensated" and again.trace.undone == [*end.trace.undone, *undone]
    assert (again.trace.done, again.trace.failed) == (end.trace.done, end.trace.failed)
    assert again.cause == end.cause
