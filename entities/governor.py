"""The durable entity `governor`, one for each attempt of a run; its rules: `fanout.governor`."""

from typing import Any

import azure.durable_functions as df

from fanout import governor as rules
from fanout import names
from fanout.governor import GovernorState
from fanout.models.wave import GovernorStart, RunEnd, RunOpening, WaveReport

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=names.GOVERNOR)
def governor(context: df.DurableEntityContext) -> None:
    """Apply one operation: open, begin, report, settle, finalizing or finish."""
    state = GovernorState.model_validate(context.get_state(dict))
    state, answer = apply(state, context.operation_name, context.get_input())
    context.set_state(state.model_dump(mode="json", exclude_defaults=True))
    # Always set: the SDK would otherwise answer with the previous operation's result.
    context.set_result(answer)


def apply(state: GovernorState, operation: str, message: Any) -> tuple[GovernorState, Any]:
    """Give the state after an operation, and its answer.

    Raises:
        ValueError: There is no such operation.
    """
    if operation == "open":
        state, end = rules.open_run(state, RunOpening.model_validate(message))
        return state, end.model_dump(mode="json") if end else None
    if operation == "begin":
        return rules.begin(state, GovernorStart.model_validate(message)), None
    if operation == "report":
        state, order = rules.report(state, WaveReport.model_validate(message))
        return state, order.model_dump(mode="json")
    if operation == "settle":
        return rules.settle(state)
    if operation == "finalizing":
        return rules.finalizing(state), None
    if operation == "finish":
        return rules.finish(state, RunEnd.model_validate(message)), None
    raise ValueError(f"the governor knows no operation '{operation}'")
