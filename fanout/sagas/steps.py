"""The steps of a saga, checked, and as orchestrators see them."""

import re
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from fanout.messages.sagas import MAX_NAME_CHARACTERS, MAX_STEPS, StepPlan
from fanout.models.request import RetryPolicy
from fanout.workload import SagaWorkload, Step

# A name is part of idempotency keys, whose parts slashes tell from each other.
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_NAME_CHARACTERS}}}")


class SagaDefinitionError(ValueError):
    """The steps of a saga make no sense; the message says which, and why."""


def check_steps(workload: SagaWorkload[Any, Any]) -> None:
    """Refuse steps that could never run.

    Raises:
        SagaDefinitionError: There are none or too many, two have one name, one depends on itself by
            whatever way or on a step that there is not, or the workload names a downstream.
    """
    fault = _fault(workload.steps)
    if fault is None and workload.downstream is not None:
        fault = "it has a downstream, whose breaker sagas do not ask"
    if fault is not None:
        raise SagaDefinitionError(f"the saga '{workload.name}': {fault}")


def _fault(steps: Sequence[Step]) -> str | None:
    names = [step.name for step in steps]
    if not 1 <= len(steps) <= MAX_STEPS:
        return f"it has {len(steps)} steps; it takes 1 to {MAX_STEPS}"
    for step in steps:
        if _NAME.fullmatch(step.name) is None:
            return f"the step '{step.name}' needs a name of {_NAME.pattern}"
        if names.count(step.name) > 1:
            return f"two steps are called '{step.name}'"
        unknown = [name for name in step.after if name not in names]
        if unknown:
            return f"the step '{step.name}' comes after '{unknown[0]}', which there is not"
    try:
        TopologicalSorter({step.name: step.after for step in steps}).prepare()
    except CycleError as error:
        return f"its steps wait for each other: {' -> '.join(reversed(error.args[1]))}"
    return None


def plan_steps(steps: Sequence[Step], retry: RetryPolicy) -> list[StepPlan]:
    """Describe steps to orchestrators; those without a policy of their own get `retry`."""
    numbers = {step.name: number for number, step in enumerate(steps)}
    return [
        StepPlan(
            name=step.name,
            after=sorted({numbers[name] for name in step.after}),
            has_undo=step.undo is not None,
            retry=step.retry or retry,
        )
        for step in steps
    ]
