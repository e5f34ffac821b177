"""Templates: each is compiled once and renders in a sandbox.

A template sees the fields of its recipient and nothing else. A missing field is an error, never an
empty text. Output that is too long is an error; so are products of texts and powers, with which a
short template could fill the memory.
"""

import re
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic_core import from_json

from fanout.errors import PermanentError
from fanout.printable import describe_error
from fanout.splitting.numbers import has_infinity

MAX_RENDERED_CHARACTERS = 1_048_576
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("*", "**"))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not all(isinstance(side, int | float) for side in (left, right)):
            raise SecurityError(f"'{operator}' is for products of numbers here")
        return super().call_binop(context, operator, left, right)


_TEXT = _Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
_HTML = _Sandbox(undefined=StrictUndefined, autoescape=True, keep_trailing_newline=True)


class RenderError(PermanentError):
    """A template and a recipient's fields do not make a message."""


@lru_cache(maxsize=256)
def compile_template(source: str, *, is_html: bool = False) -> Template:
    """Compile a template.

    Raises:
        TemplateError: Its syntax is wrong, or it needs other files, which a run does not have.
    """
    environment = _HTML if is_html else _TEXT
    tree = environment.parse(source)
    file_nodes = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    if next(tree.find_all(file_nodes), None) is not None:
        raise TemplateError("a template cannot include, import or extend another")
    return environment.from_string(tree)


def render(source: str, fields: dict[str, Any], *, is_html: bool = False) -> str:
    """Render a template.

    Raises:
        RenderError: A field is missing, or the template cannot use these fields.
    """
    pieces: list[str] = []
    length = 0
    try:
        for piece in compile_template(source, is_html=is_html).generate(fields):
            length += len(piece)
            if length > MAX_RENDERED_CHARACTERS:
                raise RenderError(f"it renders to more than {MAX_RENDERED_CHARACTERS} characters")
            pieces.append(piece)
    except RenderError:
        raise
    # A template calls operations of its fields, which may raise any exception.
    except Exception as error:
        fault = describe_error(error)
        raise RenderError(f"the template does not render: {fault}") from error
    return _require_encodable("".join(pieces))


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
