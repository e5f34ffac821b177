"""The filters of templates: those of Jinja, less `pprint`, each with its price."""

from collections.abc import Callable
from typing import Any

from jinja2 import filters
from jinja2.exceptions import FilterArgumentError
from jinja2.utils import _PassArg
from markupsafe import Markup

from workloads.notifications.sandbox import sequences, texts, words
from workloads.notifications.sandbox.budget import STEP, require_short
from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.formats import format_printf
from workloads.notifications.sandbox.numbers import (
    are_numbers,
    require_precision,
    require_small,
)
from workloads.notifications.sandbox.weights import TEXTS, html_length, weigh

Operation = Callable[..., Any]


def price(function: Operation, units: int = 1) -> Operation:
    """Charge so many units for each of the weight of what a function is given.

    A text that it makes is refused if it is too long. Its result is no larger than those units:
    `urlencode` makes twelve characters of one, and has looked at each of them.
    """
    pass_arg = _PassArg.from_obj(function)

    def run(context: RenderContext, *args: Any, **kwargs: Any) -> Any:
        budget = context.budget
        weight = weigh(args[0], budget.left) if args else 0
        if len(args) > 1 or kwargs:
            weight += weigh([*args[1:], *kwargs.values()], budget.left)
        budget.spend(STEP + units * weight)
        if pass_arg is _PassArg.eval_context:
            return require_short(function(context.eval_ctx, *args, **kwargs))
        if pass_arg is _PassArg.environment:
            return require_short(function(context.environment, *args, **kwargs))
        return require_short(function(*args, **kwargs))

    return run


def step(function: Operation) -> Operation:
    """Charge one step: the function looks no further than at the value itself."""
    pass_arg = _PassArg.from_obj(function)

    def run(context: RenderContext, *args: Any, **kwargs: Any) -> Any:
        context.budget.spend(STEP * (1 + len(args)))
        if pass_arg is _PassArg.context:
            return function(context, *args, **kwargs)
        if pass_arg is _PassArg.environment:
            return function(context.environment, *args, **kwargs)
        return function(*args, **kwargs)

    return run


def price_text(function: Operation, units: int = 1) -> Operation:
    """Charge so many units for each letter of the text that a value is made before.

    A text that comes of it is refused if it is too long.
    """

    def run(context: RenderContext, value: Any) -> Any:
        text = texts.to_text(context.budget, value)
        context.budget.spend(units * len(text))
        return require_short(function(text))

    return run


def bound(operation: Operation) -> Operation:
    """Refuse a text that an operation makes, if it is too long, where that was not done before."""

    def run(context: RenderContext, *args: Any, **kwargs: Any) -> Any:
        return require_short(operation(context, *args, **kwargs))

    return run


def _format(context: RenderContext, value: Any, *args: Any, **kwargs: Any) -> str:
    if args and kwargs:
        raise FilterArgumentError("give a format values by place or by name, not both")
    return format_printf(context.budget, texts.to_text(context.budget, value), kwargs or args)


def _round(context: RenderContext, value: Any, precision: Any = 0, method: Any = "common") -> Any:
    context.budget.spend(STEP)
    _require_text(method)
    if not are_numbers(value):  # a text times a power of ten is a long one
        weigh(value, context.budget.left)  # says so, if a field is missing
        raise TypeError(f"a {type(value).__name__} is no number to round")
    require_small(value)
    require_precision(precision)
    return filters.do_round(value, precision, method)


def _attribute(context: RenderContext, value: Any, name: Any) -> Any:
    _require_text(name)
    context.budget.spend(STEP + len(name))  # it is in an error that Jinja catches
    return filters.do_attr(context.environment, value, name)


def _require_text(value: Any) -> None:
    """Refuse what is no text where a name is sought among others: to hash a tuple is long work."""
    if type(value) not in TEXTS:
        raise FilterArgumentError(f"a {type(value).__name__} is no name")


def _truncate(context: RenderContext, s: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(s, str) and any(isinstance(p, Markup) for p in (*args, *kwargs.values())):
        context.budget.spend_text(html_length(s))  # an end that is safe has the rest escaped
    return price(filters.do_truncate, 2)(context, s, *args, **kwargs)


def _absolute(value: Any) -> Any:
    return require_small(abs(value))


def _integer(value: Any, default: Any = 0, base: Any = 10) -> Any:
    number = filters.do_int(value, default, base)
    return require_small(number) if are_numbers(number) else number


FILTERS: dict[str, Operation] = {
    "abs": price(_absolute),
    "attr": _attribute,
    "batch": sequences.cut_batches,
    "capitalize": price_text(filters.do_capitalize, 2),
    "center": lambda context, value, width=80: texts.pad(context, "center", value, width),
    "count": step(len),
    "d": step(filters.do_default),
    "default": step(filters.do_default),
    "dictsort": sequences.sort_object,
    "e": texts.escape_text,
    "escape": texts.escape_text,
    "filesizeformat": price(filters.do_filesizeformat),
    "first": step(filters.sync_do_first),
    "float": price(filters.do_float),
    "forceescape": texts.escape_again,
    "format": bound(_format),
    "groupby": sequences.group_values,
    "indent": bound(texts.indent_text),
    "int": price(_integer),
    "items": sequences.list_items,
    "join": texts.join_texts,
    "last": step(filters.do_last),
    "length": step(len),
    "list": lambda context, value: texts.list_of(context.budget, value),
    "lower": price_text(filters.do_lower, 2),
    "map": sequences.map_values,
    "max": sequences.find_extreme(filters.do_max),
    "min": sequences.find_extreme(filters.do_min),
    "random": step(filters.do_random),
    "reject": sequences.choose_values(filters.sync_do_reject, 0),
    "rejectattr": sequences.choose_values(filters.sync_do_rejectattr, 1),
    "replace": texts.replace_text,
    "reverse": bound(sequences.reverse_values),
    "round": _round,
    "safe": price_text(Markup),
    "select": sequences.choose_values(filters.sync_do_select, 0),
    "selectattr": sequences.choose_values(filters.sync_do_selectattr, 1),
    "slice": sequences.cut_slices,
    "sort": sequences.sort_values,
    "string": lambda context, value: texts.to_text(context.budget, value),
    "striptags": bound(words.strip_tags),
    "sum": sequences.add_up,
    "title": price_text(filters.do_title, 16),
    "tojson": bound(texts.write_json),
    "trim": bound(texts.trim_text),
    "truncate": bound(_truncate),
    "unique": sequences.list_unique,
    "upper": price_text(filters.do_upper, 2),
    "urlencode": price(filters.do_urlencode, 16),
    "urlize": bound(words.link_addresses),
    "wordcount": price_text(filters.do_wordcount, 16),
    "wordwrap": bound(words.wrap_words),
    "xmlattr": price(filters.do_xmlattr, 12),
}
