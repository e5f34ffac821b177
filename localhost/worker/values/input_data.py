"""What user code gets of what the host has read for its input bindings."""

from collections.abc import Callable
from typing import Any, get_type_hints

import azure.functions
from azure.functions.meta import Datum

from localhost.execution.contract import BlobReference, FunctionInfo, Invocation
from localhost.worker import deferred

_KINDS: dict[type, str] = {str: "string", bytes: "bytes"}
DecodeInput = Callable[[Any, Invocation], Any]


def input_decoders(info: FunctionInfo, call: Callable[..., Any]) -> dict[str, DecodeInput]:
    """By binding name, what makes the parameter; what is not here is passed as it came."""
    annotations = get_type_hints(call)
    return {
        str(binding["name"]): _blob_decoder(annotations.get(str(binding["name"])))
        for binding in info.bindings
        if binding["type"] == "blob" and binding.get("direction") != "out"
    }


def _blob_decoder(annotation: Any) -> DecodeInput:
    if annotation in (str, bytes):
        return lambda value, invocation: value
    converter = azure.functions.get_binding_registry().get("blob")

    def decode(value: Any, invocation: Invocation) -> Any:
        if isinstance(value, BlobReference):
            return deferred.make_client("blob", annotation, value)
        kind = _KINDS.get(type(value))
        return converter.decode(Datum(value, kind), trigger_metadata=None)

    return decode
