from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.spool import Spool

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PORTIONS = st.lists(st.lists(VALUES, max_size=4), max_size=4)


@given(portions=PORTIONS, data=st.data())
def test_what_was_put_in_is_taken_in_any_order(portions: list[list[Any]], data: st.DataObject):
    count = sum(map(len, portions))
    order = data.draw(st.permutations(range(count)))
    spool, put = Spool(), dict[int, Any]()
    for portion in portions:
        numbered = dict(enumerate(portion, start=len(put)))
        put |= numbered
        spool.add(numbered)
    for number in order:
        assert spool[number] == put[number]
    with pytest.raises(KeyError):
        spool[len(put)]
    spool.close()
    for number in put:
        with pytest.raises(KeyError):
            spool[number]


@given(portions=PORTIONS, data=st.data())
def test_what_was_put_in_can_be_taken_between_any_two_portions(
    portions: list[list[Any]], data: st.DataObject
):
    put = dict[int, Any]()
    with closing(Spool()) as spool:
        for portion in portions:
            numbered = dict(enumerate(portion, start=len(put)))
            put |= numbered
            spool.add(numbered)
            for number in data.draw(st.permutations([*put]))[:3]:
                assert spool[number] == put[number]
        assert {number: spool[number] for number in put} == put


def test_a_second_portion_and_all_that_come_with_it_leave_memory():
    spool = Spool()
    spool.add({0: "first"})
    spool.add({1: "second"})
    assert not spool._values
    assert (spool[1], spool[0]) == ("second", "first")
    spool.close()
