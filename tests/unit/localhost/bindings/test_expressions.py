"""What expressions in paths, keys and filters mean."""

import re
from datetime import UTC, datetime

import pytest

from localhost.bindings.expressions import BindingData, ExpressionError, format_value

DATA = BindingData(
    "work",
    {"name": "a", "Order": {"Id": 7, "deep": {"x": True}}, "list": [1], "quote": "o'k", "n": 1.5},
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{name}.txt", "a.txt"),
        ("{NAME}-{order.id}-{ORDER.Deep.X}", "a-7-True"),
        ("{{{name}}}", "{a}"),
        ("{sys.MethodName}", "work"),
        ("{n}", "1.5"),
    ],
)
def test_names_are_found_whatever_their_case(template: str, text: str) -> None:
    assert DATA.fill(template) == text


@pytest.mark.parametrize("name", ["nobody", "order", "order.none", "list", "name.x", "sys.none"])
def test_a_name_without_a_plain_value_is_named(name: str) -> None:
    with pytest.raises(ExpressionError, match=f"No value for named parameter '{name}'"):
        DATA.fill(f"x/{{{name}}}")


@pytest.mark.parametrize("template", ["{", "a}", "{}", "{a{b}"])
def test_braces_come_in_pairs_around_a_name(template: str) -> None:
    with pytest.raises(ExpressionError, match="brace"):
        DATA.fill(template)


@pytest.mark.parametrize(
    ("template", "pattern"),
    [
        ("{rand-guid}", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("{Rand-Guid:N}", r"[0-9a-f]{32}"),
        ("{rand-guid:b}", r"\{[0-9a-f-]{36}\}"),
        ("{sys.randguid:P}", r"\([0-9a-f-]{36}\)"),
        ("{DateTime}", r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ"),
        ("{datetime:yyyy}/{sys.utcnow:MM}", r"\d{4}/\d\d"),
    ],
)
def test_the_host_has_values_of_its_own(template: str, pattern: str) -> None:
    assert re.fullmatch(pattern, DATA.fill(template))
    assert BindingData("f", {"datetime": "mine"}).fill("{DateTime}") == "mine"


def test_a_date_is_written_by_the_patterns_of_dotnet() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    form = r"yy M d H m s fff ddd MMM 'at' \d tt"
    assert format_value(moment, form) == "26 1 2 3 4 5 678 Fri Jan at d AM"
    with pytest.raises(ExpressionError, match="'q' of the format"):
        format_value(moment, "q")
    with pytest.raises(ExpressionError, match="format of a GUID"):
        DATA.fill("{rand-guid:Z}")


def test_a_value_in_a_filter_cannot_change_what_the_filter_means() -> None:
    assert DATA.fill_filter("a eq '{quote}' and n gt {n}") == "a eq 'o''k' and n gt 1.5"
    with pytest.raises(ExpressionError, match="filter parameter 'quote'"):
        DATA.fill_filter("a eq {quote}")
