"""Packed items: the same arrays and cuts as of parsed ones."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fanout.splitting.inline import PackedItems

VALUE = st.none() | st.integers(-(2**60), 2**60) | st.text(max_size=8) | st.lists(st.booleans())


@given(st.lists(VALUE, max_size=12), st.integers(0, 14), st.integers(0, 14))
def test_some_of_them_are_an_array_of_the_same(items: list[Any], first: int, count: int):
    packed = PackedItems.pack(items)
    assert len(packed) == len(items)
    assert json.loads(packed.take(first, count)) == items[first : first + count]
