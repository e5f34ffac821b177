"""The durable entity `rate_limiter`, one for each downstream; its rules: `fanout.rate_limiter`."""

from typing import Any

import azure.durable_functions as df

from fanout import names
from fanout import rate_limiter as rules
from fanout.rate_limiter import RateAsk, RateState

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=names.RATE_LIMITER)
def rate_limiter(context: df.DurableEntityContext) -> None:
    """Apply one operation: book."""
    state = RateState.model_validate(context.get_state(dict))
    state, answer = apply(state, context.operation_name, context.get_input())
    context.set_state(state.model_dump(mode="json"))
    # Always set: the SDK would otherwise answer with the previous operation's result.
    context.set_result(answer)


def apply(state: RateState, operation: str, message: Any) -> tuple[RateState, Any]:
    """Give the state after an operation, and its answer.

    Raises:
        ValueError: There is no such operation.
    """
    if operation != "book":
        raise ValueError(f"the rate limiter knows no operation '{operation}'")
    state, order = rules.book(state, RateAsk.model_validate(message))
    return state, order.model_dump(mode="json")
