"""The durable entity `admission`: one for the app, asked by every run before it begins."""

from typing import Any

import azure.durable_functions as df

from fanout import admission as rules
from fanout import names
from fanout.admission import AdmissionState, Entry

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=names.ADMISSION)
def admission(context: df.DurableEntityContext) -> None:
    """Apply one operation: enter or leave."""
    state = AdmissionState.model_validate(context.get_state(dict))
    state, answer = apply(state, context.operation_name, context.get_input())
    context.set_state(state.model_dump(mode="json"))
    # Always set: the SDK would otherwise answer with the previous operation's result.
    context.set_result(answer)


def apply(state: AdmissionState, operation: str, message: Any) -> tuple[AdmissionState, Any]:
    """Give the state after an operation, and its answer.

    Raises:
        ValueError: There is no such operation.
    """
    if operation == "enter":
        return rules.enter(state, Entry.model_validate(message))
    if operation == "leave":
        return rules.leave(state, str(message)), None
    raise ValueError(f"the admission knows no operation '{operation}'")
