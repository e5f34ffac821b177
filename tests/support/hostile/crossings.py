"""Templates that give every operation every kind of large value, and every kind as an argument.

What an operation multiplies, or makes of another form of a value, is found by such pairs: a text
that is a format, what is safe beside what is not, a list where a word is expected.
"""

import random
import re

from tests.support.hostile.templates import HostileTemplate
from workloads.notifications.sandbox.checks import CHECKS
from workloads.notifications.sandbox.filters import FILTERS
from workloads.notifications.sandbox.functions import FUNCTIONS
from workloads.notifications.sandbox.methods import METHODS
from workloads.notifications.sandbox.operators import SYMBOLS

# By name; each may use those before it.
VALUES: dict[str, str] = {
    "letters": "''.center(1000000, 'a')",
    "signs": "''.center(300000, \"'\")",
    "safe_signs": "''.center(300000, '<') | safe",
    "wide": "''.center(200000, '\U000e0001')",
    "lines": "''.center(100000, '\n') ~ ' \n'",
    "safe_lines": "''.center(900000, '\n') | safe",
    "words": "range(20000) | join(' a.')",
    "entities": "range(9000) | join('&a;') | safe",
    "percents": "''.center(300000, '%')",
    "wide_format": "'%900000000d'",
    "mail": "'<a@b.example> &'",
    "nothing": "''",
    "safe_nothing": "'' | safe",
    "numbers": "range(50000)",
    "texts": "[letters, letters, wide, wide, wide]",
    "schemes": "['ab:'] | batch(9999, 'abc:') | first",
    "objects": "[{'a': letters, 'b': [wide]}, {'a': letters[1:] ~ 'b', 'b': [wide]}]",
    "an_object": "{'a': letters, '<': wide}",
    "two": "[['a', letters], ['b', wide]]",
    "deep": "[[[[[[[[[letters]]]]]]]]]",
    "few": "9",
    "many": "900000000",
    "rate": "1.5e300",
    "names": "['a,a.a'] | batch(5000, 'a') | first | join(',')",
}
# The values themselves are no longer than a text may be.
_TELL_LONG = (
    "{% if result is string and result | length > 1048576 %}{{ result | length }}{% endif %}"
)
_NAME = re.compile(r"\b[a-z_]+\b")
_KEYWORDS = ("", "", "", "attribute=", "extra_schemes=", "default=", "width=", "fill_with=")
_FORMS = (
    *("{a} | {filter}", "{a} | {filter}({keyword}{b})", "{a} | {filter}({b}, {c})"),
    *("{a} | map('{filter}', {b}) | list", "{a} is {check}", "{a} is {check}({b})"),
    *("[{a}] | select('{check}', {b}) | list", "{a}.{method}()", "{a}.{method}({b})"),
    *("{a}.{method}({b}, {c})", "{a} {symbol} {b}", "{function}({a})", "{function}({a}, {b})"),
)


def cross_operations(seed: int, count: int) -> list[HostileTemplate]:
    """Choose operations and what they are given; the same seed gives the same."""
    chance = random.Random(seed)
    return [_cross(chance) for _ in range(count)]


def _cross(chance: random.Random) -> HostileTemplate:
    methods = sorted({name for names in METHODS.values() for name in names})
    operation = chance.choice(_FORMS).format(
        **{name: chance.choice(list(VALUES)) for name in "abc"},
        filter=chance.choice(sorted(FILTERS)),
        check=chance.choice(sorted(name for name in CHECKS if name.isalpha())),
        method=chance.choice(methods),
        symbol=chance.choice([*sorted(SYMBOLS - {"**"}), "~", "==", "<", "in"]),
        function=chance.choice(sorted(FUNCTIONS)),
        keyword=chance.choice(_KEYWORDS),
    )
    settings = "".join(f"{{% set {name} = {VALUES[name]} %}}" for name in _find_values(operation))
    source = f"{settings}{{% set result = {operation} %}}{_TELL_LONG}"
    return HostileTemplate(operation, source, is_html=chance.random() < 0.5)


def _find_values(text: str) -> list[str]:
    """The names of the values that an operation needs, each after those that it needs itself."""
    found: dict[str, None] = {}
    for name in _NAME.findall(text):
        if name in VALUES:
            found |= dict.fromkeys([*_find_values(VALUES[name]), name])
    return list(found)
