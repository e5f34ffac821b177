"""What the expressions of a call mean, by what its trigger delivers.

Sources: HttpTriggerAttributeBindingProvider of the WebJobs SDK extensions, WorkerFunctionInvoker of
the Functions host, EventGridTriggerAttributeBindingProvider.
"""

import json
from typing import Any

from localhost.bindings.expressions import BindingData
from localhost.bindings.json_values import json_values
from localhost.bindings.request_values import join_values, query_values
from localhost.execution.contract import FunctionInfo, HttpRequestData, HttpStreamData, Invocation

# What the host's own objects look like is nobody's business.
_OPAQUE = frozenset({"timerTrigger", "orchestrationTrigger", "entityTrigger", "warmupTrigger"})


def binding_data(info: FunctionInfo, invocation: Invocation) -> BindingData:
    """Collect what the expressions of a call mean."""
    payload = invocation.payload
    values: dict[str, Any] = dict(invocation.metadata)
    if isinstance(payload, HttpRequestData):
        values |= json_values(_json_object(payload.body))
        values |= _request_values(payload.query, payload.headers, payload.route_params)
    elif isinstance(payload, HttpStreamData):
        # Its body comes when the function reads it, so it has no fields yet.
        values |= _stream_values(payload)
    elif info.trigger_type not in _OPAQUE:
        document = _json_object(payload)
        if info.trigger_type == "activityTrigger":
            values["data"] = document if document is not None else _json_value(payload)
        values |= json_values(document)
    return BindingData(info.name, values, invocation.id)


def _request_values(
    query: dict[str, str], headers: dict[str, str], route_params: dict[str, str]
) -> dict[str, Any]:
    named = {name: text for name, text in query.items() if name.lower() != "code"}
    return {**named, **route_params, "query": named, "headers": headers}


def _stream_values(stream: HttpStreamData) -> dict[str, Any]:
    query = query_values(stream.raw_path.partition(b"?")[2].decode("latin-1"))
    headers = join_values(
        (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
        for name, value in stream.headers
    )
    return _request_values(query, headers, stream.route_params)


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
