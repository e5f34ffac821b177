import re
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workloads.reports.reading.numbers import MAX_EXACT, decompose, parse_numbers

WHOLE = re.compile(r"[+-]?[0-9]+")
DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def value_of(text: str | None) -> int | float | str | None:
    """What the module's docstring says of one cell."""
    if text is None:
        return None
    if not DECIMAL.fullmatch(text) or float(text) in (float("inf"), float("-inf")):
        return "refused"
    return int(text) if WHOLE.fullmatch(text) else float(text)


def parsed(texts: list[str | None]) -> list[int | float | str | None]:
    numbers = parse_numbers(pl.Series(texts, dtype=pl.String))
    values: list[int | float | str | None] = list(numbers.exact_values())
    if numbers.invalid is not None:
        for row in numbers.invalid.arg_true():
            assert values[row] is None
            values[row] = "refused"
    return values


def assert_same(found: list, expected: list) -> None:
    assert [(type(value), value) for value in found] == [(type(v), v) for v in expected]


texts = st.one_of(
    st.none(),
    st.integers().map(str),
    st.integers(-MAX_EXACT - 2, MAX_EXACT + 2).map(str),
    st.floats().map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.text("0123456789+-.eE _,x", max_size=6),
    st.text(max_size=3),
)


@settings(deadline=None)
@given(st.lists(texts, max_size=8))
@example(["inf", "nan", "NaN", "Infinity", "-inf", "1e400", "-1e400", "9" * 400])
@example(
    [
        "1_0",
        "1,0",
        " 1",
        "1 ",
        "\t1",
        "1\n",
        "0x10",
        "\uff11",
        "\u0661",
        "--1",
        "+-1",
        "1.2.3",
        "1e",
    ]
)
@example([".5", "5.", ".", "+", "-", "e5", "+.5e-3", "-0", "-0.0", "007", "1e-400", "1E+3"])
@example([str(MAX_EXACT), str(MAX_EXACT + 1), str(-MAX_EXACT - 1), str(2**63), str(-(2**63))])
def test_a_text_is_a_number_by_the_rule_whatever_stands_beside_it(column):
    expected = [value_of(text) for text in column]
    assert_same(parsed(column), expected)
    assert_same([parsed([text])[0] for text in column], expected)


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_decomposed_floats_are_exact(reals):
    mantissas, exponents = decompose(pl.Series(reals, dtype=pl.Float64))
    pairs = zip(mantissas.to_list(), exponents.to_list(), strict=True)
    assert [mantissa * Fraction(2) ** exponent for mantissa, exponent in pairs] == [
        Fraction(real) for real in reals
    ]
    assert all(abs(mantissa) <= MAX_EXACT for mantissa in mantissas)


@pytest.mark.parametrize("texts", [[], [None], ["1", None]])
def test_a_column_of_whole_numbers_has_nothing_else(texts):
    numbers = parse_numbers(pl.Series(texts, dtype=pl.String))
    assert (numbers.real, numbers.huge, numbers.invalid) == (None, None, None)


@pytest.mark.parametrize("sign", ["", "+", "-"])
def test_whole_numbers_keep_their_value_behind_more_zeros_than_python_converts(sign):
    number = 9 * 10**30 + 1
    texts = [f"{sign}{'0' * 5000}{number}", "1"]
    assert parsed(texts) == [-number if sign == "-" else number, 1]
