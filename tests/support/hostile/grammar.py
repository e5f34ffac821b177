"""A grammar of templates that grow what they can: what is chosen is chosen by a seed.

It knows texts, numbers and lists, so that most of what it makes works, and now and then mixes them.
In a rule `<text>` stands for a text of less depth, and what is among the `_LEAVES` for itself.
"""

import random
import re
from collections.abc import Iterable

_SYMBOL = re.compile(r"<(\w+)>")
_MIX = 0.05
_RULES: dict[str, list[str]] = {
    "statement": [
        "{{ <any> }}",
        "{% for i in <many> %}<statement>{% endfor %}",
        "{% for i in <many> if <condition> %}<statement>{% endfor %}",
        "{% for i in <list> recursive %}<statement>{{ loop(i.tags) if i is mapping }}{% endfor %}",
        "{% for i in range(40) %}<assignment>{% endfor %}{{ <any> }}",
        "{% for i in range(40) %}<assignment>{% endfor %}{{ ns.t }}",
        "{% for i in range(40) %}<assignment>{% endfor %}{{ ns.l }}",
        "{% set v %}<statement><statement>{% endset %}{{ v ~ v }}",
        "{% filter <text_filter> %}<statement>{% endfilter %}",
        "{% call m(<text>) %}<statement>{% endcall %}",
        "{% if <condition> %}<statement>{% else %}<statement>{% endif %}",
        "{% with w = <text> %}<statement>{{ w }}{% endwith %}",
        "{% autoescape true %}<statement>{% endautoescape %}",
    ],
    "assignment": [
        "{% set ns.t = ns.t ~ ns.t %}",
        "{% set ns.t = ns.t + <text> %}",
        "{% set ns.t = ns.t | <text_filter> %}",
        "{% set ns.t = ns.t.<text_method> %}",
        "{% set ns.t = <text> %}",
        "{% set ns.l = ns.l + ns.l %}",
        "{% set ns.l = [ns.l, ns.l] %}",
        "{% set ns.l = [{'a': ns.l, 'b': ns.l}] %}",
        "{% set ns.l = <list> %}",
        "{% set ns.n = ns.n * ns.n %}",
        "{% set ns.n = <number> %}",
    ],
    "many": ["range(99999)", "range(300)", "range(300)", "rows_list", "<list>", "<text>"],
    "any": ["<text>", "<list>", "<number>"],
    "condition": [
        "true",
        "<any> == <any>",
        "<number> < <number> <= <number>",
        "<any> in <list>",
        "<text> not in <text>",
        "(<any>) is defined",
        "(<number>) is odd",
        "(<any>) is even",
        "(<any>) is divisibleby(<any>)",
        "(<any>) is lower",
        "(<text>) is upper",
        "(<any>) is in([<any>])",
        "<any> and not <any>",
    ],
    "text": [
        "(<text> ~ <any> ~ <text>)",
        "(<text> + <text>)",
        "(<text> | <text_filter>)",
        "(<text> | <text_filter>)",
        "(<text> | <text_filter>)",
        "(<text>).<text_method>",
        "(<text>).<text_method>",
        "(<text>)[<place>:<place>:<stride>]",
        "(<text> if <condition> else <text>)",
        "'%<width>s%s' % (<text>, <any>)",
        "'%.<width>f' % <number>",
        "'{:<width>}{}'.format(<text>, <any>)",
        "(<list> | join(<text>))",
        "(<list> | join(<text> | safe))",
        "(<text> | safe).join(<list>)",
        "((<text> | safe) + <text>)",
        "((<text> | safe) % <any>)",
        "(<list> | <text_filter>)",
        "(<text>).join(<list> | map('string'))",
        "(<list> | tojson(<place>))",
        "(<list> | string)",
        "m(<text>, b=<text>)",
        "cycler(<text>, <text>).next()",
        "({'a': <text>, 'b': <any>} | xmlattr)",
    ],
    "text_filter": [
        *[
            "capitalize",
            "e",
            "forceescape",
            "lower",
            "reverse",
            "safe",
            "string",
            "striptags",
            "title",
            "tojson",
            "trim",
        ],
        *["truncate", "upper", "urlencode", "urlize", "wordwrap"],
        "center(<place>)",
        "indent(<place>, true, true)",
        "replace(<letter>, <text>)",
        "default(<text>, true)",
        "format(<text>, <text>)",
        "truncate(<place>, true, '', 0)",
        "urlize(<place>, true, <text>, <text>)",
        "wordwrap(<place>, true, <text>)",
        "replace(<letter> | safe, <text>)",
        "replace(<letter>, <text> | safe)",
        "replace(<letter> | e, <text>, <place>)",
        "indent(<text> | safe, true, true)",
        "wordwrap(<place>, true, <text> | safe)",
        "urlize(extra_schemes=['ab:', 'abc://'])",
        "urlize(extra_schemes=<list>, target=<any>)",
        "center(<place>) | safe",
    ],
    "text_method": [
        "center(<place>)",
        "ljust(<place>, '.')",
        "rjust(<place>)",
        "zfill(<place>)",
        "expandtabs(<place>)",
        "replace(<letter>, <text>)",
        "replace(<letter>, <text>, <place>)",
        "format(<text>, <place>)",
        "strip(<letter>)",
        *["upper()", "title()", "swapcase()", "casefold()"],
    ],
    "list": [
        "[<any>, <any>, <list>]",
        "(<any>, <list>)",
        "[{'tags': <list>, 'count': <number>}]",
        "(<list> | list + <list> | list)",
        "(<list> | list)",
        "(<list> | sort)",
        "(rows_list | sort(attribute='sku,count,sku,sku'))",
        "([{'a': <any>}, {'a': <any>}] | sort(attribute='a,a,a,a'))",
        "(<list> | unique)",
        "(<list> | batch(<place>, <any>))",
        "(<list> | slice(<place>, <any>))",
        "(<list> | map('<plain_filter>'))",
        "(<list> | map(attribute='count', default=<any>))",
        "(<list> | select('in', <list>))",
        "(<list> | selectattr('count', 'odd'))",
        "(rows_list | groupby('sku', default=<any>))",
        "(<list>)[<place>:<place>:<stride>]",
        "(<text>).split(<letter>)",
        "(<text>).rsplit(<text>)",
        "(<text>).splitlines()",
        "(<text> | list)",
        "dict(a=<any>, b=<any>).items()",
        "range(<number>)",
    ],
    "number": [
        "(<number> + <number>)",
        "(<number> * <number>)",
        "(<number> - <number>)",
        "(<number> // <number>)",
        "(<number> / <number>)",
        "(<number> | int)",
        "(<number> | round(<place>))",
        "(<number> | round(<place>, 'ceil'))",
        "(<any> | round(<place>, 'ceil'))",
        "(<any> | length)",
        "(<text> | int(0, 16))",
        "(<text>).count(<letter>)",
        "(<text>).rfind(<text>)",
        "(<text> | wordcount)",
        "(rows_list | sum(attribute='count'))",
        "(range(<number>) | sum)",
        "(range(<number>) | last)",
    ],
}
_LEAVES: dict[str, list[str]] = {
    "statement": ["x", "{{ ns.t }}", "{{ ns.l }}", "{{ word_text }}", "<b>é</b>"],
    "assignment": ["{% set ns.t = ns.t ~ ns.t %}", "{% set ns.l = [ns.l, ns.l] %}"],
    "condition": ["true", "false", "ns.l", "ns.n > 2"],
    "any": ["ns.l", "ns.t", "ns.n", "name"],
    "text": ["''", "'x'", "'a,b.c'", "'<'", "'-'", "ns.t", "name"],
    "list": ["[]", "[1, 2]", "ns.l", "range(300)", "range(99999)"],
    "number": ["0", "1", "7", "60", "300", "99999", "900000000000", "-1", "ns.n", "1e300"],
    "text_filter": ["upper", "e", "tojson", "center(900)", "wordwrap(1)", "urlize", "striptags"],
    "text_method": ["upper()", "center(900)", "replace('', 'xx')", "expandtabs(900)"],
    "many": ["range(99999)", "range(30)", "rows_list"],
    "place": ["0", "1", "2", "7", "60", "300", "9999", "99999999", "900000000000", "-1", "ns.n"],
    "stride": ["1", "1", "-1", "2", "900000000000"],
    "width": ["5", "5", "900", "99999999", "900000000000"],
    "letter": ["''", "'x'", "' '", "'<'", "'a'", "'-'", "'\\n'"],
    "plain_filter": ["string", "list", "length", "upper", "tojson", "center", "title", "urlize"],
}


