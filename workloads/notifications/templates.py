"""Templates: each is compiled once and renders in a sandbox, with a budget.

A template sees the fields of its recipient and nothing else. A missing field is an error, never an
empty text. Output that is too long is an error, and so is whatever takes more work than a message
needs: see `sandbox`.
"""

import re
from typing import Any

from jinja2 import Template
from pydantic_core import from_json

from fanout.printable import describe_error
from fanout.splitting.numbers import has_infinity
from workloads.notifications.sandbox.budget import MAX_CHARACTERS
from workloads.notifications.sandbox.cache import TemplateCache
from workloads.notifications.sandbox.environment import MessageTemplate, Sandbox
from workloads.notifications.sandbox.errors import RenderError, TemplateLimitError

_SURROGATE = re.compile("[\ud800-\udfff]")
_TEXT = Sandbox(is_html=False)
_HTML = Sandbox(is_html=True)


def compile_template(source: str, *, is_html: bool = False) -> Template:
    """Compile a template.

    Raises:
        TemplateError: Its syntax is wrong, it is too large, or it needs what a run does not have.
    """
    return _cache.get(source, is_html)


def _compile(source: str, is_html: bool) -> MessageTemplate:
    return (_HTML if is_html else _TEXT).compile_source(source)


_cache = TemplateCache(_compile)


def render(
    source: str,
    fields: dict[str, Any],
    *,
    is_html: bool = False,
    max_characters: int = MAX_CHARACTERS,
) -> str:
    """Render a template.

    Raises:
        RenderError: A field is missing, or the template cannot use these fields.
        TemplateLimitError: It takes too much work, or its text is too long.
    """
    environment = _HTML if is_html else _TEXT
    pieces: list[str] = []
    room = max_characters
    try:
        template = compile_template(source, is_html=is_html)
        for piece in environment.render_pieces(template, fields):
            pieces.append(piece)
            room -= len(piece)
            if room < 0:
                raise TemplateLimitError(f"it renders to more than {max_characters} characters")
        text = "".join(pieces)
    except TemplateLimitError as error:
        raise TemplateLimitError(f"the template does not render: {error}") from error
    except RecursionError as error:
        fault = "it calls itself, or its values are nested, too deep"
        raise TemplateLimitError(f"the template does not render: {fault}") from error
    # A template calls operations of its fields, which may raise any exception.
    except Exception as error:
        fault = describe_error(error)
        raise RenderError(f"the template does not render: {fault}") from error
    return _require_encodable(text)


def _require_encodable(text: str) -> str:
    """Refuse half a pair of UTF-16, which a template may write as an escape."""
    half = _SURROGATE.search(text)
    if half is not None:
        raise RenderError(f"it renders to a text with U+{ord(half[0]):04X}, half of a letter")
    return text


def render_json(source: str, fields: dict[str, Any]) -> bytes:
    """Render a template whose output is JSON, as RFC 8259 has it.

    Raises:
        RenderError: As `render`, or the output is no JSON.
    """
    text = render(source, fields)
    try:
        if has_infinity(from_json(text, allow_inf_nan=False)):
            raise ValueError("a number is beyond the largest, about 1.8e308")
    except ValueError as error:
        raise RenderError(
            f"the template renders to no JSON ({error}); write a field as {{{{ name | tojson }}}}"
        ) from error
    return text.encode()
