"""Operations on the words of a text, whose work is no multiple of its length: charged before it."""

import re
from collections import Counter
from typing import Any

from jinja2 import filters
from markupsafe import Markup, escape

from workloads.notifications.sandbox.budget import ELEMENT, STEP, Budget
from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.texts import (
    HTML_GROWTH,
    count_lines,
    require_integer,
    to_text,
)
from workloads.notifications.sandbox.weights import html_length, weigh, weigh_text

# What an expression goes through again from each of its letters: a word, and ends of lines in turn.
_RUN = re.compile(r"\S+|\n+")
_WORD = re.compile(r"\S+")
_LINK_SIGN = re.compile("[@.:]")
_LINK_PARTS = ("trim_url_limit", "nofollow", "target", "rel", "extra_schemes")
_LINK_CHARACTERS = 100
_SCHEME = 2
# Bytes are compared so many times faster than a template's operations work.
_BYTES = 64


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
    lines = 2 * len(text) // max(1, require_integer(width)) + count_lines(text)
    between = "\n" if wrapstring is None else to_text(budget, wrapstring)
    # A line is a plain text, and so is escaped, whatever it was cut from.
    length = html_length(str(text)) if isinstance(between, Markup) else len(text)
    budget.spend_text(length + lines * (ELEMENT + len(between)))
    environment = context.environment
    return filters.do_wordwrap(
        environment, text, width, break_long_words, between, break_on_hyphens
    )


def spend_words(budget: Budget, text: str) -> None:
    """Charge an expression that may look at each run of letters once for each of them."""
    budget.spend(ELEMENT * len(text))
    budget.spend(sum((run.end() - run.start()) ** 2 for run in _RUN.finditer(text)) // 2)


def link_addresses(context: RenderContext, value: Any, *args: Any, **kwargs: Any) -> str:
    """Make links of the addresses in a text, as the filter `urlize` does."""
    budget = context.budget
    text = to_text(budget, value)
    given = dict(zip(_LINK_PARTS, args, strict=False)) | kwargs
    budget.spend(ELEMENT * weigh(given, budget.left))
    budget.spend_text(2 * HTML_GROWTH * len(text))
    spend_words(budget, escape(text))  # it looks for words after it has escaped them
    words = Counter(_LINK_SIGN.search(word[0]) is not None for word in _WORD.finditer(text))
    _spend_schemes(budget, given.pop("extra_schemes", None), words.total())
    # Each link has the text twice, and the other parts within it.
    parts = sum(weigh_text(part, budget.left) for part in given.values())
    links = words[True] * (_LINK_CHARACTERS + HTML_GROWTH * parts)
    budget.spend_text(2 * HTML_GROWTH * len(text) + links)
    return filters.do_urlize(context.eval_ctx, text, *args, **kwargs)


def _spend_schemes(budget: Budget, schemes: Any, words: int) -> None:
    """Charge the comparison of each scheme with each word, and with each gap between two."""
    count = 0 if schemes is None else len(schemes)
    weight = weigh(schemes, budget.left)
    budget.spend((2 * words + 1) * (_SCHEME * count + weight // _BYTES))


def strip_tags(context: RenderContext, value: Any) -> str:
    """Take tags out of a text, and what stands for a letter in HTML."""
    budget = context.budget
    text = to_text(budget, value)
    # After each `&` it looks for a name in the list of HTML, of one letter less each time.
    budget.spend(4 * len(text) + 4 * STEP * text.count("&"))
    return filters.do_striptags(text)
