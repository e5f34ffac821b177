"""Formats: `%`, the filter `format` and the method `format`, whose widths are bounded.

A width or precision in a format is how many characters a field takes, whatever its value.
Formats of `%`: https://docs.python.org/3/library/stdtypes.html#printf-style-string-formatting;
of `format`: https://docs.python.org/3/library/string.html#formatspec.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2.sandbox import SandboxedFormatter
from markupsafe import Markup, escape

from workloads.notifications.sandbox.budget import STEP, Budget
from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.errors import TemplateLimitError
from workloads.notifications.sandbox.weights import weigh, weigh_text

MAX_WIDTH = 1000
_SHORT_TEXT = 256
_CONVERSION = re.compile(
    r"%(?:\([^()]*\))?[#0\- +]*(?P<width>\d+|\*)?(?:\.(?P<precision>\d+|\*)?)?[hlL]?(?P<kind>.)?",
    re.DOTALL,
)
_NUMBER = re.compile(r"\d+")
# What a character of a value may become: \U0001f600 in `%r`, and five for an escape in HTML.
_GROWTH = 10


def format_printf(budget: Budget, text: str, values: Any) -> str:
    """Format as ``text % values``.

    Raises:
        TemplateLimitError: A width is too large, or the result is too long.
    """
    # Read once for each text, unless it is long: a short one is in the template.
    read = _read_conversions if len(text) <= _SHORT_TEXT else _read_conversions.__wrapped__
    budget.spend(STEP * (1 + text.count("%")) + len(text))
    conversions, room = read(str(text))
    weight = weigh(values, budget.left)
    repeats = conversions if isinstance(values, dict) else 1
    budget.spend_text(len(text) + room + weight * repeats)
    result: str = text % values
    budget.spend(len(result))
    return result


@lru_cache(maxsize=256)
def _read_conversions(text: str) -> tuple[int, int]:
    """How many conversions a format has, and what their widths and precisions ask for."""
    conversions, room = 0, 0
    for conversion in _CONVERSION.finditer(text):
        if conversion["kind"] == "(":
            raise TemplateLimitError("a name in a format has parentheses")
        conversions += 1
        room += _require_width(conversion["width"]) + _require_width(conversion["precision"])
    return conversions, room


def _require_width(number: str | None) -> int:
    if not number:
        return 0
    if number == "*" or len(number) > len(str(MAX_WIDTH)) or int(number) > MAX_WIDTH:
        raise TemplateLimitError(f"a width in a format is more than {MAX_WIDTH}")
    return int(number)


class BoundFormatter(SandboxedFormatter):
    """`str.format` in which each field is looked up by the sandbox and charged when it is made."""

    def __init__(self, context: RenderContext, *, is_html: bool) -> None:
        super().__init__(context.environment)
        self._budget = context.budget
        self._is_html = is_html

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format one field, whose width is bounded."""
        for number in _NUMBER.findall(format_spec):
            _require_width(number)
        self._budget.spend_text(weigh_text(value, self._budget.left))
        text = format(value, format_spec)
        if self._is_html and (format_spec or not isinstance(value, Markup)):
            text = str(escape(text))
        self._budget.spend(STEP + len(text))
        return text

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """Write a value as `!s`, `!r` or `!a` has it."""
        if conversion is not None:
            self._budget.spend(STEP + _GROWTH * weigh(value, self._budget.left))
        return super().convert_field(value, conversion)


def format_braces(
    context: RenderContext, text: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str:
    """Format as ``text.format(*args, **kwargs)``.

    Raises:
        TemplateLimitError: A width is too large, or the result is too long.
    """
    context.budget.spend(STEP * (1 + text.count("{")) + len(text))
    is_html = isinstance(text, Markup)
    result = BoundFormatter(context, is_html=is_html).vformat(str(text), args, kwargs)
    context.budget.spend_text(len(result))
    return Markup(result) if is_html else result  # noqa: S704  its fields are escaped
