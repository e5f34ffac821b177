import pytest
from jinja2 import TemplateError

from workloads.notifications.templates import RenderError, compile_template, render, render_json


def test_fields_are_escaped_in_html_and_only_there():
    fields = {"name": "<b>Ada & Co</b>"}
    assert render("{{ name }}", fields) == "<b>Ada & Co</b>"
    assert render("{{ name }}", fields, is_html=True) == "&lt;b&gt;Ada &amp; Co&lt;/b&gt;"


def test_a_field_that_is_missing_is_an_error_and_not_an_empty_text():
    with pytest.raises(RenderError, match="'name' is undefined"):
        render("Dear {{ name }}", {})


@pytest.mark.parametrize(
    "source",
    [
        "{{ name.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ '{0.__class__.__mro__}'.format(name) }}",
        "{{ name|attr('__class__') ~ 1 }}",
        "{{ fields.append(1) }}",
        "{{ 'x' * 10000000000 }}",
        "{{ [0] * 10000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ range(999999999) | list }}",
        "{% for a in range(99999) %}{{ 'xxxxxxxxxxxxxxxx' }}{% endfor %}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_reaches_nothing_but_its_fields_and_no_more_than_its_length(source: str):
    with pytest.raises(RenderError):
        render(source, {"name": "Ada", "fields": [1]})


@pytest.mark.parametrize(
    "source",
    ["{% include 'x' %}", "{% import 'x' as x %}", "{% extends 'x' %}", "{{ a", "{% if %}"],
)
def test_what_does_not_compile_or_wants_files_is_no_template(source: str):
    with pytest.raises(TemplateError):
        compile_template(source)


def test_numbers_may_be_multiplied():
    assert render("{{ 6 * n }}", {"n": 7}) == "42"


def test_a_body_is_json_whatever_is_in_the_fields():
    body = render_json('{"name": {{ name | tojson }}}', {"name": '"}, {"x": "\n'})
    assert body.startswith(b'{"name": "\\"')
    with pytest.raises(RenderError, match="no JSON"):
        render_json('{"name": "{{ name }}"}', {"name": '"'})


@pytest.mark.parametrize(
    "source",
    [
        '{"a": NaN}',
        '{"a": {{ (1e308 * 10) | tojson }}}',
        '{"a": 1e400}',
        '"\\ud800"',
        "[" * 100_000 + "]" * 100_000,
    ],
)
def test_a_body_is_what_any_parser_of_json_reads(source: str):
    with pytest.raises(RenderError, match="no JSON"):
        render_json(source, {})


@pytest.mark.parametrize("source", ["{{ '\\ud800' }}", "{{ '%c' % 55296 }}"])
def test_half_a_pair_of_utf_16_is_no_text_of_a_message(source: str):
    with pytest.raises(RenderError, match="U\\+D800"):
        render(source, {})


def test_large_templates_are_kept_as_far_as_there_is_memory_for_them():
    # Short ones, of as many parts as there may be.
    sources = [f"{number}{{{{ [{'1,' * 1900}] }}}}" for number in range(20)]
    templates = [compile_template(source) for source in sources]
    assert compile_template(sources[-1]) is templates[-1]
    assert compile_template(sources[0]) is not templates[0]


@pytest.mark.parametrize(
    "source",
    [
        "{{ rows | sort(attribute='count,sku') | length }}",
        "{{ rows | groupby('sku') | length }}",
        "{{ rows | map(attribute='name') | join(', ') | length }}",
        "{{ text | urlize(40, rel='nofollow', extra_schemes=['tel:', 'sip:']) | length }}",
        "{{ text | wordwrap(72) | indent(2) | length }}",
        "{{ long | replace('dear', '<b>dear</b>') | e | length }}",
        "{{ (long | e) ~ (text | e) | length }}",
        "{{ huge[:1000] | length }}{{ huge | truncate(100) }}",
    ],
)
@pytest.mark.parametrize("is_html", [False, True])
def test_what_a_long_message_needs_is_within_the_budget(source: str, is_html: bool):
    text = (
        "See https://www.example.org/a?b=1&c=2, or write to 'a@b.example', dear <friend>.\n" * 200
    )
    rows = [{"sku": f"S-{n % 97}", "count": n % 13, "name": "A & B"} for n in range(3000)]
    fields = {"text": text, "rows": rows, "long": text * 40, "huge": "x" * 3_000_000}
    assert render(source, fields, is_html=is_html)
