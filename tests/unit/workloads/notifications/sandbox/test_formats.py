import re
import tracemalloc
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workloads.notifications.sandbox.budget import Budget
from workloads.notifications.sandbox.errors import TemplateLimitError
from workloads.notifications.sandbox.formats import MAX_WIDTH, format_printf

pieces = st.sampled_from(
    [
        *("%", "(a)", "(b)", "(a(b))", "(", ")", "0", "-", "+", " ", "#", "*", ".", "9", "77"),
        *("1001", "99999", "h", "l", "L", "d", "s", "r", "f", "x", "c", "e", "%%", "text"),
    ]
)
# Refused although Python takes it: a width of its own, a name with parentheses, a wide field.
REFUSED = ("*", "(a(b))")
WIDE = re.compile(r"\d{4}")
arguments = st.sampled_from(
    [(), (1,), (1, 2), (1.5, "a"), "a", 7, {"a": 1, "b": "x", "a(b)": 2}, [1, 2], (5, 1, 2)]
)


@given(text=st.lists(pieces, max_size=12).map("".join), values=arguments)
def test_a_format_is_refused_or_as_in_python_and_no_width_is_beyond_the_limit(
    text: str, values: Any
):
    try:
        expected = text % values
    except (ValueError, TypeError, KeyError, OverflowError):
        assume(False)
    try:
        result = format_printf(Budget(), text, values)
    except TemplateLimitError:
        assert any(sign in text for sign in REFUSED) or WIDE.search(text)
        return
    assert result == expected
    conversions = text.count("%")
    assert len(result) <= len(text) + conversions * (2 * MAX_WIDTH + 400)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("%99999999d", 1),
        ("%-099999999d", 1),
        ("% 0+#99999999x", 1),
        ("%.99999999f", 1.5),
        ("%.99999999s", "a"),
        ("%(a)99999999d", {"a": 1}),
        ("%(a(b))99999999d", {"a(b)": 1}),
        ("%*d", (99999999, 1)),
        ("%.*f", (99999999, 1.5)),
        ("%l99999999d%99999999d", 1),
    ],
)
def test_a_width_is_found_wherever_it_stands(text: str, values: Any):
    with pytest.raises(TemplateLimitError):
        format_printf(Budget(), text, values)


def test_a_format_of_many_conversions_is_charged_before_it_is_read():
    text = "%" * 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(TemplateLimitError, match="units of work"):
            format_printf(Budget(), text, 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20