class Grammar:
    """Makes one template.

    Args:
        seed: The same gives the same template.
        fields: The names of the fields that it may use: texts end in `_text`, lists in `_list`,
            numbers in `_number`.
    """

    def __init__(self, seed: int, fields: Iterable[str]) -> None:
        self._random = random.Random(seed)
        names = sorted(fields)
        self._fields = {
            kind: [name for name in names if name.endswith(f"_{kind}")]
            for kind in ("text", "list", "number")
        }

    def template(self) -> str:
        """Make the template: a namespace and a macro, then a few statements that use them."""
        body = self._make("statement", 1)
        macro = "{% macro m(a, b='x') %}" + body + "{{ a ~ b }}{{ caller() if caller is defined }}"
        macro += "{% endmacro %}"
        rest = "".join(self._make("statement", self._random.randint(2, 4)) for _ in range(3))
        return "{% set ns = namespace(t=word_text, n=3, l=[1]) %}" + macro + rest

    def _make(self, kind: str, depth: int) -> str:
        if kind in self._fields and self._random.random() < _MIX:
            kind = self._random.choice(["text", "list", "number"])
        leaves = _LEAVES[kind] + self._fields.get(kind, [])
        form = self._random.choice(_RULES[kind] if depth > 0 and kind in _RULES else leaves)
        return _SYMBOL.sub(
            lambda symbol: self._make(symbol[1], depth - 1) if symbol[1] in _LEAVES else symbol[0],
            form,
        )
