"""What makes a text longer is charged for it, and does what Jinja does."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workloads.notifications.sandbox.budget import WORK_LIMIT, Budget
from workloads.notifications.sandbox.environment import RenderContext, Sandbox
from workloads.notifications.sandbox.errors import TemplateLimitError

GROWTH = 12
OPERATIONS = [
    "s | center(n)",
    "s.center(n, '-')",
    "s.ljust(n)",
    "s.rjust(n)",
    "s.zfill(n)",
    "s.expandtabs(n)",
    "s | replace(t, u)",
    "s.replace(t, u)",
    "s.replace(t, u, n)",
    "[s, t, u] | join(u)",
    "u.join([s, t])",
    "s | indent(n, true, true)",
    "s | indent(u)",
    "s | wordwrap(n, true, u)",
    "s | urlize(n, true, t, u)",
    "s | striptags",
    "[s, [t, n]] | tojson(n)",
    "s | truncate(n, true, '', 0)",
    "s | e | title",
    "s | urlencode",
    "'%s and %5s' % (s, t)",
    "'{}{:>9}'.format(s, t)",
    "s + t ~ u ~ n",
    "s[:n] ~ s[n:]",
    "s.split() | join(t)",
    "s.rsplit('a', n) | join",
    "s | replace(t | safe, u)",
    "s | replace(t, u | safe, n)",
    "(s | safe) | replace(t, u)",
    "(s | e).replace(t, u)",
    "[s, t | safe, n, [u]] | join(u)",
    "[s, t, n, [u]] | join(u | safe)",
    "(u | safe).join([s, t | safe, n, [u]])",
    "s | indent(u | safe, true)",
    "(s | safe) | indent(u, true, true)",
    "s | wordwrap(n, true, u | safe)",
    "(s | safe) | wordwrap(n, true, u)",
    "(s | safe) + t",
    "s + (t | safe)",
    "(s | safe) ~ t ~ [u]",
    "'%s and %s' | safe % (s, [t])",
    "[s, t] | e",
    "[s, t] | string | forceescape",
    "(s | e) | forceescape",
    "s | urlize(n, false, [t], u, ['ab:', 'abc:'])",
    "s | truncate(n, true, '' | safe, 0)",
]
texts = st.text(alphabet="ab<-' \t\n.@:/w%{}é😀", max_size=60)


@given(
    operation=st.sampled_from(OPERATIONS),
    is_html=st.booleans(),
    fields=st.fixed_dictionaries({"s": texts, "t": texts, "u": texts, "n": st.integers(-3, 70)}),
)
def test_a_text_is_as_in_jinja_and_no_longer_than_what_was_charged(
    operation: str, is_html: bool, fields: dict[str, Any]
):
    source = f"{{% set x = {operation} %}}"
    try:
        expected = jinja(source, is_html=is_html, fields=fields)
    except (ValueError, AssertionError, TypeError):
        assume(False)
    try:
        result, spent = ours(source, is_html=is_html, fields=fields)
    except TemplateLimitError as error:
        assert "indent" in operation or "tojson" in operation, error
        return
    assert result == expected
    assert len(result) <= GROWTH * spent


def jinja(source: str, *, is_html: bool, fields: dict[str, Any]) -> Any:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=is_html)
    return environment.from_string(source).make_module(fields).x


def ours(source: str, *, is_html: bool, fields: dict[str, Any]) -> tuple[Any, int]:
    environment = Sandbox(is_html=is_html)
    template = environment.compile_source(source)
    context = RenderContext(environment, fields, None, {})
    context.budget = Budget()
    list(template.root_render_func(context))
    return context.vars["x"], WORK_LIMIT - context.budget.left


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_of_them_works(operation: str):
    fields = {"s": "a <b> www.x.org\tc", "t": "b", "u": "--", "n": 12}
    source = f"{{% set x = {operation} %}}"
    assert ours(source, is_html=False, fields=fields)[0]
