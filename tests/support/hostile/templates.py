"""Templates that attack: known ones by name, and any number more from a grammar with a seed.

What they grow, they grow in the ways that Jinja has for it: operators, filters, methods, loops,
macros, blocks, lists that have a list twice. Their fields are those of `FIELDS`.
"""

from dataclasses import dataclass
from typing import Any

from tests.support.hostile.grammar import Grammar

FIELDS: dict[str, Any] = {
    "name": "Ada <Lovelace> & Co",
    "word_text": "x" * 1000,
    "long_text": "an <b>odd</b> text-- with (words) and\twww.example.org/a?b " * 800,
    "signs_text": "<" * 3000 + "-" * 3000 + ")" * 3000 + "\n" * 3000 + "'" * 3000,
    "rows_list": [
        {"sku": f"S-{number}", "count": number, "tags": ["a", "b"]} for number in range(200)
    ],
    "tree_list": [{"name": "c", "children": [{"name": "d", "children": []}] * 20}] * 20,
    "odd_text": "\u0390\U000e0001<'" * 5000,
    "digits_number": 10**4000,
    "small_number": 7,
    "rate_number": 1.5e300,
}
# What a large record of a source may bring besides; too large for a request.
LARGE_FIELDS: dict[str, Any] = {
    "large_text": "\U000e0001" * 3_000_000,
    "large_list": [{"sku": "<" * 10, "count": number} for number in range(50_000)],
    # Python gives all of these numbers the same hash.
    "pairs": [[number * (2**61 - 1), 1] for number in range(80_000)],
}
_OPEN, _CLOSE = "{% for a in range(99999) %}", "{% endfor %}"
_DOUBLE = "{{% set ns = namespace(v={start}) %}}{{% for i in range(60) %}}{{% set ns.v = {grow} %}}"
_WIDE = (
    "{% set h = '\u4e00'.center(900000, '\u4e00') %}{% set c = '\u4e01'.center(900000, '\u4e01') %}"
)
_HTML, _END = "{% autoescape true %}", "{% endautoescape %}"
_LONG = "{% set x = ''.center(900000, '\U000e0001') %}"
_LARGE_OBJECT = "{% set d = dict(range(20000) | map('string') | batch(2)) %}"

