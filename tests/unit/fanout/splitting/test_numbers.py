"""No number that a double cannot hold is overlooked, wherever it stands."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.splitting.numbers import has_infinity, may_overflow

digits = st.text("0123456789", min_size=1, max_size=320)
numbers = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    digits.map(lambda text: text.lstrip("0") or "0"),
    st.one_of(st.just(""), digits.map(".{}".format)),
    st.one_of(
        st.just(""),
        st.builds(
            "{}{}{}".format,
            st.sampled_from("eE"),
            st.sampled_from(["", "+", "-", "0", "+00"]),
            st.integers(0, 500),
        ),
    ),
)


@given(number=numbers, text=st.sampled_from(["[%s]", '{"a":%s}', '{"a":[1, %s ,2]}', "[\n%s\r\n]"]))
def test_a_number_beyond_a_double_is_never_overlooked(number, text):
    value = json.loads(text % number)
    is_infinite = not number.lstrip("-").isdigit() and math.isinf(float(number))
    assert has_infinity(value) == is_infinite
    assert may_overflow((text % number).encode()) or not is_infinite


@pytest.mark.parametrize(
    "text",
    [
        '{"id": 12, "mail": "line1e@example.com", "amount": 182.2549, "e": 1e5, "f": 1.5e-300}',
        '{"uuid": "1e345a7c-12e3-4567-89ab-123e45678901", "hash": "12e3456e789"}',
        '["1e400", "x 9"]',
        '["bdd640fb-0667-4ad1-9c80-317f12e3456a", "aaaaaa23-12e3-4567-8123-12e345678901"]',
        '["abc123456789012345678e123", "f%se999"]' % ("7" * 100),
        "[1e+16, 1.5e+99, 2E-05, 1e-300]",
        "[1e99, 123456789012345678901234567890]",
        "",
        "e",
        "1e",
    ],
)
def test_usual_texts_are_no_suspects(text):
    assert not may_overflow(text.encode())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("inf"), True),
        ([1, {"a": [float("-inf")]}], True),
        ({"a": [1.5, "inf", None, True, 10**400]}, False),
        ([], False),
    ],
)
def test_an_infinite_number_is_found_anywhere(value, expected):
    assert has_infinity(value) == expected
