"""The durable entity `governor`, one for each attempt of a run; its rules: `fanout.governor`."""

from collections.abc import Callable
from typing import Any

import azure.durable_functions as df

from fanout import governor as rules
from fanout import leave, names
from fanout.governor import GovernorState
from fanout.models.limits import LimitsChange
from fanout.models.wave import GovernorStart, RunEnd, RunOpening, WaveReport

bp = df.Blueprint()
FORGET = "forget"
Answer = tuple[GovernorState, Any]


@bp.entity_trigger(context_name="context", entity_name=names.GOVERNOR)
def governor(context: df.DurableEntityContext) -> None:
    """Apply one operation: one of `OPERATIONS`, or `forget`, when the run is deleted."""
    if context.operation_name == FORGET:
        context.destruct_on_exit()
        context.set_result(None)
        return
    state = GovernorState.model_validate(context.get_state(dict))
    state, answer = apply(state, context.operation_name, context.get_input())
    context.set_state(state.model_dump(mode="json", exclude_defaults=True))
    # Always set: the SDK would otherwise answer with the previous operation's result.
    context.set_result(answer)


def apply(state: GovernorState, operation: str, message: Any) -> Answer:
    """Give the state after an operation, and its answer.

    Raises:
        ValueError: There is no such operation.
    """
    if operation not in OPERATIONS:
        raise ValueError(f"the governor knows no operation '{operation}'")
    return OPERATIONS[operation](state, message)


def _open(state: GovernorState, message: Any) -> Answer:
    state, end = rules.open_run(state, RunOpening.model_validate(message))
    return state, end.model_dump(mode="json") if end else None


def _report(state: GovernorState, message: Any) -> Answer:
    state, order = leave.report(state, WaveReport.model_validate(message))
    return state, order.model_dump(mode="json")


def _finalizing(state: GovernorState, message: Any) -> Answer:
    state, verdict = rules.finalizing(state)
    return state, verdict.model_dump(mode="json")


def _finish(state: GovernorState, message: Any) -> Answer:
    state = rules.finish(state, RunEnd.model_validate(message))
    return state, rules.facts(state).model_dump(mode="json")


OPERATIONS: dict[str, Callable[[GovernorState, Any], Answer]] = {
    "open": _open,
    "begin": lambda state, said: (rules.begin(state, GovernorStart.model_validate(said)), None),
    "report": _report,
    "settle": lambda state, said: (state, rules.settle(state)),
    "finalizing": _finalizing,
    "finish": _finish,
    "cancel": lambda state, said: (rules.cancel(state), None),
    "suspend": lambda state, said: (rules.suspend(state, str(said)), None),
    "resume": lambda state, said: (rules.resume(state), None),
    "change": lambda state, said: (rules.change(state, LimitsChange.model_validate(said)), None),
    "is_cancelled": lambda state, said: (state, state.is_cancelled),
}
