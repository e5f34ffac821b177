"""The durable entity `breaker`, one for each downstream; its rules: `fanout.breaker`."""

from typing import Any

import azure.durable_functions as df

from fanout import breaker as rules
from fanout import names
from fanout.breaker import CircuitAsk, CircuitReport, CircuitState

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=names.BREAKER)
def breaker(context: df.DurableEntityContext) -> None:
    """Apply one operation: ask or told."""
    state = CircuitState.model_validate(context.get_state(dict))
    state, answer = apply(state, context.operation_name, context.get_input())
    context.set_state(state.model_dump(mode="json"))
    # Always set: the SDK would otherwise answer with the previous operation's result.
    context.set_result(answer)


def apply(state: CircuitState, operation: str, message: Any) -> tuple[CircuitState, Any]:
    """Give the state after an operation, and its answer.

    Raises:
        ValueError: There is no such operation.
    """
    if operation == "ask":
        state, order = rules.ask(state, CircuitAsk.model_validate(message))
        return state, order.model_dump(mode="json")
    if operation == "told":
        return rules.told(state, CircuitReport.model_validate(message)), None
    raise ValueError(f"the breaker knows no operation '{operation}'")
