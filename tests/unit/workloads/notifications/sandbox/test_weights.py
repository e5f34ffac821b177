import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.utils import Namespace
from markupsafe import Markup, escape

from workloads.notifications.sandbox.errors import TemplateLimitError
from workloads.notifications.sandbox.weights import MAX_DEPTH, html_length, weigh

FAR = 10**12
data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(data)
def test_what_is_written_of_a_value_has_a_length_within_a_few_times_its_weight(value: Any):
    # A letter is at most 12 in JSON, 10 in Python's `repr`.
    weight = weigh(value, FAR)
    assert len(json.dumps(value)) <= 12 * weight + 12
    assert len(repr(value)) <= 12 * weight + 12


@given(data, st.integers(1, 50))
def test_a_list_that_has_a_value_many_times_weighs_as_many_times_as_much(value: Any, times: int):
    assert weigh([value] * times, FAR) >= times * weigh(value, FAR)


def test_sharing_is_weighed_as_it_would_be_written_and_no_further_than_the_limit():
    value: list[Any] = [1]
    for _ in range(60):
        value = [value, value]
    with pytest.raises(TemplateLimitError, match="too large"):
        weigh(value, 100_000)


def test_a_value_that_has_itself_is_stopped():
    value: list[Any] = []
    value.append(value)
    with pytest.raises(TemplateLimitError, match=f"more than {MAX_DEPTH} deep"):
        weigh(value, FAR)


def test_what_is_no_data_has_no_weight():
    with pytest.raises(TypeError, match="a Namespace is no text"):
        weigh([Namespace()], FAR)


@given(st.text(alphabet="<>&'\"aé😀") | st.text())
def test_a_text_is_as_long_in_html_as_it_is_once_it_is_escaped(text: str):
    assert html_length(text) == len(escape(text))
    assert html_length(Markup(text)) == len(text)
