"""Operations on texts whose result may be far longer than the text: charged before they work."""

import re
from typing import Any

from jinja2 import filters
from markupsafe import Markup, escape, soft_str

from workloads.notifications.sandbox.budget import ELEMENT, STEP, Budget
from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.errors import TemplateLimitError
from workloads.notifications.sandbox.weights import weigh, weigh_text

MAX_INDENT = 16
# What `escape` makes of a quotation mark; and `tojson` of a letter beyond U+FFFF.
HTML_GROWTH, JSON_GROWTH = 5, 12
_WORD = re.compile(r"\S+")
_LINK_CHARACTERS = 100
# Bytes are copied so many times faster than a template's operations work.
_COPY = 64
# So many letters are compared while one is made.
_SEEKING = 8


def to_text(budget: Budget, value: Any) -> str:
    """Give a value as text, for a price of its weight."""
    budget.spend(STEP + weigh_text(value, budget.left))
    return soft_str(value)


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
    budget.spend_text(max(len(text), require_integer(width)))
    padded: str = getattr(text, method)(width, *fill)
    return padded


def trim_text(context: RenderContext, value: Any, chars: Any = None) -> str:
    """Take letters off both ends of a text; without any, blanks."""
    text = to_text(context.budget, value)
    if chars is not None:
        spend_seeking(context.budget, text, chars)
    return filters.do_trim(value, chars)


def spend_seeking(budget: Budget, text: str, sought: str) -> None:
    """Charge what may look at all of one text at each letter of another."""
    budget.spend(len(text) * len(sought) // _SEEKING)


def expand_tabs(context: RenderContext, value: Any, tabsize: Any = 8) -> str:
    """Replace tabulators by spaces."""
    text = to_text(context.budget, value)
    context.budget.spend_text(len(text) + text.count("\t") * max(0, require_integer(tabsize)))
    return text.expandtabs(tabsize)


def replace_text(context: RenderContext, value: Any, old: Any, new: Any, count: Any = None) -> str:
    """Replace one text by another."""
    budget = context.budget
    text, before, after = (to_text(budget, part) for part in (value, old, new))
    places = text.count(before)
    if count is not None and require_integer(count) >= 0:
        places = min(places, count)
    budget.spend_text(len(text) * _html_growth(context) + places * len(after))
    # The parts themselves, since a Markup among them makes the others be escaped.
    return filters.do_replace(context.eval_ctx, value, old, new, count)


def _html_growth(context: RenderContext) -> int:
    return HTML_GROWTH if context.eval_ctx.autoescape else 1


def join_texts(context: RenderContext, values: Any, d: Any = "", attribute: Any = None) -> str:
    """Join texts with another between each two."""
    budget = context.budget
    parts = list_of(budget, values)
    if attribute is not None:
        parts = pick(context, parts, attribute)
    weight = weigh(parts, budget.left)
    separator = to_text(budget, d)
    budget.spend_text(weight + len(parts) * len(separator) * _html_growth(context))
    return filters.sync_do_join(context.eval_ctx, parts, d)


def join_by(context: RenderContext, separator: Any, values: Any) -> str:
    """Join as the method of the text between: `", ".join(names)`."""
    budget = context.budget
    parts = list_of(budget, values)
    weight = weigh(parts, budget.left)
    growth = HTML_GROWTH if isinstance(separator, Markup) else 1
    budget.spend_text(weight + len(parts) * len(separator) * growth)
    joined: str = separator.join(parts)
    return joined


def indent_text(
    context: RenderContext, s: Any, width: Any = 4, first: bool = False, blank: bool = False
) -> str:
    """Indent each line."""
    budget = context.budget
    text = to_text(budget, s)
    indention = len(width) if isinstance(width, str) else max(0, require_integer(width))
    lines = len(text.splitlines()) + 1
    budget.spend_text(len(text) + lines * (ELEMENT + indention * _html_growth(context)))
    return filters.do_indent(soft_str(s), width, first, blank)


def wrap_words(
    context: RenderContext,
    s: Any,
    width: Any = 79,
    break_long_words: bool = True,
    wrapstring: Any = None,
    break_on_hyphens: bool = True,
) -> str:
    """Break lines at words."""
    budget = context.budget
    text = to_text(budget, s)
    spend_words(budget, text)
    # Two lines in turn have more than the width together, or they would be one.
    lines = 2 * len(text) // max(1, require_integer(width)) + len(text.splitlines()) + 1
    between = "\n" if wrapstring is None else to_text(budget, wrapstring)
    budget.spend_text(len(text) + lines * (ELEMENT + len(between) * _html_growth(context)))
    environment = context.environment
    return filters.do_wordwrap(
        environment, soft_str(s), width, break_long_words, wrapstring, break_on_hyphens
    )


def spend_words(budget: Budget, text: str) -> None:
    """Charge an expression that may look at each word once for each of its letters."""
    budget.spend(ELEMENT * len(text))
    budget.spend(sum((word.end() - word.start()) ** 2 for word in _WORD.finditer(text)) // 2)


def link_addresses(context: RenderContext, value: Any, *args: Any, **kwargs: Any) -> str:
    """Make links of the addresses in a text, as the filter `urlize` does."""
    budget = context.budget
    text = to_text(budget, value)
    parts = [*args, *kwargs.values()]
    extra = weigh(parts, budget.left)
    # Each scheme is compared with each word, and each link has the other parts within it.
    budget.spend(extra * (1 + text.count(":")))
    links = len(_WORD.findall(text)) if any(sign in text for sign in "@.:") else 0
    budget.spend_text(2 * HTML_GROWTH * len(text) + links * (_LINK_CHARACTERS + extra))
    spend_words(budget, escape(text))  # it looks for words after it has escaped them
    return filters.do_urlize(context.eval_ctx, value, *args, **kwargs)


def strip_tags(context: RenderContext, value: Any) -> str:
    """Take tags out of a text, which is copied once for each of them."""
    text = to_text(context.budget, value)
    context.budget.spend(len(text) * (1 + text.count("<")) // _COPY + len(text))
    return filters.do_striptags(value)


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
