"""Filters that go through lists and objects, each charged for what it goes through."""

from collections.abc import Callable
from typing import Any

from jinja2 import filters
from jinja2.exceptions import FilterArgumentError
from jinja2.runtime import Undefined

from workloads.notifications.sandbox.budget import ELEMENT, STEP, Budget
from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.errors import TemplateLimitError
from workloads.notifications.sandbox.hashes import spend_hashes
from workloads.notifications.sandbox.numbers import are_numbers, require_small
from workloads.notifications.sandbox.texts import list_of, pick, require_integer, spend_names
from workloads.notifications.sandbox.weights import weigh

MAX_PARTS = 10_000


def spend_order(budget: Budget, values: Any) -> None:
    """Charge an order of values: each is compared with as many as the length has bits."""
    budget.spend(STEP + weigh(values, budget.left) * len(values).bit_length())


def sort_values(
    context: RenderContext,
    value: Any,
    reverse: bool = False,
    case_sensitive: bool = False,
    attribute: Any = None,
) -> list[Any]:
    """Sort a list."""
    spend_names(context.budget, value, attribute)
    if isinstance(attribute, str) and "," in attribute:
        # Each name stands for a copy in lower case, even if it is there several times.
        items = list_of(context.budget, value)
        for name in attribute.split(","):
            spend_order(context.budget, pick(context, items, name))
    else:
        spend_order(context.budget, value)
    return filters.do_sort(context.environment, value, reverse, case_sensitive, attribute)


def sort_object(
    context: RenderContext,
    value: Any,
    case_sensitive: bool = False,
    by: Any = "key",
    reverse: bool = False,
) -> list[Any]:
    """Sort the pairs of an object by key or value."""
    spend_order(context.budget, value)
    return filters.do_dictsort(value, case_sensitive, by, reverse)


def group_values(
    context: RenderContext,
    value: Any,
    attribute: Any,
    default: Any = None,
    case_sensitive: bool = False,
) -> list[Any]:
    """Group a list by an attribute."""
    budget = context.budget
    spend_order(budget, value)
    # The order is one of what is picked, each of which may be the default.
    spend_order(budget, pick(context, list(value), attribute, default))
    environment = context.environment
    return filters.sync_do_groupby(environment, value, attribute, default, case_sensitive)


def list_unique(
    context: RenderContext, value: Any, case_sensitive: bool = False, attribute: Any = None
) -> list[Any]:
    """List each value once."""
    spend_order(context.budget, value)
    spend_names(context.budget, value, attribute)
    keys = value if attribute is None else pick(context, list(value), attribute)
    spend_hashes(context.budget, keys)
    unique = filters.sync_do_unique(context.environment, value, case_sensitive, attribute)
    return list(unique)


def find_extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    """Make the filter `min` or `max`."""

    def find(
        context: RenderContext, value: Any, case_sensitive: bool = False, attribute: Any = None
    ) -> Any:
        spend_order(context.budget, value)
        spend_names(context.budget, value, attribute)
        return choose(context.environment, value, case_sensitive, attribute)

    return find


def add_up(context: RenderContext, iterable: Any, attribute: Any = None, start: Any = 0) -> Any:
    """Add numbers up."""
    numbers = list_of(context.budget, iterable)
    if attribute is not None:
        numbers = pick(context, numbers, attribute)
    if not are_numbers(start, *numbers):
        weigh([start, *numbers], context.budget.left)
        raise TypeError("a sum is of numbers")
    for number in (start, *numbers):
        require_small(number)
    return require_small(sum(numbers, start))


def cut_batches(
    context: RenderContext, value: Any, linecount: Any, fill_with: Any = None
) -> list[Any]:
    """Cut a list into rows of a length."""
    items = list_of(context.budget, value)
    _require_parts(context.budget, linecount)
    return list(filters.do_batch(items, linecount, fill_with))


def cut_slices(context: RenderContext, value: Any, slices: Any, fill_with: Any = None) -> list[Any]:
    """Cut a list into so many columns."""
    items = list_of(context.budget, value)
    _require_parts(context.budget, slices)
    return list(filters.sync_do_slice(items, slices, fill_with))


def _require_parts(budget: Budget, number: Any) -> None:
    if not 0 < require_integer(number) <= MAX_PARTS:
        raise TemplateLimitError(f"a number of rows or columns is not within 1 to {MAX_PARTS}")
    budget.spend(4 * ELEMENT * number)


def reverse_values(context: RenderContext, value: Any) -> Any:
    """Reverse a text or list."""
    if isinstance(value, str):
        context.budget.spend(STEP + len(value))
        return value[::-1]
    return list_of(context.budget, value)[::-1]


def list_items(context: RenderContext, value: Any) -> list[Any]:
    """List the pairs of an object; of a field that is missing, none."""
    if isinstance(value, Undefined):
        return []
    context.budget.spend(STEP + 4 * ELEMENT * len(value))
    return list(filters.do_items(value))


def map_values(context: RenderContext, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """Apply a filter to each value of a list, or look up an attribute of each."""
    values = list_of(context.budget, value)
    if not args and "attribute" in kwargs:
        names = dict(kwargs)
        return pick(context, values, names.pop("attribute"), names.pop("default", None))
    _require_name(args)
    context.budget.spend(STEP * 2 * len(values))
    return list(filters.sync_do_map(context, values, *args, **kwargs))


def _require_name(args: tuple[Any, ...]) -> None:
    """Refuse the names of operators, which are none that a template can write."""
    if not args or not isinstance(args[0], str) or args[0].startswith("#"):
        raise FilterArgumentError("the name of a filter or test is missing")


def choose_values(filter_values: Callable[..., Any], places: int) -> Callable[..., Any]:
    """Make the filter `select`, `reject` or one of them by an attribute."""

    def choose(context: RenderContext, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        values = list_of(context.budget, value)
        if len(args) > places:
            _require_name(args[places:])
        spend_names(context.budget, values, args[0] if places and args else None)
        return list(filter_values(context, values, *args, **kwargs))

    return choose
