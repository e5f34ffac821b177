"""Operations on texts whose result may be far longer than the text: charged before they work."""

from typing import Any

from jinja2 import filters
from markupsafe import Markup, escape, soft_str

from workloads.notifications.sandbox.budget import ELEMENT, STEP, Budget, require_short
from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.errors import TemplateLimitError
from workloads.notifications.sandbox.weights import html_length, weigh, weigh_text

MAX_INDENT = 16
# What `escape` makes of a quotation mark, and of one that was escaped before.
HTML_GROWTH, HTML_GROWTH_TWICE = 5, 9
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
# So many letters are compared while one is made.
_SEEKING = 8


def to_text(budget: Budget, value: Any) -> str:
    """Give a value as text, for a price of its weight.

    Raises:
        TemplateLimitError: It is too long, or there is not as much work left.
    """
    if type(value) is str:
        budget.spend(STEP + len(value))
        return require_short(value)  # type: ignore[no-any-return]
    budget.spend(STEP + weigh_text(value, budget.left))
    return require_short(soft_str(value))  # type: ignore[no-any-return]


def require_integer(value: Any) -> int:
    """Refuse a width or count that is no integer.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(value, int):
        raise TypeError(f"a {type(value).__name__} is no whole number")
    return value


def pad(context: RenderContext, method: str, value: Any, width: Any, *fill: Any) -> str:
    """Pad a text to a width: `center`, `ljust`, `rjust`, `zfill`."""
    budget = context.budget
    text = to_text(budget, value)
    budget.spend(HTML_GROWTH * weigh(fill, budget.left))  # it is escaped before it is refused
    budget.spend_text(max(len(text), require_integer(width)))
    padded: str = getattr(text, method)(width, *fill)
    return padded


def trim_text(context: RenderContext, value: Any, chars: Any = None) -> str:
    """Take letters off both ends of a text; without any, blanks."""
    text = to_text(context.budget, value)
    if chars is not None:
        spend_seeking(context.budget, text, chars)
    return filters.do_trim(text, chars)


def spend_seeking(budget: Budget, text: str, sought: str) -> None:
    """Charge what may look at all of one text at each letter of another."""
    budget.spend(len(text) * len(sought) // _SEEKING)


def expand_tabs(context: RenderContext, value: Any, tabsize: Any = 8) -> str:
    """Replace tabulators by spaces."""
    text = to_text(context.budget, value)
    context.budget.spend_text(len(text) + text.count("\t") * max(0, require_integer(tabsize)))
    return text.expandtabs(tabsize)


def replace_text(context: RenderContext, value: Any, old: Any, new: Any, count: Any = None) -> str:
    """Replace one text by another, in HTML in what is escaped if one of these two is."""
    budget = context.budget
    text, before, after = (to_text(budget, part) for part in (value, old, new))
    if not context.eval_ctx.autoescape:
        text = str(text)
    elif isinstance(before, Markup) or isinstance(after, Markup):
        budget.spend_text(html_length(text))
        text = escape(text)
    places = -1 if count is None else require_integer(count)
    spend_replacement(budget, text, before, after, places)
    return filters.do_replace(context.eval_ctx, text, before, after, places)


def spend_replacement(budget: Budget, text: str, old: str, new: str, count: int) -> None:
    """Charge what `text.replace(old, new, count)` makes."""
    budget.spend(len(text))
    places = text.count(old) if count < 0 else min(count, text.count(old))
    length = html_length(new) if isinstance(text, Markup) else len(new)
    budget.spend_text(len(text) + places * (length - len(old)))


def escape_text(context: RenderContext, value: Any) -> Markup:
    """Escape a text, unless it is safe already."""
    text = to_text(context.budget, value)
    context.budget.spend_text(html_length(text))
    return escape(text)


def escape_again(context: RenderContext, value: Any) -> Markup:
    """Escape a text, though it may be safe already."""
    return escape_text(context, str(to_text(context.budget, value)))


def join_texts(context: RenderContext, values: Any, d: Any = "", attribute: Any = None) -> str:
    """Join texts with another between each two."""
    budget = context.budget
    values = list_of(budget, values)
    if attribute is not None:
        values = pick(context, values, attribute)
    parts = [to_text(budget, value) for value in values]
    separator = to_text(budget, d)
    has_markup = any(isinstance(text, Markup) for text in (separator, *parts))
    length = html_length if context.eval_ctx.autoescape and has_markup else len
    budget.spend_text(sum(map(length, parts)) + len(parts) * length(separator))
    return filters.sync_do_join(context.eval_ctx, parts, separator)


def join_by(context: RenderContext, separator: Any, values: Any) -> str:
    """Join as the method of the text between: `", ".join(names)`."""
    budget = context.budget
    parts = list_of(budget, values)
    if isinstance(separator, Markup):
        parts = [to_text(budget, part) for part in parts]
        weight = sum(map(html_length, parts))
    else:
        weight = weigh(parts, budget.left)
    budget.spend_text(weight + len(parts) * len(separator))
    joined: str = separator.join(parts)
    return joined


def indent_text(
    context: RenderContext, s: Any, width: Any = 4, first: bool = False, blank: bool = False
) -> str:
    """Indent each line."""
    budget = context.budget
    text = to_text(budget, s)
    indention = len(width) if isinstance(width, str) else max(0, require_integer(width))
    # What is safe before a line that is not has the line escaped; and the first one once more.
    is_escaped = isinstance(width, Markup) and not isinstance(text, Markup)
    growth = HTML_GROWTH_TWICE if is_escaped else 1
    budget.spend_text(growth * len(text) + count_lines(text) * (ELEMENT + growth * indention))
    return filters.do_indent(text, width, first, blank)


def count_lines(text: str) -> int:
    """Count the lines of a text, at least, without making them."""
    return 1 + sum(map(text.count, _LINE_ENDS))


def write_json(context: RenderContext, value: Any, indent: Any = None) -> Markup:
    """Write a value as JSON that may stand in HTML."""
    budget = context.budget
    weight = weigh(value, budget.left)
    budget.spend(STEP + 4 * weight)
    if indent is not None:
        if not 0 <= require_integer(indent) <= MAX_INDENT:
            raise TemplateLimitError(f"an indent of JSON is beyond {MAX_INDENT}")
        budget.spend_text(weight // ELEMENT * indent * _depth(value))
    return filters.do_tojson(context.eval_ctx, value, indent)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        below = (list(i.values()) if isinstance(i, dict) else i for i in level if _is_nested(i))
        level = [item for items in below for item in items]
    return depth


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list | tuple)


def list_of(budget: Budget, values: Any) -> list[Any]:
    """List what a template may go through, for a price of its length."""
    budget.spend(STEP + ELEMENT * len(values))
    return list(values)


def pick(
    context: RenderContext, items: list[Any], attribute: Any, default: Any = None
) -> list[Any]:
    """Look up an attribute, perhaps one of several names with dots, of each item."""
    spend_names(context.budget, items, attribute)
    find = filters.make_attrgetter(context.environment, attribute, default=default)
    return [find(item) for item in items]


def spend_names(budget: Budget, items: list[Any], attribute: Any) -> None:
    """Charge the lookups of the names in an attribute, for each item."""
    parts = 1 + sum(map(attribute.count, ".,")) if isinstance(attribute, str) else 1
    budget.spend(STEP * parts * (1 + len(items)))
