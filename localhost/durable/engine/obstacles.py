"""What the extension cannot schedule, though an orchestrator asks for it.

The extension raises an exception, which is lost in Azure: the task never starts, and an
orchestrator that awaits it stays ``Running`` for ever. Here it is the same, and the log says why.
"""

from localhost.durable.engine.functions import DurableFunctions
from localhost.durable.protocol.actions import Action, ActionType
from localhost.durable.state.instance import Instance
from localhost.durable.state.operations import parse_entity_id
from localhost.durable.state.tasks import Registration

_LONGEST_RETRY_MS = 6 * 24 * 60 * 60 * 1_000
_ACTIVITIES = (ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY)
_CHILDREN = (ActionType.CALL_CHILD, ActionType.CALL_CHILD_WITH_RETRY)


def obstacle(
    action: Action, registration: Registration, instance: Instance, functions: DurableFunctions
) -> str | None:
    """Say why an action cannot be scheduled; None if it can."""
    kind, name = registration.signature
    retry = registration.retry
    if retry is not None and retry.max_attempts < 1:
        return f"'{name}' is to be tried {retry.max_attempts} times"
    if retry is not None and retry.interval_ms > _LONGEST_RETRY_MS:
        return f"'{name}' is to be tried again after more than 6 days"
    if kind in _ACTIVITIES and functions.activity(name) is None:
        return functions.unknown_activity(name)
    if kind in _CHILDREN:
        return _child_obstacle(action, name, instance, functions)
    if kind == ActionType.CALL_ENTITY:
        entity_id = parse_entity_id(name)
        if entity_id is None or functions.entity(entity_id[0]) is None:
            return functions.unknown_entity(entity_id[0] if entity_id else name)
    return None


def _child_obstacle(
    action: Action, name: str, instance: Instance, functions: DurableFunctions
) -> str | None:
    if functions.orchestrator(name) is None:
        return functions.unknown_orchestrator(name)
    parent = instance.identity.parent
    forbidden_ids = {instance.id.lower(), parent.instance_id.lower() if parent else ""}
    child_id = action.get("instanceId") or ""
    if child_id.startswith("@") or child_id.lower() in forbidden_ids - {""}:
        return f"A sub-orchestration cannot have the instance id '{child_id}'."
    return None
