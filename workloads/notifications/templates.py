"""Templates: each is compiled once and renders in a sandbox.

A template sees the fields of its recipient and nothing else. A missing field is an error, never an
empty text. Output that is too long is an error; so are products of texts and powers, with which a
short template could fill the memory.
"""

import json
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from fanout.errors import PermanentError

MAX_RENDERED_CHARACTERS = 1_048_576


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
        raise RenderError(f"the template does not render: {error}") from error
    return "".join(pieces)


def render_json(source: str, fields: dict[str, Any]) -> bytes:
    """Render a template whose output is JSON.

    Raises:
        RenderError: As `render`, or the output is no JSON.
    """
    text = render(source, fields)
    try:
        json.loads(text)
    except ValueError as error:
        raise RenderError(
            f"the template renders to no JSON ({error}); write a field as {{{{ name | tojson }}}}"
        ) from error
    return text.encode()
