"""The price of a turn, told by how many turns a budget allows."""

import pytest

from workloads.notifications.sandbox.budget import WORK_LIMIT
from workloads.notifications.sandbox.errors import TemplateLimitError
from workloads.notifications.templates import render


def turns(body: str, before: str = "") -> int:
    """How many turns a loop with this body has before the budget ends it; at most 2**17."""
    low, high = 0, 2**17
    while low < high:
        middle = (low + high + 1) // 2
        source = f"{before}{{% for a in rows %}}{body}{{% endfor %}}"
        try:
            render("{% set b %}" + source + "{% endset %}", {"rows": range(middle)})
        except TemplateLimitError:
            high = middle - 1
        else:
            low = middle
    return low


def test_a_turn_is_charged_for_what_it_does_and_writes():
    assert turns("") > 50_000
    assert turns("x" * 1000) <= WORK_LIMIT // 1000
    assert turns("{{ 1 + 1 }}" * 10) <= WORK_LIMIT // 500
    assert turns("{% set c = a %}" * 100) <= WORK_LIMIT // 400


def test_a_branch_that_is_not_taken_costs_nearly_nothing():
    long_text = "x" * 10_000
    assert turns(f"{{% if false %}}{long_text}{{% endif %}}") > 50_000
    assert turns(f"{{% if true %}}{long_text}{{% endif %}}") <= WORK_LIMIT // 10_000


def test_the_text_of_a_macro_is_charged_at_each_call():
    macro = "{% macro m() %}" + "x" * 1000 + "{% endmacro %}"
    assert turns("{{ m() }}", before=macro) <= WORK_LIMIT // 1000


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in rows %}{% for b in rows if false %}{% endfor %}{% endfor %}",
        "{% for a in rows recursive %}{% for b in rows %}{% endfor %}{% endfor %}",
        "{% for a in rows %}{% for b in rows %}{% else %}{% endfor %}{% endfor %}",
        "{% for a in rows %}{% call(b) m() %}{% endcall %}{% endfor %}",
        "{% block b %}{% for a in rows %}{% for b in rows %}{% endfor %}{% endfor %}{% endblock %}",
    ],
)
def test_every_kind_of_loop_comes_to_an_end(source: str):
    macro = "{% macro m() %}{% for a in range(99999) %}{{ caller(a) }}{% endfor %}{% endmacro %}"
    with pytest.raises(TemplateLimitError, match="units of work"):
        render(macro + source, {"rows": range(99_999)})
