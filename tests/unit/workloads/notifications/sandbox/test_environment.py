"""What a message needs renders as in Jinja itself, which is asked beside ours."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workloads.notifications.sandbox.errors import RenderError
from workloads.notifications.templates import compile_template, render

FIELDS: dict[str, Any] = {
    "name": "Ada <Lovelace>",
    "order": {"id": "A-1", "items": "a key", "paid": True, "note": None},
    "lines": [
        {"sku": "b", "count": 2, "price": 1.5, "tags": ["x", "y"]},
        {"sku": "A", "count": 10, "price": 0.25, "tags": []},
        {"sku": "c", "count": 2, "price": 99.0, "tags": ["y"]},
    ],
    "text": "Where are you,\n\tdear (old) friend? See www.example.org/x or mail a@b.example",
    "number": -7,
    "rate": 12.3456,
    "html": "<p>a <b>bold</b> &amp; 'quoted' \"text\"</p>",
    "tree": [{"n": 1, "below": [{"n": 2, "below": []}, {"n": 3, "below": []}]}],
}
TEMPLATES = [
    "Dear {{ name }}, {{ order.id }} {{ order['id'] }} {{ order.note }} {{ order.paid }}",
    "{% for l in lines %}{{ loop.index }}/{{ loop.length }} {{ l.sku }}: {{ '%.2f' % l.price }}"
    "{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}",
    "{% for l in lines if l.count > 2 %}{{ loop.revindex }}{{ l.sku }}{% endfor %}",
    "{% for a, b in order | dictsort %}{{ a }}={{ b }};{% endfor %}",
    "{% for k, v in order.items() %}{{ k }}{{ v }}{% endfor %}{{ order.keys() | list }}",
    "{% for g in lines | groupby('count') %}"
    "{{ g.grouper }}:{{ g.list | map(attribute='sku') | join }}"
    "{% endfor %}",
    "{% for n in tree recursive %}{{ n.n }}({{ loop(n.below) }}){{ loop.depth }}{% endfor %}",
    "{% for l in lines %}{{ loop.cycle('odd', 'even') }}{{ loop.changed(l.count) }}"
    "{{ loop.previtem.sku if loop.previtem is defined }}{% endfor %}",
    "{{ lines | sum(attribute='count') }} {{ lines | map(attribute='price') | max }}"
    " {{ lines | map(attribute='sku') | sort | join('-') }} {{ lines | length }}",
    "{{ lines | selectattr('count', 'equalto', 2) | map(attribute='sku') | list }}"
    "{{ lines | rejectattr('tags') | list | length }}{{ [1, 2, 3] | select('odd') | list }}",
    "{{ [3, 1, 2] | sort(reverse=true) }}{{ ['a', 'A', 'b'] | unique | list }}{{ [1, 2] | last }}",
    "{{ lines | batch(2, 'fill') | list | length }}{{ [1, 2, 3] | slice(2) | list }}",
    "{% set total = namespace(v=0) %}{% for l in lines %}"
    "{% set total.v = total.v + l.count * l.price %}{% endfor %}{{ total.v | round(2) }}",
    "{% macro greet(who, how='Hi') %}{{ how }} {{ who }}{% endmacro %}{{ greet(name) }}"
    "{{ greet(name, how='Ho') }}",
    "{% macro box() %}[{{ caller() }}]{% endmacro %}{% call box() %}{{ name }}{% endcall %}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}"
    "{% set j = joiner('; ') %}{{ j() }}x{{ j() }}y",
    "{% filter upper %}a {{ name }}{% endfilter %}{% set b %}<i>{{ name }}</i>{% endset %}{{ b }}",
    "{% with a = 1, b = number %}{{ a + b }}{% endwith %}{% block b %}{{ name }}{% endblock %}"
    "{{ self.b() }}",
    "{{ missing | default('none') }}{{ missing is defined }}{{ order.note is none }}",
    "{{ number + 3 }} {{ number * 2 }} {{ number // 2 }} {{ number % 3 }} {{ -number }} "
    "{{ 7 / 2 }}",
    "{{ rate | round(1) }} {{ rate | int }} {{ '3' | int + 1 }} {{ number | abs }} {{ 'x' | int }}",
    "{{ 1 < 2 < 3 }} {{ 'a' in name }} {{ 'id' in order }} {{ 2 not in [1, 2] }} {{ 1 == 1.0 }}",
    "{{ number is odd }} {{ number is divisibleby(7) }} {{ name is string }} {{ 2 is in([1, 2]) }}",
    "{{ 'a' ~ 1 ~ name }} {{ 'a' + 'b' }} {{ [1] + [2] }} {{ (1, 2) + (3,) }} "
    "{{ {'a': 1, 2: 'b'} }}",
    "{{ name.upper() }} {{ name.split(' ')[0] }} {{ name[1:4] }} {{ name[::-1] }} {{ name[0] }}"
    " {{ ', '.join(['a', 'b']) }} {{ name.replace('a', 'o') }} {{ name.startswith('Ada') }}",
    "{{ '%s has %d of %5.1f%%' % (name, 3, rate) }} {{ '%(a)s' % {'a': name} }} "
    "{{ '%s' | format(1) }}",
    "{{ '{} {1}'.replace('{1}', '{}').format(name, 2) }} "
    "{{ '{:>8.2f}|{a[0]}'.format(rate, a=[1]) }}",
    "{{ 'a'.center(9, '-') }}{{ 'a' | center(5) }}{{ '7'.zfill(3) }}{{ 'a\tb'.expandtabs(4) }}",
    "{{ text | wordwrap(20) }}{{ text | indent(2) }}{{ text | truncate(20) }}"
    "{{ text | wordcount }}",
    "{{ text | urlize(40, rel='x') }}{{ text | title }}{{ text | capitalize }}{{ text | trim }}",
    "{{ html | striptags }}{{ html | e }}{{ html | forceescape }}{{ html | safe }}"
    "{{ html | urlencode }}",
    "{{ order | tojson }}{{ lines | tojson(2) }}{{ name | tojson }}{{ {'q': name} | urlencode }}",
    "{{ {'class': 'a', 'id': name} | xmlattr }}{{ 12345678 | filesizeformat }}{{ name | length }}",
    "{{ name | replace('a', '<') | reverse }}{{ name | list | first }}"
    "{{ 'a,b' | map('upper') | join }}",
    "{{ 'yes' if order.paid else 'no' }}{{ ('x' if false) is defined }}{{ true and not false }}",
    "{% autoescape true %}{{ name }}{% endautoescape %}{% autoescape false %}{{ name }}"
    "{% endautoescape %}",
    "{{ range(3) | list }}{{ range(1, 9, 3) | join(',') }}{{ dict(a=1).a }}"
    "{{ dict(a=1, b=2) | length }}",
    "{{ order.get('id') }}{{ order.get('none', 'd') }}{{ [1, 2, 1].count(1) }}"
    "{{ [5, 6].index(6) }}",
    "{% raw %}{{ raw }}{% endraw %}{# a comment #} {%- if true -%} x {%- endif %}",
]


def jinja(source: str, *, is_html: bool) -> str:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=is_html, keep_trailing_newline=True
    )
    return environment.from_string(source).render(FIELDS)


@pytest.mark.parametrize("is_html", [False, True])
@pytest.mark.parametrize("source", TEMPLATES)
def test_what_a_message_needs_renders_as_in_jinja(source: str, is_html: bool):
    assert render(source, FIELDS, is_html=is_html) == jinja(source, is_html=is_html)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
OPERATIONS = [
    "{{ a }}{{ b }}",
    "{{ a ~ b }}",
    "{{ a == b }}{{ a != b }}",
    "{{ a | string | replace('a', b | string) }}",
    "{{ [a, b] | tojson }}",
    "{{ [a, b] | map('string') | sort | join(', ') }}",
    "{{ '%s:%r' % (a, b) }}{{ '{}:{!r}'.format(a, b) }}",
    "{{ a | string | e }}{{ (a ~ b) | urlencode }}",
    "{% for i in [a, b] %}{{ loop.index }}{{ i }}{% endfor %}",
    "{{ (a | string)[1:5] }}{{ (b | string)[::-1] }}",
]


@given(source=st.sampled_from(OPERATIONS), is_html=st.booleans(), a=values, b=values)
def test_fields_of_any_kind_render_as_in_jinja(source: str, is_html: bool, a: Any, b: Any):
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=is_html, keep_trailing_newline=True
    )
    expected = environment.from_string(source).render(a=a, b=b)
    try:
        assert render(source, {"a": a, "b": b}, is_html=is_html) == expected
    except RenderError as error:
        assert "half of a letter" in str(error)  # it is refused afterwards


@pytest.mark.parametrize(
    "source",
    [
        "{{ name.__class__ }}",
        "{{ name['__class__'] }}",
        "{{ name | attr('__class__') }}",
        "{{ '{0.__class__}'.format(name) }}",
        "{{ name.upper }}",
        "{{ name.encode() }}",
        "{{ name.format.__self__ }}",
        "{{ order.update({'id': 1}) }}",
        "{{ lines.append(1) }}",
        "{{ range.operation }}",
        "{{ self._TemplateReference__context }}",
        "{% macro m() %}{% endmacro %}{{ m._func }}",
        "{% macro m() %}{% endmacro %}{{ m }}",
        "{% set n = namespace(a=1) %}{{ n._Namespace__attrs }}",
        "{% for l in lines %}{{ loop._iterator }}{% endfor %}",
        "{{ lines | map('#output') | list }}",
        "{{ lines | select('filter') | list }}",
        "{{ [name.upper] | tojson }}",
        "{{ 'x'() }}",
    ],
)
def test_nothing_is_reached_that_is_on_no_list(source: str):
    with pytest.raises(RenderError):
        render(source, FIELDS)


def test_fields_go_before_functions_and_keys_before_methods_that_are_none_of_ours():
    assert (
        render("{{ range }} {{ a.pop }} {{ a.clear }}", {"range": 1, "a": {"pop": 2, "clear": 3}})
        == "1 2 3"
    )


def test_the_code_of_a_template_is_kept():
    assert compile_template("{{ kept }}") is compile_template("{{ kept }}")
