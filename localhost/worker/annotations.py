"""Which annotations the Functions worker of Azure takes for a binding, and which it refuses.

It takes a class, or a generic of `typing`; of anything else it says that it is no type, or it ends
with an error that names no function. What it takes was asked of it: `tests/conformance/worker`.
"""

import typing
from collections.abc import Mapping
from typing import Any, ClassVar, Generic

import azure.functions

OUT = "Out"
_TEXTS = (str, bytes)
_OUTPUT_TEXTS = (str, bytes, bytearray)
_SPECIAL_FORMS = (typing.Union, tuple, ClassVar, typing.get_origin(typing.Callable))
# What `typing.List[str]`, and `typing.List` alone, are made of.
_ALIASES = tuple(vars(typing)[name] for name in ("_GenericAlias", "_SpecialGenericAlias"))
_CLASSES = {
    "httpTrigger": "azure.functions.HttpRequest",
    "timerTrigger": "azure.functions.TimerRequest",
    "blobTrigger": "azure.functions.InputStream, str or bytes",
    "serviceBusTrigger": "azure.functions.ServiceBusMessage, or for a batch typing.List of it",
    "serviceBus": "azure.functions.Out[str] or Out[bytes]",
    "http": "azure.functions.HttpResponse or str",
    "activityTrigger": "a plain class such as dict or str",
}


class AnnotationError(Exception):
    """The worker refuses an annotation; the message says which, why, and what it takes."""


def is_out(annotation: Any) -> bool:
    """Whether an annotation stands for an output: `azure.functions.Out`, with or without a type."""
    kind = typing.get_origin(annotation) if isinstance(annotation, _ALIASES) else annotation
    return isinstance(kind, type) and kind.__name__ == OUT


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


def check_parameter(name: str, annotation: Any, binding: Mapping[str, Any]) -> None:
    """Check the annotation of a parameter.

    Raises:
        AnnotationError: The worker refuses it.
    """
    binding_type, is_output = str(binding["type"]), binding.get("direction") == "out"
    if is_output and not is_out(annotation):
        raise AnnotationError(f"its output '{name}' must be annotated azure.functions.Out[...]")
    if is_out(annotation) and not is_output:
        raise AnnotationError(f"its input '{name}' is annotated azure.functions.Out: name a class")
    value = _value_type(annotation) if is_output else annotation
    if not is_type(value):
        raise _refusal(f"its parameter '{name}'", annotation, binding_type)
    is_text = value in _TEXTS and not has_implicit_output(binding_type)
    if not is_text and not _fits(binding_type, value, is_output=is_output):
        reason = "carry" if is_output else "give"
        raise _refusal(
            f"its parameter '{name}'",
            annotation,
            binding_type,
            f"which a {binding_type} binding does not {reason}",
        )


def check_return(annotation: Any, binding_type: str) -> None:
    """Check the annotation of what a function returns, where a binding of its own carries that.

    Raises:
        AnnotationError: The worker refuses it.
    """
    is_class = isinstance(annotation, type) and not issubclass(annotation, Generic)
    if not is_class or not _fits(binding_type, annotation, is_output=True):
        raise _refusal("its return value", annotation, binding_type)


def _value_type(annotation: Any) -> Any:
    """What an `Out[...]` carries; itself, which no binding carries, where it does not say."""
    arguments = typing.get_args(annotation)
    return arguments[0] if len(arguments) == 1 else Any


def is_type(annotation: Any) -> bool:
    """Whether the worker takes it for a type, whatever the binding."""
    origin = typing.get_origin(annotation)
    if origin is not None and not isinstance(origin, type):
        return False
    if isinstance(annotation, type):
        return True
    return isinstance(annotation, _ALIASES) and annotation.__origin__ not in _SPECIAL_FORMS


def _fits(binding_type: str, annotation: Any, *, is_output: bool) -> bool:
    converter = azure.functions.get_binding_registry().get(binding_type)
    try:
        if converter is None:
            return issubclass(annotation, _OUTPUT_TEXTS if is_output else _TEXTS)
        if is_output:
            return bool(converter.check_output_type_annotation(annotation))
        return bool(converter.check_input_type_annotation(annotation))
    except (TypeError, AttributeError):
        # Generics and protocols that `issubclass` does not take: the worker ends of the same error.
        return False


def _refusal(
    place: str,
    annotation: Any,
    binding_type: str,
    reason: str = "which the Functions worker refuses",
) -> AnnotationError:
    advice = _CLASSES.get(binding_type, "a class that azure.functions has for it, str or bytes")
    return AnnotationError(
        f"{place} is annotated {_name(annotation)}, {reason}: "
        f"annotate it {advice}, or leave the annotation out"
    )


def _name(annotation: Any) -> str:
    if not isinstance(annotation, type):
        return str(annotation)
    if annotation.__module__ == "builtins":
        return "None" if annotation is type(None) else annotation.__qualname__
    return f"{annotation.__module__}.{annotation.__qualname__}"
