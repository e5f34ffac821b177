"""What is estimated is no less than what Python takes."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.models.selection import ConstantSelector, PathSelector
from fanout.splitting.sizes.estimates import (
    MOST_JSON_RATIO,
    fixed_bytes,
    json_bytes,
    path_count,
    record_bytes,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab", max_size=3), inner),
    max_leaves=50,
)


def deep_bytes(value: Any) -> int:
    """What a value takes, keys and small numbers that are shared left out."""
    if isinstance(value, dict):
        return sys.getsizeof(value) + sum(map(deep_bytes, value.values()))
    if isinstance(value, list):
        return sys.getsizeof(value) + sum(map(deep_bytes, value))
    return sys.getsizeof(value) if isinstance(value, str) else 0


@given(VALUES)
def test_a_value_takes_about_what_is_estimated(value: Any):
    estimate = json_bytes(json.dumps(value, separators=(",", ":")).encode())
    assert deep_bytes(value) <= 3 * estimate + 100


@given(VALUES)
def test_no_json_takes_more_than_the_ratio_for_each_byte(value: Any):
    data = b"[" + b",".join([json.dumps(value, separators=(",", ":")).encode()] * 20) + b"]"
    assert json_bytes(data) <= MOST_JSON_RATIO * len(data)


@pytest.mark.parametrize(("size", "unit"), [(100_000, "{},"), (100_000, "[],"), (50_000, '"ab",')])
def test_many_small_values_are_not_underestimated(size: int, unit: str):
    text = "[" + unit * size + "0]"
    value = json.loads(text)
    # The list has 8 bytes for each of its places.
    assert deep_bytes(value) <= 1.3 * json_bytes(text.encode())


def test_fields_of_a_row_count_though_it_has_no_column_for_them():
    assert record_bytes(b"," * 1000, "csv", ",") > 50 * 1000
    assert record_bytes(b";" * 1000, "csv", ",") == 1000


def test_every_item_has_its_columns_and_what_is_merged_in():
    assert fixed_bytes(["n" * 1000] * 3, {}) >= 3000
    assert fixed_bytes([], {"a": ConstantSelector(const="x" * 500)}) >= 500
    assert fixed_bytes([], {}) == 0
    selection = {name: PathSelector(path="a") for name in "bcd"}
    assert path_count(selection | {"e": ConstantSelector(const=1)}) == 3
