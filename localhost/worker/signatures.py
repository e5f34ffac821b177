"""Checks a function's parameters against its bindings, as the Functions worker does at load time.

What the worker of Azure would refuse is refused here, too, so that it is not found out after a
deployment.
"""

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import azure.functions

from localhost.execution.bindings import SERVED_TYPES
from localhost.worker import deferred

CONTEXT = "context"
RETURN = "$return"


class SignatureError(Exception):
    """A function cannot be called with its bindings; the message says why."""


def is_out(binding: Mapping[str, Any]) -> bool:
    """Whether a binding carries a value out of the function."""
    return str(binding.get("direction")) == "out"


def has_implicit_output(binding_type: str) -> bool:
    """Whether what the function returns belongs to its trigger (activities, orchestrators...)."""
    converter = azure.functions.get_binding_registry().get(binding_type)
    return bool(
        converter is not None
        and issubclass(converter, azure.functions.meta.InConverter)
        and converter.has_implicit_output()
    )


def is_generic(binding_type: str) -> bool:
    """Whether azure-functions has no converter for a binding, so that it carries plain values."""
    return azure.functions.get_binding_registry().get(binding_type) is None


def check(call: Callable[..., Any], bindings: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the function wants a `context`, having checked the rest.

    Raises:
        SignatureError: A parameter has no binding, a binding no parameter, or an annotation is one
            that the worker cannot use.
        UnservedError: An annotation is one that Azure serves, and this host does not.
    """
    parameters = set(inspect.signature(call).parameters)
    bound = {str(binding["name"]): binding for binding in bindings if binding["name"] != RETURN}
    try:
        annotations = typing.get_type_hints(call)
    except NameError as error:
        raise SignatureError(f"an annotation cannot be resolved: {error}") from error
    wants_context = CONTEXT in parameters and CONTEXT not in bound
    if wants_context:
        _check_context(annotations)
        parameters.discard(CONTEXT)
    unbound, undeclared = parameters - set(bound), set(bound) - parameters
    if unbound:
        raise SignatureError(f"no binding gives its parameters {_quote_names(unbound)}")
    if undeclared:
        raise SignatureError(f"it has no parameters for its bindings {_quote_names(undeclared)}")
    for name in parameters & set(annotations):
        _check_annotation(name, annotations[name], bound[name])
    return wants_context


def _check_context(annotations: Mapping[str, Any]) -> None:
    annotation = annotations.get(CONTEXT)
    if annotation is None or getattr(annotation, "__name__", "") == "Context":
        return
    if getattr(annotation, "__name__", "").endswith(("OrchestrationContext", "EntityContext")):
        raise SignatureError(
            "the Durable SDK needs context_name='context' in its trigger's decorator"
        )
    raise SignatureError(
        f"its 'context' must be annotated azure.functions.Context, not {annotation!r}"
    )


def _check_annotation(name: str, annotation: Any, binding: Mapping[str, Any]) -> None:
    origin = typing.get_origin(annotation)
    is_out_annotation = origin is azure.functions.Out or annotation is azure.functions.Out
    if is_out(binding) and not is_out_annotation:
        raise SignatureError(f"its output '{name}' must be annotated azure.functions.Out[...]")
    if is_out_annotation:
        if not is_out(binding):
            raise SignatureError(f"its input '{name}' is annotated azure.functions.Out")
        return
    if deferred.is_client(annotation):
        deferred.check_client(name, annotation, binding)
        return
    is_builtin_generic = isinstance(annotation, types.GenericAlias | types.UnionType)
    if is_builtin_generic or origin is typing.Union:
        raise SignatureError(
            f"its parameter '{name}' is annotated {annotation!r}, which the Functions worker "
            "refuses: use a plain class such as dict or str"
        )
    if origin is None and not _is_accepted(str(binding["type"]), annotation):
        raise SignatureError(
            f"its parameter '{name}' is annotated {annotation!r}, which a {binding['type']} "
            "binding does not give"
        )


def _is_accepted(binding_type: str, annotation: Any) -> bool:
    if not isinstance(annotation, type):
        return False
    if annotation in (str, bytes):
        return True
    converter = azure.functions.get_binding_registry().get(binding_type)
    if converter is None:  # the worker knows it by no more than its value
        return binding_type not in SERVED_TYPES
    return bool(converter.check_input_type_annotation(annotation))


def _quote_names(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))
