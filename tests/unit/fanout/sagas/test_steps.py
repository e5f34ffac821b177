"""The steps of a saga are checked when it is registered, and small enough for histories."""

from typing import Any

import pytest

from fanout.messages.batches import BatchRef
from fanout.messages.payloads import dump
from fanout.messages.sagas import (
    MAX_NAME_CHARACTERS,
    MAX_OUTPUT_BYTES,
    MAX_STEPS,
    RunSagasResult,
    SagaRecord,
    SagaStart,
    SagaWork,
    StepCall,
    StepPlan,
)
from fanout.models.outcome import ErrorInfo
from fanout.models.request import RetryPolicy
from fanout.sagas.machine import MAX_MESSAGE_BYTES, Saga
from fanout.sagas.steps import SagaDefinitionError, check_steps, plan_steps
from fanout.workload import MAX_SAGAS_A_BATCH, NoParameters, SagaWorkload, Step
from tests.support.workloads.saga_workload import Booking
from workloads import registry


def do(item: Any, context: Any) -> None: ...


def undo(item: Any, output: Any, context: Any) -> None: ...


class Made(SagaWorkload[Booking, NoParameters]):
    name = "made"
    item_model = Booking
    steps: Any = ()

    def __init__(self, *steps: Step) -> None:
        self.steps = steps


@pytest.mark.parametrize(
    "steps, told",
    [
        ([], "it has 0 steps"),
        ([Step(f"s{n}", do) for n in range(MAX_STEPS + 1)], "it has 11 steps"),
        ([Step("a", do), Step("a", do)], "two steps are called 'a'"),
        ([Step("a", do, after=("b",))], "the step 'a' comes after 'b', which there is not"),
        ([Step("a", do, after=("a",))], "wait for each other: a -> a"),
        (
            [Step("a", do, after=("c",)), Step("b", do, after=("a",)), Step("c", do, after=("b",))],
            "its steps wait for each other",
        ),
        ([Step("", do)], "needs a name"),
        ([Step("ä", do)], "needs a name"),
        ([Step("a/b", do)], "needs a name"),
        ([Step("x" * (MAX_NAME_CHARACTERS + 1), do)], "needs a name"),
    ],
)
def test_steps_that_could_never_run_are_refused_at_start(steps: list[Step], told: str) -> None:
    with pytest.raises(SagaDefinitionError, match=told):
        registry.register(Made(*steps))
    with pytest.raises(registry.UnknownWorkloadError):
        registry.get("made")


def test_a_saga_with_a_downstream_is_refused() -> None:
    class Calling(Made):
        downstream = "shop"

    with pytest.raises(SagaDefinitionError, match="downstream"):
        check_steps(Calling(Step("a", do)))


def test_steps_have_the_policy_of_the_run_unless_they_have_their_own() -> None:
    own, policy = RetryPolicy(max_attempts=9), RetryPolicy(max_attempts=2)
    plan = plan_steps([Step("a", do, undo), Step("b", do, after=("a", "a"), retry=own)], policy)
    assert plan == [
        StepPlan(name="a", has_undo=True, retry=policy),
        StepPlan(name="b", after=[0], retry=own),
    ]


def test_the_largest_saga_fits_the_messages_of_a_history() -> None:
    policy = RetryPolicy(base_seconds=123.456, max_seconds=86_399.999, jitter_seconds=1234.567)
    steps = [
        StepPlan(
            name="n" * MAX_NAME_CHARACTERS,
            after=list(range(number)),
            has_undo=True,
            retry=policy,
        )
        for number in range(MAX_STEPS)
    ]
    batch = BatchRef(
        run_id="r" * 100, claim="c" * 40, partition=99_999, first_cut=9_999, retry_round=9
    )
    start = SagaStart(index=999_999_999, take=99)
    outputs = {
        f"{n}".ljust(MAX_NAME_CHARACTERS, "n"): "x" * (MAX_OUTPUT_BYTES - 2)
        for n in range(MAX_STEPS)
    }
    saga = Saga(steps)
    end = saga.end().model_copy(
        update={"error": ErrorInfo(type="t" * 80, message="m" * MAX_MESSAGE_BYTES)}
    )
    dump(RunSagasResult(steps=steps, sagas=[start] * MAX_SAGAS_A_BATCH))
    dump(SagaWork(batch=batch, steps=steps, saga=start))
    dump(StepCall(batch=batch, saga=start, step=9, outputs=outputs))
    dump(SagaRecord(batch=batch, saga=start, end=end))
    done = end.model_copy(update={"outputs": outputs, "error": None})
    dump(SagaRecord(batch=batch, saga=start, end=done))
