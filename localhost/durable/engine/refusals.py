"""What makes the extension fail an orchestration for what it decided."""

from localhost.durable.engine.functions import DurableFunctions
from localhost.durable.engine.http_call import is_http_method
from localhost.durable.host_json import DurableSettings
from localhost.durable.protocol import failures
from localhost.durable.protocol.actions import ActionType, Decision
from localhost.durable.state.operations import parse_entity_id

_STATUS_LIMIT_BYTES = 16 * 1024


def refusal(
    decision: Decision, settings: DurableSettings, functions: DurableFunctions
) -> str | None:
    """Say which limit a decision passes, or which of its actions cannot be; None if it is well."""
    return _excess(decision, settings) or _wrong_action(decision, functions)


def _excess(decision: Decision, settings: DurableSettings) -> str | None:
    limit = settings.max_orchestration_actions
    if len(decision.leaves) > limit:
        return failures.action_limit_failure(limit)
    size = len((decision.custom_status_text or "").encode("utf-16-le"))
    return failures.status_size_failure(size) if size > _STATUS_LIMIT_BYTES else None


def _wrong_action(decision: Decision, functions: DurableFunctions) -> str | None:
    for action in decision.leaves:
        kind = action["actionType"]
        if kind == ActionType.CALL_HTTP and not is_http_method(action["httpRequest"]):
            return "The format of the HTTP method is invalid."
        if kind == ActionType.SIGNAL_ENTITY:
            entity_id = parse_entity_id(action["instanceId"])
            if entity_id and functions.entity(entity_id[0]) is None:
                return functions.unknown_entity(entity_id[0])
    return None
