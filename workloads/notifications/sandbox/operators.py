"""The operators of templates: what they take is charged before they work."""

from collections.abc import Callable
from typing import Any

from jinja2.exceptions import SecurityError
from markupsafe import Markup

from workloads.notifications.sandbox.budget import ELEMENT, STEP, Budget, require_short
from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.formats import format_printf
from workloads.notifications.sandbox.numbers import are_numbers, calculate
from workloads.notifications.sandbox.texts import HTML_GROWTH
from workloads.notifications.sandbox.weights import (
    SCALARS,
    SEQUENCES,
    TEXTS,
    html_length,
    require_scalar,
    weigh,
    weigh_text,
)

SYMBOLS = frozenset(("+", "-", "*", "/", "//", "%", "**"))


def operate(budget: Budget, symbol: str, left: Any, right: Any) -> Any:
    """Apply an operator of two values: numbers, two texts or lists to add, a text to format.

    Raises:
        TemplateLimitError: The result would be too large.
        SecurityError: The operator is not for such values.
    """
    budget.spend(STEP)
    if are_numbers(left, right):
        return calculate(symbol, left, right)
    if symbol == "+":
        return _add(budget, left, right)
    if symbol == "%" and type(left) in TEXTS:
        return require_short(format_printf(budget, left, right))
    weigh((left, right), budget.left)  # says so, if a field is missing
    raise SecurityError(f"'{symbol}' is for numbers here")


def _add(budget: Budget, left: Any, right: Any) -> Any:
    if {type(left), type(right)} <= TEXTS:
        is_html = isinstance(left, Markup) or isinstance(right, Markup)
        length = html_length if is_html else len
        budget.spend_text(length(left) + length(right))
        return left + right
    if type(left) is type(right) and type(left) in SEQUENCES:
        budget.spend(ELEMENT * (len(left) + len(right)))
        return left + right
    weigh((left, right), budget.left)
    return left + right


def to_output(context: RenderContext, value: Any) -> Any:
    """Charge a value that is about to be written out."""
    kind = type(value)
    budget = context.budget
    if kind is str:
        # It may be escaped right after, and is so only once: what comes of it is a Markup.
        growth = HTML_GROWTH if context.eval_ctx.autoescape else 1
        budget.left -= STEP + len(value) * growth
    else:
        budget.left -= STEP + weigh_text(value, budget.left)
    if budget.left < budget.floor:
        budget.look()
    return value


def to_operand(context: RenderContext, value: Any) -> Any:
    """Charge a value that is about to be compared."""
    budget = context.budget
    budget.spend(STEP + (0 if type(value) in SCALARS else weigh(value, budget.left)))
    return value


def to_container(context: RenderContext, value: Any) -> Any:
    """Charge what something is about to be sought in; in an object that is one step."""
    if type(value) is not dict:
        return to_operand(context, value)
    context.budget.spend(STEP)
    return value


def spend_turn(context: RenderContext, value: Any, units: int) -> Any:
    """Charge one turn of a loop, or one call of a macro."""
    budget = context.budget
    budget.left -= units
    if budget.left < budget.floor:
        budget.look()
    return value


def to_sequence(context: RenderContext, values: Any) -> Any:
    """Charge a list that a template writes."""
    context.budget.spend(STEP + ELEMENT * len(values))
    return values


def to_mapping(context: RenderContext, *pairs: Any) -> dict[Any, Any]:
    """Make an object of keys and values in turn."""
    context.budget.spend(STEP + 2 * ELEMENT * len(pairs))
    keys = pairs[::2]
    for key in keys:
        require_scalar(key)
    return dict(zip(keys, pairs[1::2], strict=True))


def cut(context: RenderContext, value: Any, *bounds: Any) -> Any:
    """Take a slice of a text or list."""
    budget = context.budget
    kind = type(value)
    if kind not in TEXTS and kind not in SEQUENCES:
        weigh(value, budget.left)
        raise TypeError(f"a {kind.__name__} has no parts from one place to another")
    place = slice(*bounds)
    length = len(range(*place.indices(len(value))))
    budget.spend(STEP)
    if kind in TEXTS:
        budget.spend_text(length)
    else:
        budget.spend(ELEMENT * length)
    return value[place]


def measure(_: RenderContext, value: Any) -> Any:
    """Refuse a text that was put together of others, if it is too long."""
    return require_short(value)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "#output": to_output,
    "#operand": to_operand,
    "#container": to_container,
    "#turn": spend_turn,
    "#sequence": to_sequence,
    "#mapping": to_mapping,
    "#slice": cut,
    "#text": measure,
}