# By what they do; each is short, and each asks for far more than a message needs.
ATTACKS: dict[str, str] = {
    "center": "{{ 'x'.center(1000000000) }}",
    "ljust of a field": "{{ name.ljust(900000000) | length }}",
    "rjust": "{{ ''.rjust(900000000)[0] }}",
    "zfill": "{{ '7'.zfill(900000000) | length }}",
    "center, the filter": "{{ name | center(900000000) | length }}",
    "center, the filter, of a constant": "{{ 'x' | center(1400000000) | length }}",
    "format, the filter, of a constant": "{{ '%1400000000d' | format(1) | length }}",
    "a large text, often": "{{ large_text | upper | lower | e | tojson | urlencode | length }}",
    "a large text in a list": "{{ [large_text] ~ [large_text] }}{{ large_text | tojson | length }}",
    "a large text, as JSON": "{{ large_text[:2000000] | tojson | length }}",
    "a large list": "{{ large_list | tojson(4) | length }}{{ large_list | sort(attribute='sku') }}",
    "odd letters to escape": "{% set v %}{% for i in range(999) %}{{ odd_text }}{% endfor %}"
    "{% endset %}{{ v ~ v }}",
    "expandtabs": "{{ '\t\t\t'.expandtabs(900000000) | length }}",
    "percent": "{{ '%900000000d' % small_number }}",
    "percent, width of its own": "{{ '%*d' % (900000000, 1) }}",
    "percent, precision": "{{ '%.900000000f' % 1.0 }}",
    "percent, many": "{{ '%(a)s%(a)s%(a)s' % {'a': long_text.center(1000000)} }}",
    "the filter format": "{{ '%900000000s' | format(name) | length }}",
    "the method format": "{{ '{:900000000}'.format(name) | length }}",
    "the method format, width of its own": "{{ '{:{}}'.format(1, 900000000) | length }}",
    "the method format, many": "{{ '" + "{0}" * 3000 + "'.format(long_text) | length }}",
    "format_map": "{{ '{a:>900000000}'.format_map({'a': 1}) | length }}",
    "times": "{{ 'x' * 1000000000 }}",
    "list times": "{{ [0] * 1000000000 }}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "numbers double": _DOUBLE.format(start="99999999", grow="ns.v * ns.v")
    + "{% endfor %}{{ ns.v }}",
    "texts double by ~": _DOUBLE.format(start="word_text", grow="ns.v ~ ns.v")
    + "{% endfor %}{{ ns.v | length }}",
    "texts double by +": _DOUBLE.format(start="word_text", grow="ns.v + ns.v")
    + "{% endfor %}{{ ns.v | length }}",
    "texts double by join": _DOUBLE.format(start="word_text", grow="[ns.v, ns.v] | join")
    + "{% endfor %}{{ ns.v | length }}",
    "texts double by replace": _DOUBLE.format(start="word_text", grow="ns.v.replace('x', 'xx')")
    + "{% endfor %}{{ ns.v | length }}",
    "texts double by a block": "{% set ns = namespace(v=word_text) %}{% for i in range(60) %}"
    "{% set v %}{{ ns.v }}{{ ns.v }}{% endset %}{% set ns.v = v %}{% endfor %}{{ ns.v | length }}",
    "lists double by +": _DOUBLE.format(start="[1]", grow="ns.v + ns.v") + "{% endfor %}",
    "lists within": _DOUBLE.format(start="[1]", grow="[ns.v, ns.v]") + "{% endfor %}{{ ns.v }}",
    "lists within, as JSON": _DOUBLE.format(start="[1]", grow="[ns.v, ns.v]")
    + "{% endfor %}{{ ns.v | tojson }}",
    "lists within, compared": "{% set ns = namespace(v=[1], w=[1]) %}{% for i in range(60) %}"
    "{% set ns.v = [ns.v, ns.v] %}{% set ns.w = [ns.w, ns.w] %}{% endfor %}{{ ns.v == ns.w }}",
    "tuples within, as a key": _DOUBLE.format(start="(1,)", grow="(ns.v, ns.v)")
    + "{% endfor %}{{ {ns.v: 1} | length }}",
    "tuples within, sought": _DOUBLE.format(start="(1,)", grow="(ns.v, ns.v)")
    + "{% endfor %}{{ ns.v in tree_list }}{{ tree_list[ns.v] }}",
    "tuples within, unique": _DOUBLE.format(start="(1,)", grow="(ns.v, ns.v)")
    + "{% endfor %}{{ [ns.v] | unique | list | length }}",
    "namespaces within": "{% set a = namespace() %}{% set ns = namespace(v=a) %}"
    "{% for i in range(60) %}{% set n = namespace(a=ns.v, b=ns.v) %}{% set ns.v = n %}{% endfor %}"
    "{{ ns.v }}",
    "arguments within": "{% macro m(n) %}{% if n %}{{ m(n - 1, varargs, varargs) }}{% else %}"
    "{{ varargs }}{% endif %}{% endmacro %}{{ m(40) }}",
    "replace of nothing": "{{ word_text.center(100000).replace('', word_text) | length }}",
    "replace, the filter": "{{ word_text | center(100000) | replace('', word_text) | length }}",
    "join": "{{ range(99999) | join(long_text) | length }}",
    "join, the method": "{{ long_text.join(long_text | list) | length }}",
    "indent": "{{ signs_text | indent(900000000) | length }}",
    "indent of JSON": "{{ rows_list | tojson(indent=900000000) | length }}",
    "wordwrap": "{{ signs_text | wordwrap(1, true, long_text) | length }}",
    "wordwrap of hyphens": "{{ '-'.center(300000, '-') | wordwrap(79) | length }}",
    "batch": "{{ [1] | batch(900000000, 0) | list }}",
    "slice": "{{ [1] | slice(900000000) | list }}",
    "round": "{{ 5 | round(-900000000) }}",
    "round up": "{{ 1 | round(900000000, 'ceil') }}",
    "urlize": "{{ long_text | urlize(rel=long_text, target=long_text) | length }}",
    "urlize of brackets": "{{ (')'.center(300000, ')') ~ 'x') | urlize | length }}",
    "urlize of quotes": "{% for i in range(99) %}{{ (signs_text[-600:] ~ 'x') | urlize }}"
    "{% endfor %}",
    "texts sought": "{% for i in range(99999) %}{{ word_text in long_text }}{% endfor %}",
    "texts sought that nearly match": "{% set n = 'a'.center(1200, 'a') ~ 'ba' %}"
    "{% set h = 'a'.center(2490, 'a') %}{% for i in range(99999) %}{% if n in h %}{% endif %}"
    "{% endfor %}",
    "texts replaced that nearly match": "{% set n = 'a'.center(97, 'a') ~ 'ba' %}"
    "{% set h = 'a'.center(29000, 'a') %}{% for i in range(99999) %}{{ h.find(n) }}{% endfor %}",
    "a macro in each turn": "{% macro m(a) %}{{ a }}{% endmacro %}"
    "{% for i in range(99999) %}{{ m(i) }}{{ m(i) }}{% endfor %}",
    "large numbers written": "{% for i in range(99999) %}{{ digits_number }}{% endfor %}",
    "small filters": "{% for i in range(99999) %}{{ 'a' | title | urlize }}{% endfor %}",
    "formats": "{% for i in range(99999) %}{{ '{:.300f}'.format(1.5e300) }}{% endfor %}",
    "sorts": "{% for i in range(9999) %}{% set s = rows_list | sort(attribute='sku') %}"
    "{% endfor %}",
    "striptags": "{{ '<>'.center(600000, '<') | replace('<', '<>') | striptags | length }}",
    "rfind": "{{ 'a'.center(900000, 'a').rfind('b' ~ 'a'.center(400000, 'a')) }}",
    "sum of lists": "{{ range(9999) | map('string') | map('list') | sum(start=[]) }}",
    "range as a list": "{% set ns = namespace(v=[]) %}{% for i in range(9999) %}"
    "{% set ns.v = [ns.v, range(99999) | list] %}{% endfor %}",
    "lipsum": "{{ lipsum(n=100000) | length }}",
    "pprint": "{{ rows_list | pprint | length }}",
    "loops within": _OPEN * 2 + _CLOSE * 2,
    "loops that choose nothing": "{% for a in range(99999) %}{% for b in range(99999) if false %}"
    "{% endfor %}{% endfor %}",
    "loops of text": "{% set v %}{% for a in range(99999) %}"
    + "z" * 60_000
    + "{% endfor %}{% endset %}",
    "loops of a seldom text": "{% set v %}{% for a in range(99999) %}{% if true %}"
    + "z" * 60_000
    + "{% endif %}{% endfor %}{% endset %}",
    "a macro of text": "{% macro m() %}" + "z" * 60_000 + "{% endmacro %}"
    "{% set v %}{% for a in range(99999) %}{{ m() }}{% endfor %}{% endset %}",
    "macros that call twice": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}"
    "{% endmacro %}{{ m(60) }}",
    "a macro without end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a block without end": "{% block b %}{{ self.b() }}{% endblock %}",
    "blocks that call twice": "{% block a %}x{% endblock %}"
    + "".join(
        f"{{% block {b} %}}{{{{ self.{a}() }}}}{{{{ self.{a}() }}}}{{% endblock %}}"
        for a, b in zip("abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz", strict=True)
    ),
    "a recursive loop": "{% for a in rows_list recursive %}{{ loop(rows_list) }}{% endfor %}",
    "call blocks": "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}"
    + "{% call m() %}" * 25
    + "x"
    + "{% endcall %}" * 25,
    "many names in an attribute": "{{ rows_list | map(attribute='"
    + "a." * 30_000
    + "a') | list }}",
    "a sort of long texts": "{{ (range(2000) | map('string') | map('center', 900)"
    " | list + range(2000) | map('string') | map('center', 900) | list) | sort | length }}",
    "map of map": "{{ [[rows_list]] | map('map', 'map', 'map', 'center', 9000000) | list }}",
    "JSON of quotes": "{{ signs_text.center(1000000, '<') | tojson | tojson | tojson | length }}",
    "letters off the left": _WIDE + "{{ (h ~ '').lstrip(c ~ h[0]) | length }}",
    "letters off the right": _WIDE + "{{ (h ~ '').rstrip(c ~ h[0]) | length }}",
    "letters off both ends": _WIDE + "{{ h.strip(c ~ h[0]) | length }}",
    "letters off both ends, the filter": _WIDE + "{{ h | trim(c ~ h[0]) | length }}",
    "a namespace of pairs": "{% set p = ['ab'] | batch(9999, 'cd') | first %}"
    "{% for i in range(99999) %}{% set n = namespace(p) %}{% endfor %}",
    "a namespace of an object": _LARGE_OBJECT
    + "{% for i in range(99999) %}{% set n = namespace(d) %}{% endfor %}",
    "a namespace of fields": _LARGE_OBJECT
    + "{% for i in range(99999) %}{% set n = namespace(**d) %}{% endfor %}",
    "a macro of fields": "{% macro m() %}{{ kwargs | length }}{% endmacro %}"
    + _LARGE_OBJECT
    + "{% for i in range(99999) %}{% set n = m(**d) %}{% endfor %}",
    **{
        f"{name} of an object, kept": _LARGE_OBJECT
        + "{% set n = namespace(v=[]) %}{% for i in range(99999) %}"
        + f"{{% set n.v = [n.v, d.{name}()] %}}{{% endfor %}}"
        for name in ("items", "keys", "values")
    },
    "tuples within, as a way to round": _DOUBLE.format(start="(1,)", grow="(ns.v, ns.v)")
    + "{% endfor %}{{ 5 | round(0, ns.v) }}",
    "tuples within, as an attribute": _DOUBLE.format(start="(1,)", grow="(ns.v, ns.v)")
    + "{% endfor %}{{ 5 | attr(ns.v) }}",
    "tuples within, as a key of a namespace": _DOUBLE.format(start="(1,)", grow="(ns.v, ns.v)")
    + "{% endfor %}{% set n = namespace([(ns.v, 1)]) %}",
    "a huge number": "{{ digits_number * digits_number * digits_number | string | length }}",
    "an integer of a text": "{{ ('1'.center(1000000, '1') | int(base=16)) * 2 }}",
    # What is worked on is another form of the value than the one that is given.
    "replace of what is safe": _HTML + "{% set s = ''.center(20000, '<') %}"
    "{% set n = ''.center(10000, 'x') %}{{ s | replace('&' | safe, n) | length }}" + _END,
    "replace by what is safe": _HTML + "{% set s = ''.center(20000, '<') %}"
    "{% set n = ''.center(10000, 'x') %}{{ s | replace('&', n | safe) | length }}" + _END,
    "replace of nothing, in what is escaped": _HTML
    + "{{ ''.center(100000, '<') | replace('', 'xxxxxxxx' | safe) | length }}"
    + _END,
    "replace by what is escaped": "{{ (''.center(9999, 'x') | safe)"
    ".replace('x', ''.center(999, '<')) | length }}",
    "join by what is safe": "{{ ('' | safe).join([''.center(900000, '<')]) | length }}",
    "join by what is safe, the filter": _HTML
    + "{{ [''.center(900000, '<')] | join('' | safe) | length }}"
    + _END,
    "indent by what is safe": "{{ ''.center(300000, '<') | indent('x' | safe, true) | length }}",
    "wordwrap by what is safe": "{{ ''.center(300000, '<') | indent | wordwrap(99, true, '' | safe)"
    " | length }}",
    "lines of what is safe, indented": "{{ (''.center(1000000, '\n') | safe) | indent | length }}",
    "lines of what is safe, wrapped": "{{ (''.center(1000000, '\n') | safe) | wordwrap | length }}",
    "percent signs": "{{ ''.center(1000000, '%') % 1 }}",
    "percent signs, the filter": "{{ ''.center(400000, '%') | format(1) }}",
    **{
        f"a format that is {check}": f"{{{{ '%900000000d' is {check} }}}}"
        for check in ("odd", "even", "divisibleby(7)")
    },
    "formats that are odd": "{{ ['%900000000d'] | select('odd') | list }}",
    "a text rounded up": "{{ 'x' | round(9, 'ceil') }}",
    "a list rounded down": "{{ [1] | round(8, 'floor') }}",
    "long texts as a text": _LONG + "{{ ([x, x, x, x, x, x] | string) | length }}",
    "long texts as what is safe": _LONG + "{{ ([x, x, x, x, x, x] | safe) | length }}",
    "long texts, escaped": _LONG + "{{ ([x, x, x, x, x] | e) | length }}",
    "long texts that are lower": _LONG + "{{ [x, x, x, x, x, x, x, x, x] is lower }}",
    "long texts between others": _LONG + "{{ joiner([x, x, x, x, x, x, x, x, x]) is true }}",
    "long texts by ~": _LONG + "{{ (x ~ x) | length }}",
    "a long block": _LONG + "{% set v %}{{ x }}{{ x }}{% endset %}{{ v | length }}",
    "a long block, filtered": _LONG
    + "{% set v | length %}{{ x }}{{ x }}{% endset %}{% filter length %}{{ x }}{{ x }}"
    "{% endfilter %}",
    "a long macro": _LONG + "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}{{ m(x) | length }}",
    "a long slice": "{{ large_text[:2000000] | length }}",
    # Two sizes are multiplied.
    "schemes of links": "{% set s = ['ab:'] %}"
    + "{% set s = s + s %}" * 16
    + "{% set w = ''.center(50000, 'x') | list | join(' ') %}"
    "{{ w | urlize(extra_schemes=s) | length }}",
    "long schemes of links": "{% set s = ['a'.center(50000, 'a') ~ ':'] %}"
    + "{% set s = s + s %}" * 6
    + "{% set w = [s[0] ~ 'x'] %}{% set w = (w + w + w + w) | join(' ') %}"
    "{% for i in range(99999) %}{{ w | urlize(extra_schemes=s) | length }}{% endfor %}",
    "ends of lines to link": "{{ (''.center(50000, '\n') ~ ' \n') | urlize | length }}",
    "one name to sort by, many times": "{% set a = ''.center(900000, 'a') %}"
    "{{ [{'a': a}, {'a': a}] | sort(attribute='" + "a," * 499 + "a') | length }}",
    "keys of one hash": "{{ dict(pairs) | length }}",
    "keys of one hash, in a namespace": "{% set n = namespace(pairs) %}{{ n is true }}",
    "values of one hash": "{{ pairs[:16000] | map('first') | unique | length }}",
}
# Refused at the check: what cannot be compiled, or is too much to.
NO_TEMPLATES: dict[str, str] = {
    "30 loops": "{% for a in b %}" * 30 + "{% endfor %}" * 30,
    "3,000 parentheses": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "190 brackets": "{{ " + "[" * 190 + "]" * 190 + " }}",
    "8,000 sums": "{{ " + "[1]+" * 8000 + "[1] }}",
    "900 nots": "{{ " + "not " * 900 + "a }}",
    "500 filters": "{{ a" + "|upper" * 500 + " }}",
    "200 conditions": "{% if a %}" * 200 + "{% endif %}" * 200,
    "200 choices": "{{ " + "a if b else " * 200 + "c }}",
    "200 names": "{{ a" + ".a" * 900 + " }}",
    "13,000 names": "{{a}}" * 13_000,
    "10,000 numbers": "{{ [" + "1," * 10_000 + "] }}",
    "5,000 macros": "{% macro a() %}{% endmacro %}" * 2000,
    "5,000 branches": "{% if a %}" + "{% elif b %}" * 5000 + "{% endif %}",
    "a hexadecimal number of 60,000 digits": "{{ 0x" + "f" * 60_000 + " }}",
    "a number of 60,000 digits": "{{ " + "9" * 60_000 + " }}",
    "a number beyond the largest": "{{ 1e999 }}",
    "a long name where none may be": "{{ a " + "b" * 60_000 + " }}",
    "powers": "{{ 9 ** 9 }}",
    "one argument twice": "{{ dict(a=1, a=2) }}",
    "one parameter twice": "{% macro m(a, a) %}{% endmacro %}",
    "slices of two axes": "{{ a[1:2, 3] }}",
    "escapes that are not known": "{% autoescape a %}{% endautoescape %}",
    "another template": "{% include 'x' %}",
    "a filter that is none": "{{ a | no_such_filter }}",
    "the name of an operator": "{{ a | #output }}",
}


@dataclass(frozen=True)
class HostileTemplate:
    """A template that attacks, and what it is called."""

    name: str
    source: str
    is_html: bool = False


def known_attacks() -> list[HostileTemplate]:
    """Each attack, in a text and in HTML."""
    return [
        HostileTemplate(f"{name}{' in HTML' if is_html else ''}", source, is_html)
        for name, source in ATTACKS.items()
        for is_html in (False, True)
    ]


def refused_templates() -> list[HostileTemplate]:
    """Each text that is no template."""
    return [HostileTemplate(name, source) for name, source in NO_TEMPLATES.items()]


def generate_templates(seed: int, count: int) -> list[HostileTemplate]:
    """Generate templates; the same seed gives the same."""
    fields = FIELDS | LARGE_FIELDS
    return [
        HostileTemplate(f"seed {number}", Grammar(number, fields).template(), number % 2 == 1)
        for number in range(seed, seed + count)
    ]
