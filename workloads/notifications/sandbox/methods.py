"""The methods and attributes that templates may use; nothing else of an object can be reached.

What a template gets of a text's `upper` is a `Method` of ours, never Python's own.
"""

from dataclasses import dataclass
from typing import Any

from jinja2.filters import _GroupTuple
from jinja2.runtime import BlockReference, LoopContext, Macro
from jinja2.utils import Cycler, Namespace, missing
from markupsafe import Markup

from workloads.notifications.sandbox import texts
from workloads.notifications.sandbox.budget import ELEMENT, STEP
from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.filters import Operation, price
from workloads.notifications.sandbox.formats import format_braces
from workloads.notifications.sandbox.weights import require_scalar, weigh


def _call(name: str, units: int = 1) -> Operation:
    """Charge a method of a text or list for each of the weight of what it is given."""

    def call(owner: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(owner, name)(*args, **kwargs)

    return price(call, units)


def _step(name: str) -> Operation:
    """Charge a method of a loop or a cycle for what it is given."""

    def run(context: RenderContext, owner: Any, *args: Any) -> Any:
        context.budget.spend(STEP + weigh(args, context.budget.left))
        return getattr(owner, name)(*args)

    return run


def _seek(name: str, units: int) -> Operation:
    """Charge a method for what it may compare at each letter."""
    seek = _call(name, units)

    def run(context: RenderContext, owner: str, *args: Any, **kwargs: Any) -> Any:
        needles = [part for part in (*args, *kwargs.values()) if isinstance(part, str)]
        for needle in needles:
            texts.spend_seeking(context.budget, owner, needle)
        return seek(context, owner, *args, **kwargs)

    return run


def _pad(name: str) -> Operation:
    def pad(context: RenderContext, owner: str, width: Any, *fill: Any) -> str:
        return texts.pad(context, name, owner, width, *fill)

    return pad


def _format(context: RenderContext, owner: str, *args: Any, **kwargs: Any) -> str:
    return format_braces(context, owner, args, kwargs)


def _format_map(context: RenderContext, owner: str, mapping: Any) -> str:
    return format_braces(context, owner, (), mapping)


def _replace(context: RenderContext, owner: str, old: str, new: str, count: int = -1) -> str:
    texts.spend_replacement(context.budget, owner, old, new, count)
    return owner.replace(old, new, count)


def _get(context: RenderContext, owner: dict[Any, Any], key: Any, default: Any = None) -> Any:
    context.budget.spend(STEP)
    require_scalar(key)
    return owner.get(key, default)


def _view(name: str, units: int) -> Operation:
    def view(context: RenderContext, owner: dict[Any, Any]) -> Any:
        context.budget.spend(STEP + units * len(owner))
        return list(getattr(owner, name)())

    return view


_LINEAR = (
    *("count", "endswith", "find", "index"),
    *("isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower"),
    *("isnumeric", "isprintable", "isspace", "istitle", "isupper", "removeprefix"),
    *("removesuffix", "startswith"),
)
# A letter becomes up to three of them.
_CASES = ("capitalize", "casefold", "lower", "swapcase", "title", "upper")
_TEXT: dict[str, Operation] = {
    **{name: _call(name, 2) for name in _LINEAR},
    **{name: _call(name, 4) for name in _CASES},
    **{name: _call(name, ELEMENT) for name in ("split", "splitlines", "partition")},
    **{name: _seek(name, ELEMENT) for name in ("rfind", "rindex", "rpartition", "rsplit")},
    **{name: _seek(name, 2) for name in ("lstrip", "rstrip", "strip")},
    **{name: _pad(name) for name in ("center", "ljust", "rjust", "zfill")},
    "expandtabs": texts.expand_tabs,
    "format": _format,
    "format_map": _format_map,
    "join": texts.join_by,
    "replace": _replace,
}
_LIST: dict[str, Operation] = {name: _call(name) for name in ("count", "index")}
OBJECT_METHODS: dict[str, Operation] = {
    "get": _get,
    "items": _view("items", 4 * ELEMENT),
    **{name: _view(name, ELEMENT) for name in ("keys", "values")},
}
METHODS: dict[type, dict[str, Operation]] = {
    str: _TEXT,
    Markup: _TEXT,
    list: _LIST,
    tuple: _LIST,
    range: _LIST,
    dict: OBJECT_METHODS,
    _GroupTuple: _LIST,
    LoopContext: {name: _step(name) for name in ("changed", "cycle")},
    Cycler: {name: _step(name) for name in ("next", "reset")},
}
ATTRIBUTES: dict[type, frozenset[str]] = {
    LoopContext: frozenset(
        (
            *("depth", "depth0", "first", "index", "index0", "last", "length"),
            *("nextitem", "previtem", "revindex", "revindex0"),
        )
    ),
    Cycler: frozenset(("current",)),
    _GroupTuple: frozenset(("grouper", "list")),
    Macro: frozenset(("name",)),
    BlockReference: frozenset(("super",)),
}
_NONE: dict[str, Operation] = {}
_NO_NAMES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Method:
    """What a template gets of a text's `upper`, to call it."""

    owner: Any
    operation: Operation


def find_attribute(value: Any, name: str) -> Any:
    """Give the method or attribute of a value that has this name; without one, `missing`."""
    kind = type(value)
    operation = METHODS.get(kind, _NONE).get(name)
    if operation is not None:
        return Method(value, operation)
    if name in ATTRIBUTES.get(kind, _NO_NAMES):
        return getattr(value, name)
    if kind is Namespace and not name.startswith("_"):
        return getattr(value, name, missing)
    return missing
