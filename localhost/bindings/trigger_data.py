"""What the expressions of a call mean, by what its trigger delivers.

Sources: HttpTriggerAttributeBindingProvider of the WebJobs SDK extensions, WorkerFunctionInvoker of
the Functions host, EventGridTriggerAttributeBindingProvider.
"""

import json
from typing import Any

from localhost.bindings.expressions import BindingData
from localhost.bindings.json_values import json_values
from localhost.execution.contract import FunctionInfo, HttpRequestData, Invocation

# What the host's own objects look like is nobody's business.
_OPAQUE = frozenset({"timerTrigger", "orchestrationTrigger", "entityTrigger", "warmupTrigger"})


def binding_data(info: FunctionInfo, invocation: Invocation) -> BindingData:
    """Collect what the expressions of a call mean."""
    payload = invocation.payload
    values: dict[str, Any] = dict(invocation.metadata)
    if isinstance(payload, HttpRequestData):
        values |= _request_values(payload)
    elif info.trigger_type not in _OPAQUE:
        document = _json_object(payload)
        if info.trigger_type == "activityTrigger":
            values["data"] = document if document is not None else _json_value(payload)
        values |= json_values(document)
    return BindingData(info.name, values, invocation.id)


def _request_values(request: HttpRequestData) -> dict[str, Any]:
    values = json_values(_json_object(request.body))
    query = {name: text for name, text in request.query.items() if name.lower() != "code"}
    values |= query
    values |= request.route_params
    values |= {"query": query, "headers": request.headers}
    return values


def _json_object(payload: Any) -> dict[str, Any] | None:
    document = _json_value(payload)
    return document if isinstance(document, dict) else None


def _json_value(payload: Any) -> Any:
    if not isinstance(payload, str | bytes) or payload[:1].isalpha():
        return None
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None
