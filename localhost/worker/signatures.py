"""Checks a function's parameters against its bindings, as the Functions worker does at load time.

What the worker of Azure would refuse is refused here, too, so that it is not found out after a
deployment.
"""

import inspect
import time
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from localhost.texts import describe_error
from localhost.worker import deferred, web_extension
from localhost.worker.annotations import AnnotationError, check_parameter, check_return, is_type

CONTEXT = "context"
RETURN = "$return"
_RETRY_TIME = "%H:%M:%S"


class SignatureError(Exception):
    """A function cannot be called with its bindings; the message says why."""


def is_out(binding: Mapping[str, Any]) -> bool:
    """Whether a binding carries a value out of the function."""
    return str(binding.get("direction")) == "out"


def check(call: Callable[..., Any], bindings: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the function wants a `context`, having checked the rest.

    Raises:
        SignatureError: A parameter has no binding, a binding no parameter, or an annotation is one
            that the worker cannot use.
        UnservedError: An annotation is one that Azure serves, and this host does not.
    """
    annotations = _annotations(call)
    parameters = set(inspect.signature(call).parameters)
    bound = {str(binding["name"]): binding for binding in bindings if binding["name"] != RETURN}
    wants_context = CONTEXT in parameters and CONTEXT not in bound
    if wants_context:
        _check_context(annotations)
        parameters.discard(CONTEXT)
    unbound, undeclared = parameters - set(bound), set(bound) - parameters
    if unbound:
        raise SignatureError(
            f"no binding gives its parameters {_quote_names(unbound)}: add a decorator for "
            "each, or take it out"
        )
    if undeclared:
        raise SignatureError(
            f"it has no parameters for its bindings {_quote_names(undeclared)}: add one of "
            "that name"
        )
    _check_annotations(annotations, parameters, bindings)
    return wants_context


def folder_of(call: Callable[..., Any]) -> Path:
    """The folder of the file that a function is written in; that of a decorator where one wraps it.

    Raises:
        SignatureError: It is no plain function.
    """
    try:
        return Path(inspect.getfile(call)).parent
    except TypeError as error:
        raise _not_plain(call) from error


def check_retry(policy: Mapping[str, str] | None) -> None:
    """Check the times of a retry policy as the worker reads them.

    Raises:
        SignatureError: One is no time of a day.
    """
    if policy is None:
        return
    is_fixed = policy.get("strategy") == "fixed_delay"
    names = ("delay_interval",) if is_fixed else ("minimum_interval", "maximum_interval")
    for name in names:
        text = policy.get(name)
        try:
            time.strptime(text or "", _RETRY_TIME)
        except ValueError as error:
            raise SignatureError(
                f"its retry policy: {name} is '{text}', which the Functions worker refuses: give "
                "hours, minutes and seconds below a day, such as '00:10:00'"
            ) from error


def _annotations(call: Callable[..., Any]) -> Mapping[str, Any]:
    if not (inspect.isroutine(call) or inspect.isclass(call)):
        raise _not_plain(call)
    try:
        return typing.get_type_hints(call)
    except Exception as error:
        raise SignatureError(
            f"an annotation cannot be resolved: {describe_error(error)}. Import the name where the "
            "worker reads it (not under TYPE_CHECKING), or leave the annotation out"
        ) from error


def _not_plain(call: object) -> SignatureError:
    return SignatureError(
        f"it is an object of class '{type(call).__name__}', not a function with a file of its own, "
        "which the Functions worker refuses: wrap it in a def"
    )


def _check_context(annotations: Mapping[str, Any]) -> None:
    annotation = annotations.get(CONTEXT)
    if annotation is None:
        return
    name = getattr(annotation, "__name__", "")
    if isinstance(annotation, type) and name == "Context":
        return
    if name.endswith(("OrchestrationContext", "EntityContext")):
        raise SignatureError(
            "the Durable SDK needs context_name='context' in its trigger's decorator"
        )
    raise SignatureError(
        f"its 'context' must be annotated azure.functions.Context, not {annotation!r}"
    )


def _check_annotations(
    annotations: Mapping[str, Any], parameters: set[str], bindings: Sequence[Mapping[str, Any]]
) -> None:
    try:
        for binding in bindings:
            name = str(binding["name"])
            if name in parameters and name in annotations:
                _check_parameter(name, annotations[name], binding)
            elif name == RETURN and "return" in annotations:
                _check_return(annotations["return"], str(binding["type"]))
    except AnnotationError as error:
        raise SignatureError(str(error)) from error


def _check_return(annotation: Any, binding_type: str) -> None:
    is_of_web = binding_type == "http" and web_extension.is_enabled()
    if not is_of_web:
        check_return(annotation, binding_type)
    elif not (is_type(annotation) and web_extension.fits(annotation, is_output=True)):
        raise SignatureError(f"its return value is annotated {annotation!r}, which is no response")


def _check_parameter(name: str, annotation: Any, binding: Mapping[str, Any]) -> None:
    if binding["type"] == "httpTrigger" and web_extension.is_enabled():
        if not (is_type(annotation) and web_extension.fits(annotation, is_output=False)):
            raise SignatureError(
                f"its parameter '{name}' is annotated {annotation!r}, which a httpTrigger "
                "binding does not give"
            )
    elif is_type(annotation) and deferred.is_client(annotation):
        deferred.check_client(name, annotation, binding)
    else:
        check_parameter(name, annotation, binding)


def _quote_names(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))
